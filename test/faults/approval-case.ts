/** One case of the approval matrix: a run stands still at a point, a process is killed there, and the end is the same. */
import assert from 'node:assert/strict';
import { processStat } from '../../activities/host/proc.js';
import { poll, type TestInstance } from '../support/instance.js';
import { Cab } from '../support/cab.js';
import { approvalFootprint, type ApprovalFootprint } from './approval-end.js';
import type { ApprovalCase, ApprovalVictim, RouteName } from './approval-matrix.js';
import { APPROVAL_ROUTES, type Life } from './approval-routes.js';
import { Walk } from './approval-walk.js';
import { assertWhole, countsNow } from './same-end.js';

/**
 * An exception that is to reach its end lives so many times as long as a change takes here, and this much longer: a control worker that
 * is killed while it waits is back before half of it is over, when the way back is rehearsed (its next workflow task waits 10 s for the dead one).
 */
const LIFE_FACTOR = 6;
const LIFE_SECONDS = 50;

/** What the cases of one instance share. */
export interface Place {
  it: TestInstance;
  cab: Cab;
  /** null: not measured yet. */
  life: Life | null;
  expected: Partial<Record<RouteName, ApprovalFootprint>>;
}

/** People in its policy, nothing known yet. */
export const placeOn = (it: TestInstance): Place => ({ it, cab: new Cab(it), life: null, expected: {} });

/** By how long a change takes here. */
async function lifeOn(it: TestInstance): Promise<Life> {
  const began = performance.now();
  const result = await it.result(await it.start('change', { to: it.fallback.version }));
  assert.equal(result.outcome, 'done', result.message);
  const seconds = LIFE_SECONDS + (LIFE_FACTOR * (performance.now() - began)) / 1000;
  await goBack(it);
  return { hours: seconds / 3600 };
}

/** Each case begins on the primary interpreter. */
async function goBack(it: TestInstance): Promise<void> {
  if (it.version() === it.primary.version) return;
  const { outcome, message } = await it.undo('back for the next case');
  assert.equal(outcome, 'rolled-back', message);
  assert.equal(it.version(), it.primary.version);
}

/** What a route leaves that nobody disturbs; asked once an instance. */
async function expectedOf(place: Place, route: RouteName): Promise<ApprovalFootprint> {
  const { it, expected } = place;
  const known = expected[route];
  if (known) return known;
  const footprint = await walked(place, route, null, async () => assert.fail('nobody is to be struck'));
  const { outcome, on, serviceStarts } = APPROVAL_ROUTES[route].ends;
  assert.deepEqual([footprint.outcome, footprint.version, footprint.serviceStarts], [outcome, it[on].version, serviceStarts]);
  await goBack(it);
  return (expected[route] = footprint);
}

async function walked(place: Place, route: RouteName, point: string | null, strike: () => Promise<void>): Promise<ApprovalFootprint> {
  const { it, cab } = place;
  const life = route === 'expired' ? (place.life ??= await lifeOn(it)) : { hours: 1 };
  const before = countsNow(it);
  const walk = new Walk(it, cab, point, strike);
  const started = await APPROVAL_ROUTES[route].walk(walk, life);
  assert.equal(walk.wasThere, point !== null, `it never came by ${point}`);
  return approvalFootprint(it, started, await it.result(started), before);
}

/** Throws what did not hold. */
export async function runApprovalCase(place: Place, { point, victim }: ApprovalCase): Promise<void> {
  const { it } = place;
  const expected = await expectedOf(place, point.route);
  const imports = it.importLoop();
  let killed = 0;
  try {
    const footprint = await walked(place, point.route, point.name, async () => void (killed = await kill(it, victim)));
    await poll(() => ![killed, null].includes(it.handle.pids()[victim]));
    assert.deepEqual(footprint, expected);
    assertWhole(it, await imports.stop());
  } finally {
    await imports.stop();
  }
  await goBack(it);
}

/** Returns when it is dead. */
async function kill(it: TestInstance, victim: ApprovalVictim): Promise<number> {
  const pid = it.handle.pids()[victim]!;
  process.kill(pid, 'SIGKILL');
  await poll(() => ['Z', undefined].includes(processStat(pid)?.state));
  return pid;
}
