/** Steps 1 and 2 of the wheel runbook: is the fallback needed, would it help, and what is wrong. */
import { sleep } from '@temporalio/workflow';
import { assessedFacts, diagnosisFacts } from '../../policy/fallback-entries.js';
import { counted } from '../../policy/text.js';
import type { ChangeRequest, Diagnosis, HostLook, Interpreter, Objection, WheelFailureCause } from '../../policy/model.js';
import type { FallbackDecision } from '../../activities/control/contract.js';
import { failureType, rethrowMistake } from './failures.js';
import type { Findings } from './findings.js';
import { callHost, control } from './host.js';
import { chooseOn, judge, lookAt } from './planning.js';
import type { Run, StepFact } from './run.js';

/** What the run stands on from here: the host as it was seen, and the two interpreters. */
export interface Assessed {
  look: HostLook;
  /** Primary, then fallback. */
  interpreters: Interpreter[];
  decision: FallbackDecision;
  /** Under way since the lock was judged; never rejects. Null where nothing is wrong. */
  diagnosing: Promise<Attempt> | null;
}

/** What came of a diagnosis: an answer, or why there is none. */
type Attempt = { diagnosis: Diagnosis } | { error: unknown };

interface Refused {
  decision: { decision: 'refused'; text: string; affected: string[]; causes: Record<string, WheelFailureCause> };
  objections: Objection[];
}

type Seen = Pick<Assessed, 'look' | 'interpreters'>;

/** A question the index did not answer is asked three times in all, 5 s and 20 s apart; then a person is asked. */
const ASK_AGAIN_AFTER = ['5 seconds', '20 seconds'] as const;

/** WF-07, WF-10, WF-12, WF-18: versions, tools, imports, and every pin judged for both interpreters. */
export function assess(run: Run, request: ChangeRequest, findings: Findings): Promise<Assessed | Refused> {
  return run.step('assess', () => assessOn(run, request, findings), ({ decision }) => ({
    ok: decision.decision === 'fallback' || decision.decision === 'not-needed',
    fact: decision.text,
    data: { decision: decision.decision, affected: decision.affected, causes: decision.causes },
  }));
}

async function assessOn(run: Run, request: ChangeRequest, findings: Findings): Promise<Assessed | Refused> {
  const look = await lookAt(run, request, false);
  findings.look = look;
  run.state.from = look.current?.version ?? null;
  const chosen = await chooseOn(request, look);
  if (chosen.refused) return { decision: { decision: 'refused', text: `refused: ${chosen.refused[0]!.what}`, affected: [], causes: {} }, objections: chosen.refused };
  const { interpreters } = chosen;
  const seen = { look, interpreters };
  let decision = await decideAgain(run, request, seen, findings);
  for (const pause of ASK_AGAIN_AFTER) {
    if (decision.decision !== 'could-not-tell') break;
    await sleep(pause, { summary: 'ask the index again' });
    decision = await decideAgain(run, request, seen, findings);
  }
  // Both only look, and mostly wait: at the same time.
  const diagnosing = decision.decision === 'not-needed' ? null : attempt(run, seen, decision);
  findings.live = await callHost(run, 'imports and tools of the live environment', (host) => host.probeLive({ env: run.env, modules: request.assessImports ?? [] }));
  decision = await decideOn(run, request, look, findings);
  return { ...seen, decision, diagnosing };
}

/** Judges the lock anew and decides: the index may answer now, or a wheel may have been built. */
export async function decideAgain(run: Run, request: ChangeRequest, { look, interpreters }: Seen, findings: Findings): Promise<FallbackDecision> {
  findings.verdicts = await judge(run, interpreters);
  return decideOn(run, request, look, findings);
}

async function decideOn(run: Run, request: ChangeRequest, look: HostLook, findings: Findings): Promise<FallbackDecision> {
  const { live, verdicts } = findings;
  const decision = await control.decideFallback({ request, look, verdicts, imports: live?.imports ?? null });
  findings.decision = decision;
  const { hostClass } = decision;
  if (live) run.note('assessed', assessedFacts({ python: live.python, tools: live.tools, verdicts, decision, ...(hostClass === undefined ? {} : { hostClass }) }));
  return decision;
}

/** Enough for an attempt that installs nothing; what takes longer is not worth the wait. */
const DIAGNOSIS_LIMIT = '3 minutes';

/** WF-08 to WF-17: an attempt that installs nothing, read line by line. */
async function attempt(run: Run, { look, interpreters }: Seen, { affected: suspects, systemDependencies }: FallbackDecision): Promise<Attempt> {
  const interpreter = interpreters[0]!;
  const question = { env: run.env, run: run.state.run, interpreter, suspects, installer: look.installer, ...(systemDependencies ? { systemDependencies } : {}) };
  const ask = callHost(run, `diagnose for ${interpreter.version}`, (host) => host.diagnose(question), { scheduleToCloseTimeout: DIAGNOSIS_LIMIT });
  return ask.then((diagnosis) => ({ diagnosis }), (error: unknown) => ({ error }));
}

/** WF-20: cause, evidence, remedy and branch of what is missing. What could not be diagnosed stops nothing. */
export async function diagnose(run: Run, { diagnosing }: Assessed, findings: Findings): Promise<void> {
  const answer = async () => {
    const attempted = await diagnosing;
    if (attempted && 'error' in attempted) throw attempted.error;
    return attempted!.diagnosis;
  };
  try {
    findings.diagnosis = await run.step('diagnose', answer, diagnosisFact);
  } catch (error) {
    rethrowMistake(error);
    if (failureType(error) === 'Cancelled') throw error;
  }
}

function diagnosisFact(diagnosis: Diagnosis): StepFact {
  const first = diagnosis.findings.find(({ project }) => project !== null) ?? diagnosis.findings[0];
  const { installable, expected } = diagnosis.attempt;
  const found = first ? `${first.project ?? 'the attempt'}: ${first.cause ?? first.class}, leads to ${first.branch}` : 'nothing found wrong';
  const more = diagnosis.findings.length > 1 ? ` and ${counted(diagnosis.findings.length - 1, 'more finding')}` : '';
  return { fact: `${installable} of ${expected} install on ${diagnosis.interpreter}; ${found}${more}`, workMs: diagnosis.workMs, data: diagnosisFacts(diagnosis) };
}
