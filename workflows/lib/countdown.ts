/** The life of a standing exception: reminders, the rehearsal of the way back, and its end, whichever comes first. */
import { CancellationScope, condition, patched } from '@temporalio/workflow';
import type { ControlActivities } from '../../activities/control/contract.js';
import type { HostActivities } from '../../activities/host/contract.js';
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
/** Longest the policy is asked about the version that the way back leads to. */
const STANDING_MS = 60_000;

interface Mark {
  at: number;
  act(): Promise<void>;
}

type Rehearsed = Awaited<ReturnType<HostActivities['rehearse']>>;
type Standing = Pick<Awaited<ReturnType<ControlActivities['standingOf']>>, 'role' | 'text'>;

/** Returns when it is to end: `done`: for good; else by the way back. */
export async function countdown(run: Run, life: ExceptionLife, review: Promise<Warrant | null>): Promise<Ended> {
  const { expiresAt, expiresLocal } = life.clock;
  let isOver = false;
  review.then((warrant) => {
    life.permanent = warrant;
    isOver = warrant !== null;
  }).catch(rethrowMistake);
  await run.waitingFor({ what: `the end of the exception, ${expiresLocal}`, until: expiresAt, command: `runbook exception root-cause ${run.state.run} FILE` }, async () => {
    const { marks, atWork } = marksOf(run, life);
    try {
      for (const { at, act } of [...marks, { at: Date.parse(expiresAt!), act: async () => undefined }]) {
        if (await condition(() => isOver, Math.max(0, at - Date.now()), { summary: 'until the exception ends' })) return;
        await act();
      }
    } catch (error) {
      // Cancelled with this, a rehearsal says its end before the way back begins.
      await atWork();
      throw error;
    }
  });
  if (isOver) return { outcome: 'done', message: 'approved for good', objections: [] };
  return { outcome: 'expired', message: `its ${life.clock.hours} hours are over${life.clock.rootCause ? '' : ', and no root cause was handed in'}`, objections: [] };
}

/** `atWork`: returns when the rehearsal is over, where one is under way. */
function marksOf(run: Run, life: ExceptionLife): { marks: Mark[]; atWork(): Promise<void> } {
  const { grantedAt, expiresAt } = life.clock;
  const [start, end] = [Date.parse(grantedAt!), Date.parse(expiresAt!)];
  let work = Promise.resolve();
  const begin = async (): Promise<void> => {
    if (!patched('rehearsed-aside')) return rehearse(run, life, false);
    // Records, a policy and a host may be waited for in it: never before a reminder, or the end.
    work = rehearse(run, life, true).catch(rethrowMistake);
  };
  const rehearsal = { at: Math.max((start + end) / 2, end - REHEARSE_HOURS * HOUR_MS), act: begin };
  const reminders = remindersBetween(grantedAt!, expiresAt!, life.terms!.reminderHours).map((at) => ({ at: Date.parse(at), act: () => remindOf(life) }));
  return { marks: [rehearsal, ...reminders].filter(({ at }) => at > Date.now()).sort((a, b) => a.at - b.at), atWork: () => work };
}

/** What is still missing, and when it ends. */
async function remindOf(life: ExceptionLife): Promise<void> {
  const { expiresLocal, rootCause, review } = life.clock;
  const missing = rootCause === null ? 'no root cause was handed in' : review === null || review.outcome === null ? 'the final review is not decided' : `the final review: ${review.outcome}`;
  await life.page('ending', `ends ${expiresLocal}: ${missing}`, 'warning', [missing, 'at its end it goes back by itself']);
}

/** Is the way back still whole, and would today's policy have it? What is wrong pages; the end does not move. */
async function rehearse(run: Run, life: ExceptionLife, isAside: boolean): Promise<void> {
  const scope = CancellationScope.current();
  // What comes to nothing because the exception ends meanwhile is no finding about the way back.
  const isMoot = (): boolean => isAside && (scope.consideredCancelled || life.permanent !== null || Date.now() >= Date.parse(life.clock.expiresAt!));
  const proven = await prove(run, life, isAside);
  if (isMoot()) return;
  const standing = proven?.version ? await standingOf(run, proven.version, isAside) : null;
  if (isMoot()) return;
  const problem = problemOf(proven, standing);
  run.note('rehearsed', { ok: problem === '', problem, version: proven?.version ?? null, role: standing?.role ?? null });
  await run.recordOrGoOn();
  if (problem !== '') await life.page('ending', `the way back is not ready: ${problem}`, 'critical', [problem], `runbook show ${run.state.run}`);
}

/** null: the host gave no answer. */
async function prove(run: Run, { chain, clock }: ExceptionLife, isAside: boolean): Promise<Rehearsed | null> {
  // A host that is silent is not waited for: reminders and the review go on, and at its end it goes back by itself.
  const patienceMs = Math.max(1, Math.min(REHEARSAL_MS, Date.parse(clock.expiresAt!) - Date.now()));
  const host = hostActivities(run.env.host, { ...run.tuning, scheduleToStartMs: patienceMs }, 'prove the way back again', { scheduleToCloseTimeout: isAside ? patienceMs : REHEARSAL_MS });
  return run.step('rehearse', () => host.rehearse({ env: run.env, chain: chain! }), (told) => ({
    ok: told.ok || !told.known, fact: !told.known ? 'nothing stands any more that would have to go back' : told.ok ? `way back to ${told.version ?? 'no environment'} is whole` : told.problem, workMs: told.workMs,
  }), isAside).catch((error: unknown) => {
    rethrowMistake(error);
    return null;
  });
}

/** `role` null: it could not be told in time. */
async function standingOf({ env }: Run, version: string, isAside: boolean): Promise<Standing | { role: null }> {
  const ask = () => control.standingOf({ version, host: env.host });
  if (!isAside) return ask();
  return CancellationScope.withTimeout(STANDING_MS, ask).catch((error: unknown) => {
    rethrowMistake(error);
    return { role: null };
  });
}

/** Empty: the way back is ready. */
function problemOf(proven: Rehearsed | null, standing: Standing | { role: null } | null): string {
  if (proven === null) return 'the host gave no answer';
  if (!proven.known) return '';
  if (!proven.ok) return proven.problem;
  if (standing?.role === null) return `whether today's policy allows ${proven.version}, where it leads, could not be told`;
  return standing?.role === 'prohibited' ? `the way back leads to ${proven.version}, which the policy forbids by now: ${standing.text}` : '';
}
