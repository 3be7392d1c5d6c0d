/** What a vote costs, and how soon the run goes on after it, read from histories. Pure. */
import { ms, type Event } from './histories.js';

/** When a run was entitled to begin, and when it did; milliseconds since 1970. */
export interface Begin {
  /** The plan was made: what a run that asks nobody waits for. */
  planned: number;
  /** The host began to take the lease. */
  lease: number;
  /** The host began to prove the way back. */
  arm: number;
}

/** The last vote of a decision. */
export interface VoteTimes {
  accepted: number;
  answered: number;
}

/** Reads a change's own history. Throws when it never got there. */
export function beginOf(events: Event[]): Begin {
  return { planned: completed(events, 'makePlan'), lease: started(events, 'acquireLease'), arm: started(events, 'armUndo') };
}

/** Reads a decision's history. Throws when nobody voted. */
export function lastVote(events: Event[]): VoteTimes {
  const accepted = events.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).at(-1);
  const answered = events.filter((event) => event.workflowExecutionUpdateCompletedEventAttributes).at(-1);
  if (!accepted || !answered) throw new Error('a decision: expected a vote that was accepted and answered, got none');
  return { accepted: ms(accepted), answered: ms(answered) };
}

/** How long each verification of a signature took on the worker, in milliseconds. */
export function verifyTimes(events: Event[]): number[] {
  return idsOf(events, 'verifySignature').map((id) => ms(doneEvent(events, id)) - ms(startEvent(events, id)));
}

const idsOf = (events: Event[], name: string): number[] =>
  events.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === name).map((event) => Number(event.eventId));

const startEvent = (events: Event[], scheduled: number): Event =>
  found(events.find((event) => Number(event.activityTaskStartedEventAttributes?.scheduledEventId ?? -1) === scheduled), `start of ${scheduled}`);

const doneEvent = (events: Event[], scheduled: number): Event =>
  found(events.find((event) => Number(event.activityTaskCompletedEventAttributes?.scheduledEventId ?? -1) === scheduled), `end of ${scheduled}`);

const started = (events: Event[], name: string): number => ms(startEvent(events, found(idsOf(events, name)[0], name)));
const completed = (events: Event[], name: string): number => ms(doneEvent(events, found(idsOf(events, name).at(-1), name)));

function found<T>(event: T | undefined, what: string): T {
  if (event === undefined) throw new Error(`a history: expected ${what} in it, got none`);
  return event;
}
