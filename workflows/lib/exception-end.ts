/** How an exception ends: by the way back, or for good; and what is written about it in every case. */
import { patched } from '@temporalio/workflow';
import type { ExceptionEnding } from '../../policy/model-approval.js';
import { close } from './change-steps.js';
import type { Ended, ExceptionLife } from './exception-life.js';
import { failureText, isRefusal, objectionsOf, rethrowMistake } from './failures.js';
import { callHost, control } from './host.js';
import { takeLease } from './lease.js';
import type { Run } from './run.js';
import { now } from './time.js';
import { more, undoStep } from './undoing.js';

/** EE-09: back to what stood before. The host does the same by itself; both are one undo. */
export async function revert(run: Run, life: ExceptionLife, ended: Ended): Promise<Ended> {
  run.undoing = true;
  await run.recordOrGoOn();
  try {
    await takeLease(run, 'expiry');
    const undone = await undoStep(run, life.chain);
    if (undone.outcome === 'superseded') return { outcome: 'superseded', message: `${ended.message}; ${undone.problem}`, objections: [] };
    if (!undone.verified) return incomplete(run, ended, undone.problem);
    await close(run);
    // Somebody went back before its end: nothing of it stands.
    if (undone.outcome === 'nothing-to-undo') return { ...ended, message: `${ended.message}; it had been undone before` };
    return { ...ended, outcome: ended.outcome === 'rollback-incomplete' ? 'rolled-back' : ended.outcome, message: `${ended.message}; back on ${undone.version ?? 'no environment'}, verified${more(undone)}` };
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

/** The incident report, whatever happened (EE-13). A host that does not answer keeps it from nobody: the records have it. */
export async function documentException(run: Run, life: ExceptionLife, { outcome, message }: Ended): Promise<void> {
  const { state } = run;
  const write = async () => {
    const { documents } = await control.renderException({ run: state.run, clock: life.clock, terms: life.terms, outcome, message, from: state.from, to: state.to, at: now() });
    const { written } = await callHost(run, 'write the incident report', (host) => host.writeDocuments({ env: run.env, run: state.run, documents }), { scheduleToCloseTimeout: '10 minutes' });
    return { written, documents };
  };
  run.report = `${run.env.link.replace(/\/[^/]+$/, '')}/exception_report.md`;
  await run.step('document', write, ({ written, documents }) => ({ fact: written.join(', ') || 'nothing to write', data: { documents: documents.map(({ path }) => path) }, evidence: documents.map(({ text }) => text) })).catch((error: unknown) => {
    rethrowMistake(error);
    run.report = null;
  });
}
