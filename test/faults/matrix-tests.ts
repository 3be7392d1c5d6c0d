/** The tests of one signal: all cases on one instance a scenario, or a seeded sample of them. */
import { after, before, test } from 'node:test';
import { startInstance, type TestInstance } from '../support/instance.js';
import { caseName, casesOf, sampleOf, SIGNALS, type ScenarioName, type Signal } from './matrix.js';
import { keepResult } from './matrix-table.js';
import { runCase, undisturbed } from './run-case.js';
import type { Footprint } from './same-end.js';
import { SCENARIOS } from './scenarios.js';
import { wakeAll } from './strike.js';

/** Longest a case may take: the slowest starts an instance, and waits for a workflow task of 10 s and for a server that starts again. */
const CASE_LIMIT_MS = 300_000;

/** Cases of a signal that `npm test` runs. */
const SAMPLE = 2;

/** Declares the tests of one signal. RUNBOOK_FAULTS: `all`, or a seed. */
export function matrixTests(signal: Signal): void {
  const all = process.env['RUNBOOK_FAULTS'] === 'all';
  const seed = Number(process.env['RUNBOOK_FAULTS'] ?? Date.now() % 1_000_000) || 0;
  const cases = all ? casesOf(signal) : sampleOf(casesOf(signal), SAMPLE, seed * SIGNALS.length + SIGNALS.indexOf(signal));
  let instance: TestInstance | null = null;
  let scenario: ScenarioName | null = null;
  let expected: Footprint;

  async function renew(next: ScenarioName): Promise<TestInstance> {
    await instance?.stop();
    instance = null;
    const it = await startInstance(SCENARIOS[next].options);
    instance = it;
    scenario = next;
    expected = await undisturbed(it, next);
    return it;
  }

  before(() => void process.stdout.write(`fault sample: RUNBOOK_FAULTS=${all ? 'all' : seed}, ${cases.length} of ${casesOf(signal).length} with ${signal}\n`));
  after(() => instance?.stop());
  // The runner ends a file that takes too long; nothing may stay behind, least of all stopped.
  process.once('SIGTERM', () => {
    wakeAll();
    void Promise.resolve(instance?.stop()).finally(() => process.exit(143));
  });

  let isFit = true;
  for (const one of cases) {
    test(`invariants 2, 3, 10: ${caseName(one)} under a fallback: the same end, once`, { timeout: CASE_LIMIT_MS }, async () => {
      // What a failed case left must not fail the next one.
      const it = isFit && instance && scenario === one.point.scenario ? instance : await renew(one.point.scenario);
      const began = performance.now();
      const keep = (problem: string | null): void => keepResult(one, problem, (performance.now() - began) / 1000);
      isFit = false;
      try {
        await runCase(it, one, expected);
      } catch (error) {
        keep((error as Error).message);
        throw error;
      }
      isFit = true;
      keep(null);
    });
  }
}
