/** How an exception ends: by the way back, or for good; and what is written about it in every case. */
import { patched } from '@temporalio/workflow';
import type { HostActivities } from '../../activities/host/contract.js';
import type { ExceptionEnding } from '../../policy/model-approval.js';
import type { AbortInput } from '../messages.js';
import { close } from './change-steps.js';
import type { Ended, ExceptionLife } from './exception-life.js';
import { failureText, isRefusal, objectionsOf, rethrowMistake } from './failures.js';
import { callHost, control, hostActivities } from './host.js';
import { takeLease } from './lease.js';
import type { Run } from './run.js';
import { now } from './time.js';
import { more, undoStep } from './undoing.js';

/** How many permits (30 s) long the report waits for a host that does not take it, and how long it may take. */
const REPORT_PERMITS = 20;
const REPORT_LIMIT = '10 minutes';

/** From here on an abort changes nothing, and is answered so. */
export function refuseAborts(run: Run, why: string): void {
  if (patched('aborts-answered')) run.pastAbort = why;
}

export const withdrawnBy = ({ by, reason }: AbortInput): string => `stopped by ${by}: ${reason}`;

/** EE-09: back to what stood before. The host does the same by itself; both are one undo. */
export async function revert(run: Run, life: ExceptionLife, ended: Ended): Promise<Ended> {
  run.undoing = true;
  refuseAborts(run, 'it goes back already');
  await run.recordOrGoOn();
  try {
    await takeLease(run, 'expiry');
    const undone = await undoStep(run, life.chain);
    if (undone.outcome === 'superseded') return { outcome: 'superseded', message: `${ended.message}; ${undone.problem}`, objections: [] };
    if (!undone.verified) return incomplete(run, ended, undone.problem);
    await close(run);
    const outcome = ended.outcome === 'rollback-incomplete' ? 'rolled-back' : ended.outcome;
    // It was never switched to, or somebody went back before its end: nothing of it stands.
    if (undone.outcome === 'nothing-to-undo') return { ...ended, outcome, message: `${ended.message}; ${ended.outcome === 'rollback-incomplete' ? 'nothing of it stands' : 'it had been undone before'}` };
    return { ...ended, outcome, message: `${ended.message}; back on ${undone.version ?? 'no environment'}, verified${more(undone)}` };
  } catch (error) {
    rethrowMistake(error);
    return incomplete(run, ended, failureText(error));
  }
}

const incomplete = (run: Run, ended: Ended, problem: string): Ended => ({ outcome: 'rollback-incomplete', message: `${ended.message}; the way back on ${run.env.host} is not verified: ${problem}. runbook undo ${run.env.link} --local --reason … works without a server`, objections: [] });

/** EE-08: the final review approved it. What can't be made permanent goes back. */
export async function makePermanent(run: Run, life: ExceptionLife): Promise<Ended> {
  try {
    // Before a forward run: there is none on an environment under an exception.
    await takeLease(run, 'undo');
    // An abort is taken up to here: while the host or another run is waited for, the end is still on the host's disk.
    const { aborting } = run.state;
    if (aborting && patched('aborts-answered')) return await revert(run, life, { outcome: 'rolled-back', message: withdrawnBy(aborting), objections: [] });
    refuseAborts(run, `it is being made permanent; runbook undo ${run.state.where} --reason … goes back afterwards`);
    const order = run.order('make permanent');
    const done = await run.step('make permanent', () => callHost(run, 'take its end away', (host, reissued) => host.makePermanent({ ...order, reissued }, { chain: life.chain!, warrant: life.permanent })), (told) => ({ ok: told.ok, fact: told.ok ? 'it does not end by itself any more' : told.problem, workMs: told.workMs }));
    if (!done.ok) return await revert(run, life, { outcome: 'expired', message: `approved for good, but not made so: ${done.problem}`, objections: [] });
    run.note('made-permanent', { review: life.clock.review?.run ?? null, from: run.state.from, to: run.state.to });
    // Its end is away: what goes wrong from here is no reason to go back.
    await close(run).catch(rethrowMistake);
    return { outcome: 'done', message: `${run.state.to} stays: approved by ${life.clock.review?.run ?? 'its final review'}`, objections: [] };
  } catch (error) {
    rethrowMistake(error);
    return revert(run, life, { outcome: 'expired', message: `approved for good, but not made so: ${failureText(error)}`, objections: isRefusal(error) ? objectionsOf(error) : [] });
  }
}

/** One of the four endings, or null: what was never granted, or is not proven to be back, is none of them. */
export function endingOf({ state }: Run, { clock }: ExceptionLife, { outcome }: Ended): ExceptionEnding | null {
  if (outcome === 'done') return 'made-permanent';
  if (outcome === 'denied') return 'denied';
  // 0.1.0 called whatever had come to nothing withdrawn, and what is not proven to be back reverted.
  if (!patched('endings-told-apart')) return clock.grantedAt === null || outcome === 'rolled-back' ? 'withdrawn' : 'reverted';
  if (outcome !== 'expired' && outcome !== 'rolled-back') return null;
  if (state.aborting) return 'withdrawn';
  return clock.grantedAt === null ? null : 'reverted';
}

/** How it ended, to people and in a report. Who may not declare leaves a record, and nothing in the project. */
export async function tellAndDocument(run: Run, life: ExceptionLife, verdict: Ended): Promise<void> {
  // 0.1.0 told people after the report: a host that was off kept the end from them.
  const isToldFirst = patched('report-holds-no-end');
  if (isToldFirst) await life.tellEnd(verdict);
  if (life.terms) await document(run, life, verdict, isToldFirst);
  if (!isToldFirst) await life.tellEnd(verdict);
}

/** The incident report, whatever happened (EE-13). A host that does not answer keeps it from nobody: the records have it. */
async function document(run: Run, life: ExceptionLife, { outcome, message }: Ended, isBounded: boolean): Promise<void> {
  const { state } = run;
  const write = async () => {
    const { documents } = await control.renderException({ run: state.run, clock: life.clock, terms: life.terms, outcome, message, from: state.from, to: state.to, at: now() });
    const papers = { env: run.env, run: state.run, documents };
    if (isBounded) return { documents, ...(await handOver(run, papers)) };
    const { written } = await callHost(run, 'write the incident report', (host) => host.writeDocuments(papers), { scheduleToCloseTimeout: REPORT_LIMIT });
    return { written, documents, problem: '' };
  };
  run.report = `${run.env.link.replace(/\/[^/]+$/, '')}/exception_report.md`;
  await run.step('document', write, ({ written, documents, problem }) => ({ ok: problem === '', fact: problem || written.join(', ') || 'nothing to write', data: { documents: documents.map(({ path }) => path) }, evidence: documents.map(({ text }) => text) }), isBounded).catch((error: unknown) => {
    rethrowMistake(error);
    run.report = null;
  });
}

/** Gives the host its copy, and says so where it does not take it in time. */
async function handOver(run: Run, papers: Parameters<HostActivities['writeDocuments']>[0]): Promise<{ written: string[]; problem: string }> {
  const { host: name } = run.env;
  const host = hostActivities(name, { ...run.tuning, scheduleToStartMs: REPORT_PERMITS * run.tuning.scheduleToStartMs }, 'write the incident report', { scheduleToCloseTimeout: REPORT_LIMIT });
  try {
    return { ...(await host.writeDocuments(papers)), problem: '' };
  } catch (error) {
    rethrowMistake(error);
    run.report = null;
    return { written: [], problem: `${name} did not write it: ${failureText(error)}; runbook show ${run.state.run} --report html has it` };
  }
}
