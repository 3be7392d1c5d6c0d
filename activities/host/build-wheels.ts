/** Rungs 3 and 4 of the wheel runbook: wheels from source, on a host with the role `builder`, into its wheelhouse, by hash. */
import { availableParallelism, totalmem } from 'node:os';
import type { Interpreter, Owner, WheelBuild } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { buildOne, unmetRequirements, type BuildOrder, type Built, type PinToBuild } from './build-one.js';
import { buildsAtOnce, toolchainOf } from './build-toolchain.js';
import { CHILD_PATH } from './command-env.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { pinText } from './hashed-lock.js';
import { pipFor } from './installers/pip-command.js';
import { discoverInterpreters } from './interpreters.js';
import { mapParallel } from './parallel.js';
import { hostRefused } from './refuse.js';
import { sweepScratch } from './scratch.js';
import { ownWheelhouse } from './wheelhouse.js';

/**
 * Builds each pin by itself: own directory, time limit and log. What the wheelhouse has is not built again, so that a retry and a
 * second run cost nothing. A build that fails is a finding in the result. Throws `HostRefused` where this host is no builder,
 * `BadInput` for what is no pin.
 * @param searchPath where builds look for compilers.
 */
export async function buildWheels(ctx: HostContext, step: StepScope, input: Parameters<HostActivities['buildWheels']>[0], searchPath = CHILD_PATH): Promise<WheelBuild> {
  const started = performance.now();
  const { folder, owner } = ownWheelhouse(ctx);
  const pins = input.pins.map((pin): PinToBuild => ({ ...pin, project: normalizeProjectName(pinText(pin).split('==')[0]!) }));
  await sweepScratch(ctx);
  await ctx.barrier('build:started');
  const interpreter = await interpreterFor(ctx, owner, input.interpreter);
  const pip = await pipFor(ctx, owner, interpreter.realpath, interpreter.realpath);
  const tools = await toolchainOf(ctx, interpreter, owner, searchPath);
  const order: BuildOrder = { ctx, step, run: input.run, folder, owner, interpreter, pip, mode: input.mode, tools, searchPath, pins };
  const results = await inOrderOfNeed(order);
  await ctx.barrier('build:built');
  return {
    host: ctx.host,
    wheelhouse: folder,
    built: results.flatMap((one) => ('wheel' in one ? [one.wheel] : [])),
    failed: results.flatMap((one) => ('failed' in one ? [one.failed] : [])),
    workMs: performance.now() - started,
  };
}

/**
 * WF-70: what failed for want of a wheel that was built meanwhile is built after it. Each wave has fewer pins than the one
 * before, so that it ends.
 */
async function inOrderOfNeed(order: BuildOrder): Promise<Built[]> {
  const lanes = buildsAtOnce(availableParallelism(), totalmem());
  const results = new Map<PinToBuild, Built>();
  for (let waiting = order.pins; waiting.length > 0; ) {
    const wave = await mapParallel(waiting, lanes, (pin) => buildOne(order, pin));
    waiting.forEach((pin, at) => results.set(pin, wave[at]!));
    const fresh = new Set(waiting.filter((_, at) => isNew(wave[at]!)).map((pin) => pin.project));
    waiting = waiting.filter((_, at) => wantsOneOf(wave[at]!, fresh));
  }
  return order.pins.map((pin) => results.get(pin)!);
}

const isNew = (result: Built): boolean => 'wheel' in result && result.isNew;

/** Whether a build failed because a requirement of its own had no wheel, and that one has one now. */
function wantsOneOf(result: Built, fresh: ReadonlySet<string>): boolean {
  return 'failed' in result && unmetRequirements(result.text).some((project) => fresh.has(project));
}

/** The planned interpreter, or another patch release of its line: their wheels are the same. */
async function interpreterFor(ctx: HostContext, owner: Owner, version: string): Promise<Interpreter> {
  const all = (await discoverInterpreters(ctx, owner)).filter((one) => one.implementation === 'cpython' && !one.freeThreaded);
  const line = version.split('.').slice(0, 2).join('.');
  const found = all.find((one) => one.version === version) ?? all.find((one) => /^\d+\.\d+\.\d+$/.test(one.version) && one.version.startsWith(`${line}.`));
  if (found) return found;
  throw hostRefused(`source builds for Python ${version.slice(0, 40)} on ${ctx.host}`, `CPython ${line.slice(0, 20)} that user ${owner.name} can run`, all.map((one) => one.version).join(', ') || 'none', 'install it on the builder, or name its path under "interpreters" in the builder\'s agent file');
}
