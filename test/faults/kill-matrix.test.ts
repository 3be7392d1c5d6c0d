/**
 * Invariants 2, 3, 10: SIGKILL of any process at any phase of a change ends as it would have ended, nothing twice, and
 * the service importable at every moment. `npm test` runs a seeded sample, `npm run test:faults` all of it.
 */
import { after, before, test } from 'node:test';
import { startInstance, type TestInstance } from '../support/instance.js';
import { ALL_CASES, killAt, sampleOf } from './matrix.js';

const all = process.env['RUNBOOK_FAULTS'] === 'all';
const seed = Number(process.env['RUNBOOK_FAULTS'] ?? Date.now() % 1_000_000) || 0;
const cases = all ? ALL_CASES : sampleOf(ALL_CASES, 5, seed);

let instance: TestInstance;
before(async () => {
  process.stdout.write(`fault sample: RUNBOOK_FAULTS=${all ? 'all' : seed}, ${cases.length} of ${ALL_CASES.length}\n`);
  instance = await startInstance();
}, { timeout: 240_000 });
after(() => instance.stop());

for (const [at, one] of cases.entries()) {
  test(`invariant 10: SIGKILL of the ${one.victim} at ${one.point}`, { timeout: 180_000 }, async () => {
    await killAt(instance, one, at % 2 === 0 ? instance.fallback.version : instance.primary.version);
  });
}
