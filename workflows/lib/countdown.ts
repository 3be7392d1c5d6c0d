/** The life of a standing exception: reminders, the rehearsal of the way back, and its end, whichever comes first. */
import { condition } from '@temporalio/workflow';
import { remindersBetween } from '../../policy/approval-rules.js';
import type { Warrant } from '../../policy/model-approval.js';
import type { ExceptionLife, Ended } from './exception-life.js';
import { rethrowMistake } from './failures.js';
import { control, hostActivities } from './host.js';
import type { Run } from './run.js';
import { HOUR_MS } from './time.js';

/** The way back is proven again this long before the end, or at half time where the exception is shorter. */
const REHEARSE_HOURS = 24;
/** Longest a rehearsal may take, and a silent host be waited for. */
const REHEARSAL_MS = 30 * 60_000;

interface Mark {
  at: number;
  act(): Promise<void>;
}

/** Returns when it is to end: `done`: for good; else by the way back. */
export async function countdown(run: Run, life: ExceptionLife, review: Promise<Warrant | null>): Promise<Ended> {
  const { expiresAt, expiresLocal } = life.clock;
  let isOver = false;
  review.then((warrant) => {
    life.permanent = warrant;
    isOver = warrant !== null;
  }).catch(rethrowMistake);
  await run.waitingFor({ what: `the end of the exception, ${expiresLocal}`, until: expiresAt, command: `runbook exception root-cause ${run.state.run} FILE` }, async () => {
    for (const { at, act } of [...marksOf(run, life), { at: Date.parse(expiresAt!), act: async () => undefined }]) {
      if (await condition(() => isOver, Math.max(0, at - Date.now()), { summary: 'until the exception ends' })) return;
      await act();
    }
  });
  if (isOver) return { outcome: 'done', message: 'approved for good', objections: [] };
  return { outcome: 'expired', message: `its ${life.clock.hours} hours are over${life.clock.rootCause ? '' : ', and no root cause was handed in'}`, objections: [] };
}

function marksOf(run: Run, life: ExceptionLife): Mark[] {
  const { grantedAt, expiresAt } = life.clock;
  const [start, end] = [Date.parse(grantedAt!), Date.parse(expiresAt!)];
  const rehearsal = { at: Math.max((start + end) / 2, end - REHEARSE_HOURS * HOUR_MS), act: () => rehearse(run, life) };
  const reminders = remindersBetween(grantedAt!, expiresAt!, life.terms!.reminderHours).map((at) => ({ at: Date.parse(at), act: () => remindOf(life) }));
  return [rehearsal, ...reminders].filter(({ at }) => at > Date.now()).sort((a, b) => a.at - b.at);
}

/** What is still missing, and when it ends. */
async function remindOf(life: ExceptionLife): Promise<void> {
  const { expiresLocal, rootCause, review } = life.clock;
  const missing = rootCause === null ? 'no root cause was handed in' : review === null || review.outcome === null ? 'the final review is not decided' : `the final review: ${review.outcome}`;
  await life.page('ending', `ends ${expiresLocal}: ${missing}`, 'warning', [missing, 'at its end it goes back by itself']);
}

/** Is the way back still whole, and would today's policy have it? What is wrong pages; the end does not move. */
async function rehearse(run: Run, life: ExceptionLife): Promise<void> {
  const { chain } = life;
  // A host that is silent is not waited for: reminders and the review go on, and at its end it goes back by itself.
  const patienceMs = Math.max(1, Math.min(REHEARSAL_MS, Date.parse(life.clock.expiresAt!) - Date.now()));
  const host = hostActivities(run.env.host, { ...run.tuning, scheduleToStartMs: patienceMs }, 'prove the way back again', { scheduleToCloseTimeout: REHEARSAL_MS });
  const proven = await run.step('rehearse', () => host.rehearse({ env: run.env, chain: chain! }), (told) => ({
    ok: told.ok || !told.known, fact: !told.known ? 'nothing stands any more that would have to go back' : told.ok ? `way back to ${told.version ?? 'no environment'} is whole` : told.problem, workMs: told.workMs,
  })).catch((error: unknown) => {
    rethrowMistake(error);
    return null;
  });
  const standing = proven?.version ? await control.standingOf({ version: proven.version, host: run.env.host }) : null;
  const problem = proven === null ? 'the host gave no answer' : !proven.known ? '' : !proven.ok ? proven.problem : standing?.role === 'prohibited' ? `the way back leads to ${proven.version}, which the policy forbids by now: ${standing.text}` : '';
  run.note('rehearsed', { ok: problem === '', problem, version: proven?.version ?? null, role: standing?.role ?? null });
  await run.recordOrGoOn();
  if (problem !== '') await life.page('ending', `the way back is not ready: ${problem}`, 'critical', [problem], `runbook show ${run.state.run}`);
}
