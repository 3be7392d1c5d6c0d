/** One pin built from source: in a scratch directory, with its own time limit and log, looked at, and moved into the wheelhouse. */
import { chmodSync, closeSync, constants, fstatSync, mkdirSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { causeOf } from '../../policy/assess.js';
import { branchOf } from '../../policy/diagnosis.js';
import { classifyOutput } from '../../policy/failures.js';
import { shown } from '../../policy/mask.js';
import type { BuiltWheel, FailureClass, Interpreter, Owner, WheelBuild, WheelFailureCause } from '../../policy/model.js';
import { compareVersions } from '../../policy/pep440.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { bestWheel, parseWheelName } from '../../policy/tags.js';
import { buildArgs, buildEnvironment, buildRequirement } from './build-command.js';
import { missingTools, type Toolchain } from './build-toolchain.js';
import { askAgainIfEnded, signalAsCode } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import type { HostContext, StepScope } from './context.js';
import { pipText, takePipLog, type PipCommand } from './installers/pip-command.js';
import { helperPython } from './interpreters.js';
import { asOwner } from './owner.js';
import { pythonText } from './python-text.js';
import { runFolder, writeRunFile } from './run-files.js';
import { inScratch, type Scratch } from './scratch.js';
import { publishWheel, recordedWheel, recordedWheels, sha256File } from './wheelhouse.js';

export interface PinToBuild {
  /** Normalised. */
  project: string;
  version: string;
  hashes?: string[];
  native?: boolean;
}

/** What all builds of one order share. */
export interface BuildOrder {
  ctx: HostContext;
  step: StepScope;
  run: string;
  folder: string;
  owner: Owner;
  interpreter: Interpreter;
  pip: PipCommand;
  mode: 'one' | 'all';
  tools: Toolchain;
  searchPath: string;
  pins: readonly PinToBuild[];
}

type Failed = WheelBuild['failed'][number];
export type Built = { wheel: BuiltWheel; isNew: boolean } | { failed: Failed; text: string };

/** What the helper says of a build's result. */
interface Inspection {
  wheels: { file: string; sha256: string; name: string; version: string; compiled: string[]; problem: string }[];
  sources: string[];
}

const INSPECT_TIMEOUT_MS = 300_000;
/** How much of a log is read: its end, where the reason stands. */
const LOG_READ = 1024 * 1024;

/** Builds a pin, or finds that it is there. A build that fails is a result; thrown are a cancellation, and a build that others ended. */
export async function buildOne(order: BuildOrder, pin: PinToBuild): Promise<Built> {
  const { ctx, run, folder, owner, interpreter } = order;
  const logPath = join(runFolder(ctx, run), `build-${pin.project}-${pin.version}.log`);
  const known = recordedWheel(recordedWheels(folder), pin, interpreter);
  if (known) {
    const sha256 = await sha256File(join(folder, known.name));
    if (sha256 === known.sha256) return { wheel: { project: pin.project, version: pin.version, file: { name: known.name, sha256 }, durationMs: 0, warnings: [] }, isNew: false };
    return failed(pin, logPath, 'HASH_MISMATCH', null, `${known.name}: expected sha256 ${known.sha256} as recorded, got ${sha256}`, `find out who changed the file in ${folder}; then remove it and its .sha256 file, and build again`);
  }
  const lacks = missingTools(order.tools);
  if (pin.native && lacks.length > 0) return failed(pin, logPath, 'BUILD', 'missing-system-dependency', `${lacks.join(' and ')} on ${ctx.host}: expected for a release with a compiled part, got none`, toolRemedy(interpreter));
  const started = performance.now();
  const place = { parent: folder, owner, work: `${run}/build/${pin.project}`, make: (path: string) => asOwner(owner, () => ['', 'tmp', 'out'].forEach((name) => mkdirSync(join(path, name), { mode: 0o755 }))) };
  return inScratch(ctx, place, async (scratch) => {
    let [result, text] = await start(order, pin, scratch, logPath, { isHeld: true });
    // The lock's version of a build requirement may be one that this release can't be built with.
    if (result.failed && /\(constraint\)|constraint was for/.test(text)) [result, text] = await start(order, pin, scratch, logPath, { isHeld: false });
    // Something is not to be had: only pip's log tells why. It failed before anything was built, so asking again is cheap.
    if (result.failed && !wantsAnother(order, pin, text) && classifyOutput(text, 'pip', 1).class === 'AMBIGUOUS') {
      const [, why] = await start(order, pin, scratch, logPath, { isHeld: false, log: join(scratch.path, 'pip.log') });
      text = `${why}\n${text}`;
    }
    if (result.failed) return judgeFailure(order, pin, result, { logPath, text });
    return accept(order, pin, scratch, { logPath, durationMs: performance.now() - started });
  });
}

/** WF-70: wheels this wheelhouse has for pins of the lock; what a build requires of them is held to them. */
function constraintsOf({ folder, interpreter, pins }: BuildOrder, building: PinToBuild): string {
  const recorded = recordedWheels(folder);
  const held = pins.filter((pin) => pin.project !== building.project && recordedWheel(recorded, pin, interpreter) !== null);
  return held.map((pin) => `${pin.project}==${pin.version}\n`).join('');
}

/** The result, and what this start wrote to the log: an earlier one may have failed for another reason. */
async function start(order: BuildOrder, pin: PinToBuild, { path, guard }: Scratch, logPath: string, { isHeld, log = null }: { isHeld: boolean; log?: string | null }): Promise<[CommandResult, string]> {
  const { ctx, step, run, folder, owner, pip, mode, searchPath } = order;
  const requirement = writeRunFile(ctx, run, `build-${pin.project}-${pin.version}.txt`, buildRequirement(pin));
  const held = isHeld && mode === 'one' ? constraintsOf(order, pin) : '';
  const constraints = held === '' ? null : writeRunFile(ctx, run, `build-${pin.project}-${pin.version}-constraints.txt`, held);
  const from = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const result = await runCommand({
    file: pip.file,
    args: [...pip.args, ...buildArgs(ctx, { ...pin, mode, wheelhouse: folder, requirement, out: join(path, 'out'), log })],
    cwd: path,
    owner,
    env: buildEnvironment(ctx, path, searchPath, constraints),
    timeoutMs: ctx.agentFile.limits.buildSeconds * 1000,
    outputPath: logPath,
    nice: ctx.agentFile.limits.nice,
    guard,
    scope: step,
  });
  if (result.isCanceled) throw step.signal.reason;
  askAgainIfEnded(`the build of ${pin.project} ${pin.version}`, result, step);
  const output = logText(logPath, from);
  return [result, log === null ? output : pipText(takePipLog(log, owner), '')];
}

/** The wheel is what was asked for, is whole and fits; then it is moved in. */
async function accept(order: BuildOrder, pin: PinToBuild, { path, guard }: Scratch, { logPath, durationMs }: { logPath: string; durationMs: number }): Promise<Built> {
  const { ctx, step, owner, interpreter, folder, tools } = order;
  const asked = await runCommand({ file: await helperPython(ctx, owner), args: ['-I', '-S', '-c', pythonText('wheel.py'), JSON.stringify({ out: join(path, 'out'), source: join(path, 'tmp') })], cwd: '/', owner, timeoutMs: INSPECT_TIMEOUT_MS, guard, scope: step });
  if (asked.isCanceled) throw step.signal.reason;
  if (asked.failed) throw new Error(`looking at the wheel of ${pin.project}: ${asked.spawnError ?? asked.tail.trim().split('\n').at(-1)}`);
  const { wheels, sources } = JSON.parse(asked.stdout) as Inspection;
  const problem = problemOf(wheels, pin, interpreter);
  if (problem !== null) return failed(pin, logPath, problem.class, causeOf(problem.class), problem.text, 'the release\'s build is at fault: use a newer release, or one with a wheel');
  const [wheel] = wheels;
  const isBare = sources.length > 0 && wheel!.compiled.length === 0;
  const lacks = missingTools(tools);
  const bare = `no compiled part in ${wheel!.file} although the source release has ${sources.slice(0, 3).join(', ')}`;
  // It would be slow or incomplete, and found by everybody from now on.
  if (isBare && lacks.length > 0) return failed(pin, logPath, 'BUILD', 'missing-system-dependency', `${bare}; ${lacks.join(' and ')} missing on ${ctx.host}`, toolRemedy(interpreter));
  const file = publishWheel(ctx, { folder, owner }, join(path, 'out', wheel!.file), { name: wheel!.file, sha256: wheel!.sha256 });
  return { wheel: { project: pin.project, version: pin.version, file, durationMs, warnings: isBare ? [bare] : [] }, isNew: true };
}

function problemOf(wheels: Inspection['wheels'], pin: PinToBuild, interpreter: Interpreter): { class: FailureClass; text: string } | null {
  const [wheel] = wheels;
  if (!wheel || wheels.length > 1) return { class: 'BUILD', text: `expected one wheel from the build, got ${wheels.map(({ file }) => file).join(', ') || 'none'}` };
  if (wheel.problem !== '') return { class: 'WHEEL_CORRUPT', text: `${shown(wheel.file)}: ${shown(wheel.problem, 300)}` };
  const name = parseWheelName(wheel.file);
  const named = [{ name: wheel.name, version: wheel.version }, { name: name?.project ?? '', version: name?.version ?? '' }];
  const other = named.find((one) => normalizeProjectName(one.name) !== pin.project || compareVersions(one.version, pin.version) !== 0);
  if (other) return { class: 'BUILD', text: `${shown(wheel.file)}: expected ${pin.project} ${pin.version}, got ${shown(other.name) || 'no name'} ${shown(other.version)}` };
  if (bestWheel([{ name: wheel.file }], interpreter) === null) return { class: 'WHEEL_WRONG_TAG', text: `${shown(wheel.file)}: expected a tag of Python ${interpreter.version} on this host` };
  return null;
}

/** Projects a failed build found no wheel of, normalised. */
export const unmetRequirements = (text: string): string[] =>
  [...text.matchAll(/No matching distribution found for ([A-Za-z0-9][A-Za-z0-9._-]*)/g)].map(([, name]) => normalizeProjectName(name!.replace(/[._-]+$/, '')));

const wantsAnother = (order: BuildOrder, pin: PinToBuild, text: string): boolean =>
  unmetRequirements(text).some((project) => project !== pin.project && order.pins.some((other) => other.project === project));

function judgeFailure(order: BuildOrder, pin: PinToBuild, result: CommandResult, { logPath, text }: { logPath: string; text: string }): Built {
  if (result.spawnError !== null) return failed(pin, logPath, 'INTERPRETER_MISSING', null, result.spawnError, 'the build could not be started; look at the interpreter');
  if (result.timedOut) return failed(pin, logPath, 'KILLED', null, `no end within ${order.ctx.agentFile.limits.buildSeconds} s`, 'look at its log, or raise "limits.buildSeconds" in the builder\'s agent file');
  const other = /^.* has inconsistent (?:version|name): .*$/im.exec(text)?.[0];
  if (other) return failed(pin, logPath, 'BUILD', null, other, 'the source release is not what its name says: use a newer release, or one with a wheel');
  const known = classifyOutput(text, 'pip', signalAsCode(result));
  const cause = known.cause === undefined ? causeOf(known.class) : known.cause;
  return { ...failed(pin, logPath, known.class, cause, known.evidence, known.remedy), text };
}

function failed(pin: PinToBuild, logPath: string, kind: FailureClass, cause: WheelFailureCause | null, evidence: string, remedy: string): { failed: Failed; text: string } {
  // Also for what was judged without a build: the log is where one looks.
  writeFileSync(logPath, `[${kind}: ${shown(evidence, 2000)}]\n`, { mode: 0o600, flag: 'a' });
  chmodSync(logPath, 0o600);
  return { failed: { project: pin.project, version: pin.version, class: kind, cause, evidence: shown(evidence, 2000), remedy, branch: branchOf(kind, cause), logPath }, text: '' };
}

const toolRemedy = (interpreter: Interpreter): string => `install the build tools on the builder (build-essential, and python${interpreter.version.split('.').slice(0, 2).join('.')}-dev or the interpreter's own headers)`;

/** The end of a log of ours, nothing before `from`. */
function logText(path: string, from: number): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size - from, LOG_READ));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
