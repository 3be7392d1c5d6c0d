/**
 * Invariants 3, 7 and 10: SIGKILL of control worker, agent or server once at every phase of an emergency exception and of an interpreter
 * change ends as it would have ended, no record lost or doubled, one effect. `npm test` runs a seeded sample, `npm run test:faults` all.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startInstance, type TestInstance } from '../support/instance.js';
import { placeOn, runApprovalCase, type Place } from './approval-case.js';
import { APPROVAL_PHASES, APPROVAL_POINTS, APPROVAL_VICTIMS, approvalCaseName, approvalCases, ROUTES, type ApprovalCase } from './approval-matrix.js';
import { keepApprovalResult } from './approval-table.js';

/** The longest waits for an exception's end, and for a workflow task of 10 s and a server that starts again. */
const CASE_LIMIT_MS = 300_000;

/** An exception that reaches its end is waited for in `exception-outage.test.ts` already. */
const SAMPLED = ROUTES.filter((route) => route !== 'expired');
/** Cases of a sample: with the undisturbed run that they share less than a minute. */
const SAMPLE = 2;

const all = process.env['RUNBOOK_FAULTS'] === 'all';
const seed = Number(process.env['RUNBOOK_FAULTS'] ?? Date.now() % 1_000_000) || 0;
const cases = all ? approvalCases() : sampleOf(seed);

/** Of one route, each another process at another point. The same seed, the same cases. */
function sampleOf(by: number): ApprovalCase[] {
  const pick = <T>(from: readonly T[], draw: number): T => from[Math.floor((by / 7 ** draw) % from.length)]!;
  const route = pick(SAMPLED, 0);
  const rest = APPROVAL_POINTS.filter((point) => point.route === route);
  return APPROVAL_VICTIMS.slice(0, SAMPLE).map((_, at) => {
    const victim = APPROVAL_VICTIMS[(by + at) % APPROVAL_VICTIMS.length]!;
    const point = pick(rest, at + 1);
    rest.splice(rest.indexOf(point), 1);
    return { point, victim };
  });
}

test('the matrix has every phase with every process; a sample is drawn by its seed', () => {
  assert.deepEqual(new Set(APPROVAL_POINTS.map(({ phase }) => phase)), new Set(APPROVAL_PHASES));
  assert.equal(new Set(approvalCases().map(approvalCaseName)).size, APPROVAL_POINTS.length * APPROVAL_VICTIMS.length);
  assert.deepEqual(sampleOf(7), sampleOf(7));
  const drawn = Array.from({ length: 500 }, (_, by) => sampleOf(by * 37)).flat();
  assert.deepEqual(new Set(drawn.map(({ point }) => point.route)), new Set(SAMPLED));
  assert.deepEqual(new Set(drawn.map(({ victim }) => victim)), new Set(APPROVAL_VICTIMS));
});

let instance: TestInstance | null = null;
let place: Place | null = null;
let isFit = false;

/** What a failed case left must not fail the next one. */
async function fitPlace(): Promise<Place> {
  if (isFit && place) return place;
  await instance?.stop();
  instance = null;
  instance = await startInstance();
  return (place = placeOn(instance));
}

before(() => void process.stdout.write(`fault sample: RUNBOOK_FAULTS=${all ? 'all' : seed}, ${cases.length} of ${approvalCases().length} of approvals\n`));
after(() => instance?.stop());
process.once('SIGTERM', () => void Promise.resolve(instance?.stop()).finally(() => process.exit(143)));

for (const one of cases) {
  test(`invariants 3, 7, 10: ${approvalCaseName(one)}: the same end, once`, { timeout: CASE_LIMIT_MS }, async () => {
    const here = await fitPlace();
    const began = performance.now();
    const keep = (problem: string | null): void => keepApprovalResult(one, problem, (performance.now() - began) / 1000);
    isFit = false;
    try {
      await runApprovalCase(here, one);
    } catch (error) {
      keep((error as Error).message);
      throw error;
    }
    isFit = true;
    keep(null);
  });
}
