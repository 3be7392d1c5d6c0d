/** The lock judged by uv: one call lists every wheel of every pin, and the policy's tag evaluator judges them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { refusedPins, unansweredVerdict } from '../../policy/assess.js';
import { classifyOutput } from '../../policy/failures.js';
import { markerEnvironment, markerHolds } from '../../policy/markers.js';
import type { LockVerdict, PinVerdict } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { parsePylock } from '../../policy/pylock.js';
import { judgeApproved } from './assess-question.js';
import type { Question } from './assess-question.js';
import { signalAsCode, throwIfEnded } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import { pinText } from './hashed-lock.js';
import { uvEnvironment, uvIndexArgs } from './index-flags.js';
import type { UvTool } from './tools.js';

/** 0.3 s for 41 pins; an index that is silent is given up by uv itself before. */
const COMPILE_TIMEOUT_MS = 180_000;

/** Asks again without the pins that do not exist, each with its verdict, until the rest is answered. */
export async function assessByUv(question: Question, uv: UvTool): Promise<LockVerdict> {
  const { interpreter, pins } = question;
  const environment = markerEnvironment(interpreter);
  const refused = new Map<string, PinVerdict>();
  for (;;) {
    const asked = pins.filter((pin) => !refused.has(pin.project));
    const { result, text } = await compile(question, uv, asked.map(lineOf));
    if (!result.failed) {
      const here = [...refused.values()].filter(({ project }) => pins.some((pin) => pin.project === project && markerHolds(pin.marker, environment)));
      if (asked.length === 0) return { version: interpreter.version, pins: here, missing: here.map((pin) => pin.project), error: null, durationMs: 0 };
      return judged(question, text, here);
    }
    const found = result.spawnError === null && !result.timedOut ? namedPins(result.tail, asked) : [];
    if (found.length === 0) return unanswered(question, result);
    if (refused.size === 0 && found.every((pin) => pin.verdict === 'version-not-found')) {
      const page = await emptyPage(question, uv, found[0]!.project);
      if (page) return unanswered(question, page);
    }
    for (const pin of found) refused.set(pin.project, pin);
    if (asked.every((pin) => refused.has(pin.project))) {
      return { version: interpreter.version, pins: [...refused.values()], missing: [...refused.keys()], error: null, durationMs: 0 };
    }
  }
}

/**
 * A log-in page in the index's place has no release at all, and uv says of it that there is no such version. Asked for the
 * project in any version it says so too: the answer then, else null.
 */
async function emptyPage(question: Question, uv: UvTool, project: string): Promise<CommandResult | null> {
  const { result } = await compile(question, uv, [project]);
  return result.failed && classifyOutput(result.tail, 'uv', result.exitCode).class === 'INDEX_NOT_AN_INDEX' ? result : null;
}

/** Files there are, but none for any platform of this Python, and no source release. */
const WHEELLESS = /([A-Za-z0-9._-]+)==[^\s,]+ has (no (?:usable )?wheels.*?) and you require/g;

/** The pins a refusal names. uv writes a marker behind a name, `six{sys_platform == 'win32'}`: that is taken off first. */
function namedPins(text: string, pins: Question['pins']): PinVerdict[] {
  const plain = text.replace(/(?<=[A-Za-z0-9])\{[^{}]*\}/g, '');
  const wheelless = [...plain.matchAll(WHEELLESS)].flatMap(([, name, why]) =>
    pins.filter((pin) => pin.project === normalizeProjectName(name!)).map(({ project, version }): PinVerdict => ({ project, version, verdict: 'no-wheel', file: null, why: why! })),
  );
  return [...refusedPins(plain, pins), ...wheelless];
}

function judged(question: Question, text: string, refused: PinVerdict[]): LockVerdict {
  const pylock = parsePylock(text);
  const [problem] = pylock.problems;
  // Every pin's marker may exclude every Python asked for: an answer without packages is then right.
  if (problem && !(pylock.packages.length === 0 && /^lock-version/m.test(text))) return unansweredVerdict(question.interpreter.version, 'UNKNOWN', `${problem.what}: expected ${problem.expected}, got ${problem.got}`);
  return judgeApproved(pylock, question, refused);
}

function unanswered({ interpreter, step }: Question, result: CommandResult): LockVerdict {
  if (result.isCanceled) throw step.signal.reason;
  throwIfEnded('uv\'s question to the index', result);
  if (result.timedOut) return unansweredVerdict(interpreter.version, 'NET_TIMEOUT', `no answer within ${COMPILE_TIMEOUT_MS / 1000} s`);
  if (result.spawnError !== null) return unansweredVerdict(interpreter.version, 'PERMISSION', result.spawnError);
  const { class: kind, evidence } = classifyOutput(result.tail, 'uv', signalAsCode(result));
  return unansweredVerdict(interpreter.version, kind, evidence);
}

/** `3.13.0rc2` is asked for as its line: uv's lower bound takes releases only. */
const pythonBound = (version: string): string => (/^\d+\.\d+\.\d+$/.test(version) ? version : version.split('.').slice(0, 2).join('.'));

const lineOf = (pin: Question['pins'][number]): string => `${pinText(pin)}${pin.marker === null ? '' : ` ; ${pin.marker}`}`;

/** Pins go in by standard input and the pylock comes out by a file of the agent's: no name is ever an argument. */
async function compile({ ctx, step, resolved, cacheDir, interpreter }: Question, uv: UvTool, lines: string[]): Promise<{ result: CommandResult; text: string }> {
  const folder = join(ctx.stateDir, 'assess');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stdoutPath = join(folder, `${randomBytes(8).toString('hex')}.toml`);
  try {
    const result = await runCommand({
      file: uv.file,
      args: ['pip', 'compile', '--no-deps', '--universal', '--no-header', '-q', '--python-version', pythonBound(interpreter.version), '--python', interpreter.realpath, '--format', 'pylock.toml', ...uvIndexArgs(ctx), '-'],
      cwd: '/',
      owner: resolved.owner,
      env: uvEnvironment(ctx, join(cacheDir, 'uv')),
      stdin: lines.map((line) => `${line}\n`).join(''),
      stdoutPath,
      timeoutMs: COMPILE_TIMEOUT_MS,
      scope: step,
    });
    return { result, text: result.failed ? '' : readFileSync(stdoutPath, 'utf8') };
  } finally {
    rmSync(stdoutPath, { force: true });
  }
}
