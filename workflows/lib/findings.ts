/** What a fallback found out on its way, and its documents: all logs and reports are made from it (DIS-16). */
import type { Diagnosis, HostLook, LockProposal, LockVerdict, Objection, Outcome, Performance, WheelBuild, ChangeRequest } from '../../policy/model.js';
import type { FallbackDecision } from '../../activities/control/contract.js';
import type { HostActivities } from '../../activities/host/contract.js';
import { callHost, control } from './host.js';
import type { Run } from './run.js';

/** How it stands before it is said: documents are written first, for failures too (WF-53). */
export interface Verdict {
  outcome: Outcome;
  message: string;
  objections: Objection[];
}

export interface Findings {
  look: HostLook | null;
  verdicts: LockVerdict[];
  decision: FallbackDecision | null;
  /** The live environment as it was found. */
  live: Awaited<ReturnType<HostActivities['probeLive']>> | null;
  diagnosis: Diagnosis | null;
  builds: WheelBuild[];
  proposals: LockProposal[];
  performance: Performance | null;
}

export const noFindings = (): Findings => ({ look: null, verdicts: [], decision: null, live: null, diagnosis: null, builds: [], proposals: [], performance: null });

/** Nothing was changed, and why. */
export const refusal = (message: string, objections: Objection[]): Verdict => ({ outcome: 'refused', message: `${message}; nothing was changed`, objections });

/** Writes every log and report of the documents. What can't be written is on record, and no more. */
export async function document(run: Run, request: ChangeRequest, verdict: Verdict, findings: Findings): Promise<void> {
  const { look, decision, live } = findings;
  const frozen = live?.frozen ?? [];
  if (!look || look.objections.length > 0) return;
  const { state } = run;
  const record = {
    result: { run: state.run, kind: 'fallback' as const, env: run.env, from: state.from, to: state.to, planDigest: run.planDigest, steps: state.steps, ...verdict },
    reason: request.reason, requester: request.requester, ...(decision?.hostClass === undefined ? {} : { hostClass: decision.hostClass }), verdicts: findings.verdicts, decision: decision?.text ?? '', causes: decision?.causes ?? {}, ...(frozen.length > 0 ? { frozen } : {}),
    diagnosis: findings.diagnosis, builds: findings.builds, proposals: findings.proposals, performance: findings.performance, at: new Date().toISOString(),
  };
  const write = async () => {
    const documents = await control.renderDocuments(record);
    return callHost(run, 'write logs and report', (host) => host.writeDocuments({ env: run.env, run: state.run, documents }), { scheduleToCloseTimeout: '10 minutes' });
  };
  run.report = `${look.project}/fallback_report.md`;
  await run.step('document', write, (done) => ({ fact: done.written.join(', ') || 'nothing to write' })).catch(() => (run.report = null));
}
