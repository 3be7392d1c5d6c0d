/** The lock judged by pip, one dry run a pin: slower, for hosts without uv (WF-18, WF-19). Each pin passes or fails by itself. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { classifyOutput } from '../../policy/failures.js';
import type { Pin } from '../../policy/lock.js';
import { markerEnvironment, markerHolds } from '../../policy/markers.js';
import type { FailureClass, LockVerdict, PinVerdict, WheelVerdict } from '../../policy/model.js';
import { compareVersions } from '../../policy/pep440.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { parseWheelName } from '../../policy/tags.js';
import type { Question } from './assess-question.js';
import { throwIfEnded } from './command-failed.js';
import { runCommand } from './command.js';
import { pinText } from './hashed-lock.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs } from './index-flags.js';
import { pipFor, pipText, takePipLog } from './installers/pip-command.js';
import type { PipCommand } from './installers/pip-command.js';
import { mapParallel } from './parallel.js';

/** Dry runs mostly wait for the index. */
const AT_ONCE = 4;
const DRY_RUN_TIMEOUT_MS = 180_000;

/** Which classes are a verdict on the pin; every other one is a question without an answer. */
const VERDICTS: Partial<Record<FailureClass, WheelVerdict>> = {
  WHEEL_MISSING: 'no-wheel',
  NO_DISTRIBUTION: 'no-wheel',
  WHEEL_WRONG_TAG: 'no-wheel',
  VERSION_NOT_FOUND: 'version-not-found',
  PROJECT_NOT_FOUND: 'project-not-found',
  REQUIRES_PYTHON: 'requires-python',
};

/** What of pip's report is used. */
interface Report {
  install: { download_info: { url: string; archive_info?: { hash?: string; hashes?: Record<string, string> } }; is_yanked?: boolean }[];
}

/** Judges every pin whose marker holds; the first question without an answer is the verdict's `error`. */
export async function assessByPip(question: Question): Promise<LockVerdict> {
  const { ctx, resolved, interpreter } = question;
  const environment = markerEnvironment(interpreter);
  const pip = await pipFor(ctx, resolved.owner, interpreter.realpath, interpreter.realpath);
  const here = question.pins.filter((pin) => markerHolds(pin.marker, environment));
  const judged = await mapParallel(here, AT_ONCE, (pin) => dryRun(question, pip, pin));
  const pins = judged.map(({ verdict }) => verdict).sort((a, b) => (a.project < b.project ? -1 : a.project > b.project ? 1 : 0));
  const missing = pins.filter(({ verdict }) => verdict !== 'wheel' && verdict !== 'index-error').map(({ project }) => project);
  return { version: interpreter.version, pins, missing: [...new Set(missing)], error: judged.find(({ error }) => error !== null)?.error ?? null, durationMs: 0 };
}

async function dryRun({ ctx, step, resolved, cacheDir }: Question, pip: PipCommand, pin: Pin): Promise<{ verdict: PinVerdict; error: LockVerdict['error'] }> {
  const log = join(cacheDir, `dry-run-${randomBytes(8).toString('hex')}.log`);
  const result = await runCommand({
    file: pip.file,
    args: [...pip.args, 'install', ...PIP_ALWAYS, '-q', '--dry-run', '--ignore-installed', '--only-binary=:all:', '--no-deps', '--report', '-', '--cache-dir', join(cacheDir, 'pip'), '--log', log, ...pipIndexArgs(ctx), pinText(pin)],
    cwd: '/',
    owner: resolved.owner,
    env: pipEnvironment(ctx),
    timeoutMs: DRY_RUN_TIMEOUT_MS,
    scope: step,
  });
  if (result.isCanceled) throw step.signal.reason;
  throwIfEnded('pip\'s question to the index', result);
  const logged = takePipLog(log, resolved.owner);
  if (!result.failed) return passed(pin, result.stdout);
  const known = result.timedOut ? { class: 'NET_TIMEOUT' as const, evidence: 'no answer within the time limit' } : classifyOutput(pipText(logged, result.tail), 'pip', result.exitCode);
  if (known.class === 'AMBIGUOUS' && /Fetched page/.test(logged)) return judgedByPage(pin, logged);
  const verdict = VERDICTS[known.class];
  const base = { project: pin.project, version: pin.version, file: null, why: `${known.class}: ${known.evidence}` };
  return verdict ? { verdict: { ...base, verdict }, error: null } : { verdict: { ...base, verdict: 'index-error' }, error: { class: known.class, text: `${pin.project}==${pin.version}: ${known.evidence}` } };
}

function judgedByPage(pin: Pin, logged: string): { verdict: PinVerdict; error: LockVerdict['error'] } {
  const { verdict, why } = pageVerdict(logged, pin);
  const base = { project: pin.project, version: pin.version, file: null, why };
  return { verdict: { ...base, verdict }, error: verdict === 'index-error' ? { class: 'INDEX_NOT_AN_INDEX', text: `${pin.project}==${pin.version}: ${why}` } : null };
}

/**
 * The page was read and has no file that fits: what it has of this version stands in the log, link by link. A page without
 * any file is a log-in page or a wrong address, and says nothing about wheels: `index-error`.
 */
export function pageVerdict(logged: string, pin: Pick<Pin, 'project' | 'version'>): Pick<PinVerdict, 'verdict' | 'why'> {
  if (!/(?:Found link|Skipping link:.*?) \S+\/[^/\s#?]+\.(?:whl|tar\.gz|zip|tar\.bz2)(?:[#?\s]|$)/m.test(logged)) return { verdict: 'index-error', why: 'the page of the project names no file at all: a log-in page, or no index' };
  const names = [...logged.matchAll(/Skipping link: .*?\/([^/\s#?]+\.(?:whl|tar\.gz|zip|tar\.bz2))(?:[#?\s]|$)/gm)].map(([, name]) => decodeURIComponent(name!));
  const isOf = (project: string, version: string): boolean => normalizeProjectName(project) === pin.project && compareVersions(version, pin.version) === 0;
  const wheels = names.filter((name) => {
    const wheel = parseWheelName(name);
    return wheel !== null && isOf(wheel.project, wheel.version);
  });
  const sources = names.filter((name) => {
    const [, project, version] = /^(.+)-([^-]+)\.(?:tar\.gz|zip|tar\.bz2)$/.exec(name) ?? [];
    return project !== undefined && version !== undefined && isOf(project, version);
  });
  if (sources.length > 0) return { verdict: 'sdist-only', why: `no wheel for this interpreter; a source release exists: ${sources[0]}` };
  if (wheels.length > 0) return { verdict: 'no-wheel', why: `no wheel for this interpreter; there are ${wheels.slice(0, 3).join(', ')}` };
  return { verdict: 'version-not-found', why: 'the index has no such version' };
}

function passed(pin: Pin, stdout: string): { verdict: PinVerdict; error: LockVerdict['error'] } {
  const { install } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Report;
  const info = install[0]?.download_info;
  const sha256 = info?.archive_info?.hashes?.['sha256'] ?? /^sha256=([0-9a-f]{64})$/.exec(info?.archive_info?.hash ?? '')?.[1];
  const base = { project: pin.project, version: pin.version };
  if (!info || !sha256) return { verdict: { ...base, verdict: 'index-error', file: null, why: 'pip reported no sha256' }, error: { class: 'HASH_MISSING', text: `${pin.project}==${pin.version}: the index gives no sha256` } };
  const name = decodeURIComponent(new URL(info.url).pathname.split('/').at(-1)!);
  const approved = pin.hashes.filter((hash) => hash.startsWith('sha256:'));
  if (approved.length > 0 && !approved.includes(`sha256:${sha256}`)) {
    return { verdict: { ...base, verdict: 'no-wheel', file: null, why: `${name} has a hash the lock does not name` }, error: { class: 'HASH_MISMATCH', text: `${name}: expected a hash of the lock, got sha256:${sha256}` } };
  }
  return { verdict: { ...base, verdict: 'wheel', file: { name, sha256 }, why: install[0]?.is_yanked ? `${name}; yanked` : name }, error: null };
}
