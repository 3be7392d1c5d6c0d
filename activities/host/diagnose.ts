/** Step 2 of the wheel runbook: an attempt that installs nothing, read line by line, and the facts of the host. Changes no environment. */
import { chownSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { causeOf } from '../../policy/assess.js';
import { branchOf, outstandingLines } from '../../policy/diagnosis.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import { parseRequirementsLock } from '../../policy/lock.js';
import type { Pin } from '../../policy/lock.js';
import { markerEnvironment, markerHolds } from '../../policy/markers.js';
import { shown } from '../../policy/mask.js';
import type { Diagnosis, Finding, LockVerdict, Owner, PinVerdict } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { parsePylock } from '../../policy/pylock.js';
import { adviceFor } from '../../policy/system-dependencies.js';
import { assess } from './assess.js';
import { attemptLock } from './attempt.js';
import type { Attempted } from './attempt.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { pipDryRunner, uvDryRunner } from './dry-run.js';
import type { DryRunner, DryRunPlace } from './dry-run.js';
import { writeEvidence } from './evidence-file.js';
import { runnerOf } from './checks/runner.js';
import { asOwner } from './owner.js';
import { ownerCache } from './owner-cache.js';
import { allOf } from './parallel.js';
import { cacheFacts } from './pip-cache.js';
import { readLink, resolveEnvironment } from './paths.js';
import type { ResolvedEnvironment } from './paths.js';
import { refusal } from './refuse.js';
import { runFolder } from './run-files.js';
import { inScratch, sweepScratch } from './scratch.js';
import { librariesText, numpyLibraries } from './shared-libraries.js';
import type { LinkedLibraries } from './shared-libraries.js';
import { systemFacts } from './system-facts.js';
import { neighboursOf, pipWords, pythonFacts, toolchain } from './toolchain.js';
import { findUv } from './tools.js';
import { requireKnownInterpreters } from './unsigned-input.js';

type Input = Parameters<HostActivities['diagnose']>[0];

/** Throws `HostRefused` for an environment or a lock that is none; a failure of the attempt is its result. */
export async function diagnose(ctx: HostContext, step: StepScope, input: Input): Promise<Diagnosis> {
  const started = performance.now();
  const { interpreter, run } = input;
  const resolved = resolveEnvironment(ctx, input.env);
  const { owner, project } = resolved;
  await requireKnownInterpreters(ctx, owner, [interpreter]);
  const pins = pinsOf(resolved, input);
  const cacheDir = ownerCache(ctx, owner, project);
  await sweepScratch(ctx);
  await ctx.barrier('diagnose:started');
  const [elsewhere, tried, facts, tools, libraries] = await allOf([
    // Where something is known to be missing, this will be asked for: not one after the other.
    input.suspects.length > 0 ? judgedElsewhere(ctx, step, resolved, input) : Promise.resolve(null),
    inOwnersFolder(ctx, run, owner, (scratch, guard) => tryLock({ ctx, step, owner, interpreter, cacheDir, run, scratch, guard }, pins, input)),
    pythonFacts(step, interpreter, owner),
    toolchain(ctx, interpreter, owner),
    liveLibraries(step, resolved),
  ]);
  const output = tried.attempted.runs.map((made) => made.output).join('\n');
  const log = writeEvidence(ctx, run, 'wheel_install', output);
  await ctx.barrier('diagnose:attempted');
  const findings = [...(await refined(tried.attempted.findings, elsewhere ?? (() => judgedElsewhere(ctx, step, resolved, input)))), ...libraryFindings(libraries)];
  const { system, distribution } = systemFacts(interpreter, facts?.platform ?? '');
  const words = { ...pipWords(facts, tried.newestPip), ...tools, 'numpy libraries': librariesText(libraries) };
  const table = input.systemDependencies ?? policyFileSchema.parse({}).systemDependencies;
  return {
    interpreter: interpreter.version,
    attempt: { installable: tried.attempted.installable, expected: pins.length, logPath: log.path, logSha256: log.sha256, lines: outstandingLines(output) },
    findings,
    system,
    tools: words,
    cache: await cacheFacts(cacheDir, owner),
    advice: adviceFor({ system: interpreter.system, distributions: distribution.ids, python: interpreter.version }, table, findings, words),
    workMs: performance.now() - started,
  };
}

/** The pins that count for this interpreter (DEF-10: parsed, never split at spaces). */
function pinsOf({ owner, project, settings }: ResolvedEnvironment, { interpreter }: Input): Pin[] {
  const text = asOwner(owner, () => readFileSync(join(project, settings.lock), 'utf8'));
  const isPylock = /^pylock(\.[^.]+)?\.toml$/.test(basename(settings.lock));
  const { pins, problems } = isPylock ? ofPylock(text) : parseRequirementsLock(text);
  if (problems.length > 0) throw refusal('HostRefused', ...problems);
  const environment = markerEnvironment(interpreter);
  return pins.filter((pin) => markerHolds(pin.marker, environment));
}

function ofPylock(text: string): ReturnType<typeof parseRequirementsLock> {
  const { packages, problems } = parsePylock(text);
  return { problems, pins: packages.map(({ project, version, marker, wheels }, at) => ({ project, version, marker, hashes: wheels.map((file) => `sha256:${file.sha256}`), line: at + 1 })) };
}

/** A scratch folder below the run's. The owner must be able to remove what is in it, so that its parent is the owner's too. */
async function inOwnersFolder<T>(ctx: HostContext, run: string, owner: Owner, act: (scratch: string, guard: Guard) => Promise<T>): Promise<T> {
  const parent = join(runFolder(ctx, run), 'attempt');
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) chownSync(parent, owner.uid, owner.gid);
  try {
    const make = (path: string): void => void asOwner(owner, () => mkdirSync(path, { mode: 0o700 }));
    return await inScratch(ctx, { parent, owner, work: `${run}/diagnose`, make }, ({ path, guard }) => act(path, guard));
  } finally {
    removeIfEmpty(parent);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Another attempt of the same run works in it, or removed it.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** WF-08: by the installer that will be used; where pip leaves it open, uv is asked again. And WF-03, in passing. */
async function tryLock(place: DryRunPlace, pins: Pin[], { suspects, interpreter, installer }: Input): Promise<{ attempted: Attempted; newestPip: string | null }> {
  const uv = await findUv(place.ctx, place.owner);
  const byUv = uv ? uvDryRunner(place, uv) : null;
  const runner = byUv && installer !== 'pip' ? byUv : await pipDryRunner(place);
  const again = runner.tool === 'pip' ? byUv : null;
  const [attempted, newest] = await allOf([attemptLock({ pins, suspects: suspects.map(normalizeProjectName), interpreter, runner, again }), newestPip(again ?? runner)]);
  return { attempted, newestPip: newest };
}

/** The newest pip the index has for this interpreter; an index of a company's own may have none. */
async function newestPip(runner: DryRunner): Promise<string | null> {
  const { packages } = await runner.run(['pip']);
  return packages.find(({ project }) => project === 'pip')?.version ?? null;
}

/** What the index has of each package, which no installer tells: a wheel for another Python, for another platform, or a source release alone. */
async function refined(findings: Finding[], judged: LockVerdict[] | (() => Promise<LockVerdict[]>)): Promise<Finding[]> {
  if (!findings.some(({ class: kind }) => kind === 'WHEEL_MISSING' || kind === 'NO_DISTRIBUTION')) return findings;
  const [verdict, ...elsewhere] = typeof judged === 'function' ? await judged() : judged;
  if (!verdict) return findings;
  const others = elsewhere.flatMap(({ pins }) => pins);
  return findings.map((finding) => {
    const pin = verdict.pins.find(({ project }) => project === finding.project);
    const isOpen = finding.class === 'WHEEL_MISSING' || finding.class === 'NO_DISTRIBUTION';
    return pin && isOpen && verdict.error === null ? withVerdict(finding, pin, others) : finding;
  });
}

/** The lock judged for this interpreter and those next to it; nothing without uv: pip takes half a second a pin, and its log has told already. */
async function judgedElsewhere(ctx: HostContext, step: StepScope, resolved: ResolvedEnvironment, { env, interpreter }: Input): Promise<LockVerdict[]> {
  if ((await findUv(ctx, resolved.owner)) === null) return [];
  const judged: LockVerdict[] = [];
  for (const one of [interpreter, ...(await neighboursOf(ctx, interpreter, resolved.owner))]) {
    judged.push(...(await assess(ctx, step, { env, interpreters: [one] })));
    // Mostly both answers are known from the assessment, and the older neighbour has it all: a third question is seldom needed.
    const [own, ...others] = judged;
    const isElsewhere = (project: string): boolean => others.some(({ pins }) => pins.some((pin) => pin.project === project && pin.verdict === 'wheel'));
    if (own!.missing.every(isElsewhere)) break;
  }
  return judged;
}

function withVerdict(finding: Finding, pin: PinVerdict, others: PinVerdict[]): Finding {
  if (pin.verdict !== 'sdist-only' && pin.verdict !== 'no-wheel') return finding;
  // A source release, and no wheel for the interpreters next to this one either: it is not the one to blame.
  const cause = causeOf(pin, others) ?? (pin.verdict === 'sdist-only' ? null : finding.cause);
  return { ...finding, cause, branch: branchOf(finding.class, cause), evidence: `${finding.evidence}\n${shown(pin.why, 300)}`.slice(0, 2000) };
}

async function liveLibraries(step: StepScope, resolved: ResolvedEnvironment): Promise<LinkedLibraries | null> {
  const { treePath } = readLink(resolved);
  // ldd lets what it is asked about choose its loader.
  return treePath === null ? null : numpyLibraries(step, treePath, runnerOf(resolved.project, resolved.owner, join(treePath, 'bin/python'), null));
}

function libraryFindings(libraries: LinkedLibraries | null): Finding[] {
  if (libraries === null || libraries.missing.length === 0) return [];
  const cause = 'missing-system-dependency';
  const evidence = libraries.missing.map((name) => shown(`${name} => not found`)).join('\n').slice(0, 2000);
  return [{ project: 'numpy', class: 'IMPORT_NATIVE', cause, evidence, remedy: 'numpy links to libraries this host does not have: install them', branch: branchOf('IMPORT_NATIVE', cause) }];
}
