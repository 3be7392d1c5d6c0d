/** WF-48: how fast the new environment is beside the old one. */
import { ApplicationFailure } from '@temporalio/workflow';
import { performanceFacts } from '../../policy/fallback-entries.js';
import { FAILURE } from '../../policy/names.js';
import type { Performance, PerformanceProbe, Plan, RunResult } from '../../policy/model.js';
import { rethrowMistake } from './failures.js';
import { callHost } from './host.js';
import type { Run, StepFact } from './run.js';

const MEASURE_LIMIT = '5 minutes';

const ask = (run: Run, probe: PerformanceProbe, before: string | null, after: string) => (): Promise<Performance> =>
  callHost(run, `time ${probe.name}`, (host) => host.measure({ env: run.env, run: run.state.run, probe, before, after }), { scheduleToCloseTimeout: MEASURE_LIMIT });

const fact = (performance: Performance): StepFact => ({ fact: performance.summary, workMs: performance.workMs, data: performanceFacts(performance) });

/** After a change that stands: a finding for the report. What could not be measured changes nothing. */
export async function measureSpeed(run: Run, { outcome, trees }: RunResult, probe: PerformanceProbe | null): Promise<Performance | null> {
  if (outcome !== 'done' || !trees || probe === null) return null;
  try {
    return await run.step('measure', ask(run, probe, trees.from, trees.to), fact);
  } catch (error) {
    rethrowMistake(error);
    run.noteCancel(error);
    return null;
  }
}

/** Before the switch, where the project says how slow is too slow: then the tree is not switched to. */
export async function refuseSlower(run: Run, plan: Plan, tree: string): Promise<Performance | undefined> {
  const wish = plan.settings.performance;
  if (!wish || wish.maxSlowdown === null) return undefined;
  const limit = wish.maxSlowdown;
  const isTooSlow = ({ ratio }: Performance): boolean => ratio !== null && ratio > limit;
  const { name, setup, statement } = wish;
  const measured = await run.step('measure', ask(run, { name, setup, statement }, plan.present?.id ?? null, tree), (p) => ({ ...fact(p), ok: !isTooSlow(p) }));
  if (isTooSlow(measured)) throw ApplicationFailure.nonRetryable(`${measured.summary}: expected at most ${limit} times the old environment's time, got ${measured.ratio!.toFixed(2)}`, FAILURE.VerificationFailed);
  return measured;
}
