/** The performance check: one probe timed in the environment before and in the new one, in turns, and kept as a baseline (WF-48, PV-26). */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { shown } from '../../policy/mask.js';
import type { Performance, PerformanceProbe } from '../../policy/model.js';
import { comparePerformance, type ProbeTimes } from '../../policy/performance.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { askAgainIfEnded } from './command-failed.js';
import { runCommand, type CommandResult } from './command.js';
import { helperPython } from './interpreters.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, type Place } from './paths.js';
import { pythonText } from './python-text.js';
import { probeProblem } from './unsigned-input.js';
import { treePath } from './verify.js';

type MeasureInput = Parameters<HostActivities['measure']>[0];

/** A side's answer; `line` is null where its interpreter did not get as far as the end of the setup. */
interface SideTimes extends ProbeTimes {
  line: string | null;
}

/**
 * Each answer of a probe has the agent file's `importSeconds` (a setup imports); a statement that needs nearly all of
 * them is asked six times at most: once untimed, and two rounds a side.
 */
const ANSWERS = 8;
/** Starting and ending three interpreters. */
const MARGIN_MS = 30_000;

/**
 * Times the probe, as the project's owner, in the project's folder, and keeps the time of `after` for its interpreter
 * line. A probe that fails, hangs or ends its process is a result in words, never a failure. Given again by the same
 * run, it compares with what stood before that run.
 */
export async function measure(ctx: HostContext, step: StepScope, { env, run, probe, before, after }: MeasureInput): Promise<Performance> {
  const began = performance.now();
  const place = resolvePlace(ctx, env);
  const trees = [...(before === null ? [] : [placeOf(place, before)]), placeOf(place, after)];
  await ctx.barrier('measure:started');
  const problem = probeProblem(ctx, env, probe);
  const sides = problem === null ? await timeProbe(ctx, step, place, probe, trees) : untimed(trees, problem);
  const now = sides.at(-1)!;
  const baselineMs = now.line === null ? null : keepBaseline(ctx, { link: place.link, line: now.line, probe: baselineName(probe) }, run, now.ms);
  await ctx.barrier('measure:kept');
  const compared = comparePerformance({ probe: probe.name, before: before === null ? null : sides[0]!, after: now, baselineMs });
  return { ...compared, workMs: performance.now() - began };
}

/** Where a tree lies. The one that stands at the link as a directory has its name, and not yet its place. */
function placeOf(place: Place, tree: string): string {
  const path = treePath(place, tree);
  const view = readLink(place);
  return view.state === 'directory' && !asOwner(place.owner, () => existsSync(path)) ? place.link : path;
}

async function timeProbe(ctx: HostContext, step: StepScope, { owner, project }: Place, probe: PerformanceProbe, trees: string[]): Promise<SideTimes[]> {
  const seconds = ctx.agentFile.limits.importSeconds;
  const wish = { trees, program: pythonText('measure_tree.py'), setup: probe.setup, statement: probe.statement, folder: project, seconds };
  const result = await runCommand({
    file: await helperPython(ctx, owner),
    args: ['-I', '-S', '-c', pythonText('measure.py')],
    cwd: project,
    owner,
    stdin: JSON.stringify(wish),
    timeoutMs: seconds * ANSWERS * 1000 + MARGIN_MS,
    nice: ctx.agentFile.limits.nice,
    scope: step,
  });
  if (result.isCanceled) throw step.signal.reason ?? new Error('canceled');
  askAgainIfEnded(`timing ${probe.name}`, result, step);
  if (result.failed) return untimed(trees, whyFailed(result));
  const { sides } = JSON.parse(result.stdout) as { sides: { line: string | null; seconds: number | null; rounds: number; error: string }[] };
  return sides.map((side) => ({ ms: side.seconds === null ? null : side.seconds * 1000, rounds: side.rounds, problem: shown(side.error, 300), line: side.line }));
}

const untimed = (trees: string[], problem: string): SideTimes[] => trees.map(() => ({ ms: null, rounds: 0, problem, line: null }));

const whyFailed = (result: CommandResult): string =>
  shown(result.spawnError ?? (result.timedOut ? 'no end within the time limit' : result.tail.trim().split('\n').at(-1) || `exit code ${result.exitCode}`), 300);

/** A probe whose text was changed is another probe, whatever it is called. */
const baselineName = ({ name, setup, statement }: PerformanceProbe): string => `${name} ${createHash('sha256').update(JSON.stringify([setup, statement])).digest('hex').slice(0, 12)}`;

/** Stores the time, if there is one, and returns what stood there before this run. */
function keepBaseline(ctx: HostContext, key: { link: string; line: string; probe: string }, run: string, ms: number | null): number | null {
  const { baselines } = ctx.store;
  return ctx.store.exclusive(() => {
    if (ms !== null) baselines.keep({ ...key, ms, run, at: ctx.now().toISOString() });
    return baselines.before(key, run);
  });
}
