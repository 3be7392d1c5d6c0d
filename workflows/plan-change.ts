/** `runbook plan`: the plan and nothing more. Nothing is changed and nothing is put on record. */
import type { ChangeRequest, LockVerdict, Objection, Plan, ProjectLitter } from '../policy/model.js';
import type { FallbackDecision, Ladder, OrRefusal } from '../activities/control/contract.js';
import { callHost, control } from './lib/host.js';
import { chooseOn, fallbackPlace, judge, lookAt, planChangeOn, planFrom, type Planned } from './lib/planning.js';
import { Run } from './lib/run.js';
import { NoRecords } from './lib/run-records.js';

/** A refusal after the lock was judged keeps the verdicts. */
export type PlanAnswer = { refused: Objection[]; verdicts?: LockVerdict[] } | ({ refused: null } & {
  plan: Plan | null;
  lines: string[];
  alreadyThere: boolean;
  decision: FallbackDecision | null;
  verdicts: LockVerdict[];
  /** What is left to try where no interpreter has all wheels. */
  ladder?: Ladder;
  /** WF-71: what the reset removes beside the sources, looked for and not yet touched. */
  litter?: ProjectLitter;
});

export async function planChange(request: ChangeRequest): Promise<PlanAnswer> {
  // A plan has no run of its own: it borrows the words and keeps no record.
  const run = new Run(request, request.kind, null, new NoRecords(request, request.kind));
  if (request.kind !== 'fallback') {
    const planned = answer(await planChangeOn(run, request), null, []);
    if (planned.refused || !request.cleanProject) return planned;
    return { ...planned, litter: await callHost(run, 'what Python left in the project', (host) => host.cleanProject({ env: run.env, run: request.run, dryRun: true })) };
  }
  const look = await lookAt(run, request, true);
  const chosen = await chooseOn(request, look);
  if (chosen.refused) return chosen;
  const verdicts = await judge(run, chosen.interpreters);
  const decision = await control.decideFallback({ request, look, verdicts, imports: null });
  if (decision.decision === 'fallback') {
    const wanted = { ...request, to: decision.to };
    const place = await fallbackPlace(run, wanted, decision.mode);
    return answer(place === wanted ? await planFrom(wanted, look, chosen.interpreters[1]!, verdicts[1]!) : await planChangeOn(run, place), decision, verdicts);
  }
  const none = { refused: null, plan: null, lines: [decision.text], alreadyThere: false, decision, verdicts };
  if (decision.decision === 'impossible') return { ...none, ladder: await control.planLadder({ request, look, verdicts }) };
  if (decision.decision !== 'not-needed') return none;
  // Wheels decide; a live environment that does not import colours the words.
  const { imports } = await callHost(run, 'imports of the live environment', (host) => host.probeLive({ env: run.env, modules: request.assessImports ?? [] }));
  const told = await control.decideFallback({ request, look, verdicts, imports });
  return { ...none, lines: [told.text], decision: told };
}

function answer(made: OrRefusal<Planned>, decision: FallbackDecision | null, verdicts: LockVerdict[]): PlanAnswer {
  return made.refused ? { ...made, verdicts } : { refused: null, plan: made.plan, lines: made.lines, alreadyThere: made.alreadyThere, decision, verdicts };
}
