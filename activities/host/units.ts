/** Restarting the service units of an environment, as the agent's user: the commands are the host administrator's. */
import type { ServiceUnit } from '../../policy/files/agent-file.js';
import { throwIfEnded } from './command-failed.js';
import { runCommand, type CommandResult } from './command.js';
import type { Guard, StepScope } from './context.js';
import { agentOwner } from './owner.js';
import type { Place } from './paths.js';
import { waitUntil } from './poll.js';

export interface Restarts {
  restarted: string[];
  /** Empty when every unit is healthy. */
  problem: string;
  /** Announced windows of all units, in milliseconds. */
  windowMs: number;
}

export interface RestartOptions {
  /** True when an earlier attempt, cut off before its receipt, left nothing to restart. */
  isDone(): boolean;
  /** false: there is no environment to be healthy on. */
  needsHealth: boolean;
  guard: Guard | undefined;
}

/**
 * Restarts the units one after the other, each with its window: the restart itself and health within it. The service
 * must have left the restart command's process group (every supervisor does that): the group ends with the command.
 */
export async function restartUnits(step: StepScope, { unit: { units } }: Place, { isDone, needsHealth, guard }: RestartOptions): Promise<Restarts> {
  const windowMs = units.reduce((sum, unit) => sum + unit.restartWindowSeconds * 1000, 0);
  const restarted: string[] = [];
  const mayBeDone = isDone();
  for (const unit of units) {
    const isFine = mayBeDone && unit.health !== undefined && !(await run(unit, unit.health, unit.restartWindowSeconds * 1000, step, guard)).failed;
    const problem = isFine ? '' : await restartOne(unit, step, needsHealth, guard);
    if (problem !== '') return { restarted, problem, windowMs };
    restarted.push(unit.name);
  }
  return { restarted, problem: '', windowMs };
}

async function restartOne(unit: ServiceUnit, step: StepScope, needsHealth: boolean, guard: Guard | undefined): Promise<string> {
  const windowMs = unit.restartWindowSeconds * 1000;
  const began = performance.now();
  const restart = await run(unit, unit.restart, windowMs, step, guard);
  throwIfEnded(`restart of unit ${unit.name}`, restart);
  // Without an environment the start must fail; that the old processes are gone is asked of the host itself.
  if (!needsHealth) return '';
  if (restart.failed) return problemOf(unit, 'restarted', restart);
  if (!unit.health) return '';
  let health = restart;
  const rest = (): number => windowMs - (performance.now() - began);
  const isHealthy = await waitUntil(async () => {
    health = await run(unit, unit.health!, Math.max(rest(), 1000), step, guard);
    return !health.failed;
  }, rest(), step);
  return isHealthy ? '' : problemOf(unit, 'healthy', health);
}

function run(unit: ServiceUnit, [file, ...args]: string[], timeoutMs: number, scope: StepScope, guard: Guard | undefined): Promise<CommandResult> {
  return runCommand({ file: file!, args, cwd: '/', owner: agentOwner(), timeoutMs, scope, ...(guard ? { guard } : {}) });
}

function problemOf(unit: ServiceUnit, what: string, { command, exitCode, signal, timedOut, spawnError, tail }: CommandResult): string {
  const got = spawnError ?? (timedOut ? 'no end of the command by then' : exitCode === null ? `signal ${signal}` : `exit code ${exitCode}`);
  const last = tail.trim().split('\n').at(-1);
  return `unit ${unit.name}: expected it to be ${what} within ${unit.restartWindowSeconds} s, got ${got} from ${command}${last ? ` (${last})` : ''}; look at the unit's own log`;
}
