/** Where an end of an exception falls: freezes and trading hours of the policy. The local clock is read by who has one. */
import type { PolicyFile } from './files/policy-file.js';

type Calendar = PolicyFile['calendar'];
export type Day = Calendar['tradingHours'][number]['days'][number];

export const DAYS: readonly Day[] = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** An instant as the calendar's time zone writes it. */
export interface LocalInstant {
  /** ISO, UTC. */
  at: string;
  day: Day;
  /** Minutes since local midnight by the wall clock. */
  minute: number;
}

/** What the instant falls into, in words; null: nothing. Both kinds are half open: at its last minute it is over. */
export function conflictOf(calendar: Calendar, local: LocalInstant): string | null {
  const freezes = calendar.freezes.filter(({ from, until }) => Date.parse(from) <= Date.parse(local.at) && Date.parse(local.at) < Date.parse(until));
  const hours = calendar.tradingHours.filter((it) => isWithin(it, local));
  const told = [
    ...freezes.map(({ what, until }) => `freeze "${what}" until ${until}`),
    ...hours.map(({ days, from, to }) => `trading hours ${days.join(' ')} ${from} to ${to} (${calendar.timeZone})`),
  ];
  return told.length === 0 ? null : told.join('; ');
}

/** `days` are the days they begin on; hours that end at or before their beginning end on the next day. */
function isWithin({ days, from, to }: Calendar['tradingHours'][number], { day, minute }: LocalInstant): boolean {
  const [begin, end] = [minuteOf(from), minuteOf(to)];
  if (begin < end) return days.includes(day) && begin <= minute && minute < end;
  return (days.includes(day) && minute >= begin) || (days.includes(dayBefore(day)) && minute < end);
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const dayBefore = (day: Day): Day => DAYS[(DAYS.indexOf(day) + 6) % 7]!;

/** The largest whole number of hours, fewer than `hours`, for which `conflict` says null; null: none of them. */
export function fewerHours(hours: number, conflict: (hours: number) => string | null): number | null {
  for (let fewer = Math.ceil(hours) - 1; fewer >= 1; fewer -= 1) if (conflict(fewer) === null) return fewer;
  return null;
}
