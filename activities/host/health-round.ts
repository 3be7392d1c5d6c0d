/** The light checks of a host, one environment after the other. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { HostContext } from './context.js';
import type { HealthRules } from './contract.js';
import { checkLight, degrading, healthPlace, type HealthPlace, type LightResult } from './health-light.js';
import { afterCheck, findingsText, secondsBetween } from './health-rules.js';
import type { HealthRow } from './store-health.js';

/** Last light check of each environment, by its link: when, by both clocks, what it saw, and which run had been the last to have it (-1: one has it). */
export type Lights = Map<string, { at: number; elapsed: number; seen: string; epoch: number }>;

/** Those that are due. Returns lines for the log. */
export async function lightRound(ctx: HostContext, rules: HealthRules, lights: Lights, signal: AbortSignal): Promise<string[]> {
  const { health, leases } = ctx.store;
  const links = new Set([...ctx.agentFile.environments, ...leases.all(), ...health.all()].map(({ link }) => link));
  const lines: string[] = [];
  for (const link of links) {
    if (signal.aborted) return lines;
    if (!isDue(ctx, lights, link, rules)) continue;
    lines.push(...checkOne(ctx, rules, lights, link, links));
    // Thousands of files were looked at: what else waits in this process goes first.
    await breathe();
  }
  if (health.appliedDigest() !== rules.digest) ctx.store.exclusive(() => health.setApplied(rules.digest));
  return lines;
}

/** By either clock, and at once when a run has given the environment back. While one has it the next check may wait for as long again. */
function isDue(ctx: HostContext, lights: Lights, link: string, rules: HealthRules): boolean {
  const last = lights.get(link);
  if (!last) return true;
  const { state, epoch } = ctx.store.leases.get(link);
  const isHeld = state === 'held';
  if (!isHeld && last.epoch !== epoch) return true;
  const everyMs = secondsBetween(rules) * 1000 * (isHeld ? 2 : 1);
  const now = ctx.now().getTime();
  return now < last.at || now - last.at >= everyMs || performance.now() - last.elapsed >= everyMs;
}

/** None where there is no environment, or where it is checked by its other name. */
function checkOne(ctx: HostContext, rules: HealthRules, lights: Lights, named: string, links: ReadonlySet<string>): string[] {
  const at = placeOf(ctx, named, rules);
  const link = at instanceof Error ? named : at.place.link;
  const lease = ctx.store.leases.get(link);
  const mark = { at: ctx.now().getTime(), elapsed: performance.now(), seen: '', epoch: lease.state === 'held' ? -1 : lease.epoch };
  lights.set(named, mark);
  if (link !== named && links.has(link)) return [];
  const result = resultOf(ctx, rules, link, at);
  lights.set(link, { ...mark, seen: result?.seen ?? '' });
  const { store } = ctx;
  if (!result) {
    if (store.health.get(link)) store.exclusive(() => store.health.drop(link));
    return [];
  }
  const row = keepRow(ctx, link, (before) => afterCheck(before, link, 'light', { light: result.findings }, ctx.now()));
  return [`${healthLine(row)}${result.warnings.map(({ check, message }) => `; note ${check}: ${message}`).join('')}`];
}

function placeOf(ctx: HostContext, link: string, rules: HealthRules): HealthPlace | Error {
  try {
    return healthPlace(ctx, link, rules.policy);
  } catch (error) {
    return error as Error;
  }
}

function resultOf(ctx: HostContext, rules: HealthRules, link: string, at: HealthPlace | Error): LightResult | null {
  const refused = (error: Error): LightResult => ({ findings: [degrading('virtual_environment', error.message)], warnings: [], seen: error.message });
  if (at instanceof Error) {
    // An environment goes with its project, unless the host's administrator names it.
    const isNamed = ctx.agentFile.environments.some((one) => one.link === link);
    return isNamed || existsSync(dirname(link)) ? refused(at) : null;
  }
  try {
    return checkLight(ctx, at, rules.policy, ctx.store.health.get(link) !== undefined);
  } catch (error) {
    return refused(error as Error);
  }
}

/** Changes a row with nobody between reading and writing it. */
export const keepRow = ({ store }: HostContext, link: string, change: (before: HealthRow | undefined) => HealthRow): HealthRow =>
  store.exclusive(() => {
    const row = change(store.health.get(link));
    store.health.put(row);
    return row;
  });

/** `LINK Runtime health: DEGRADED: critical wheel_status: …`. */
export function healthLine(row: HealthRow, how = ''): string {
  const found = findingsText(row);
  return `${row.link} Runtime health: ${row.state}${how}${found === '' ? '' : `: ${found}`}`;
}
