/** `runbook plan`: the plan and nothing more. Nothing is changed and nothing is put on record. */
import { workflowInfo } from '@temporalio/workflow';
import type { ChangeRequest, LockVerdict, Plan } from '../policy/model.js';
import type { FallbackDecision, OrRefusal } from '../activities/control/contract.js';
import { callHost, control } from './lib/host.js';
import { chooseOn, fallbackPlace, judge, lookAt, planChangeOn } from './lib/planning.js';
import { Run } from './lib/run.js';

export type PlanAnswer = OrRefusal<{ plan: Plan | null; lines: string[]; alreadyThere: boolean; decision: FallbackDecision | null; verdicts: LockVerdict[] }>;

export async function planChange(request: ChangeRequest): Promise<PlanAnswer> {
  // A plan has no run of its own: it borrows the words and keeps no record.
  const run = new Run(request, request.kind, `${workflowInfo().workflowId}/none`);
  if (request.kind !== 'fallback') return planned(run, request, null, []);
  const look = await lookAt(run, request, false);
  const chosen = await chooseOn(request, look);
  if (chosen.refused) return chosen;
  const verdicts = await judge(run, chosen.interpreters);
  const { imports } = await callHost(run, 'imports of the live environment', (host) => host.probeLive({ env: run.env, modules: request.assessImports ?? [] }));
  const decision = await control.decideFallback({ request, verdicts, imports });
  if (decision.decision !== 'fallback') return { refused: null, plan: null, lines: [decision.text], alreadyThere: false, decision, verdicts };
  return planned(run, await fallbackPlace(run, { ...request, to: decision.to }, decision.mode), decision, verdicts);
}

async function planned(run: Run, request: ChangeRequest, decision: FallbackDecision | null, verdicts: LockVerdict[]): Promise<PlanAnswer> {
  const made = await planChangeOn(run, request);
  return made.refused ? made : { refused: null, plan: made.plan, lines: made.lines, alreadyThere: made.alreadyThere, decision, verdicts };
}
