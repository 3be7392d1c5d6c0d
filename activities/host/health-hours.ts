/** Local time of the host: quiet hours, and how its logs write an instant. */
import { createHash } from 'node:crypto';
import type { AgentFile } from '../../policy/files/agent-file.js';

type QuietHours = AgentFile['health']['quietHours'];

const DAY_MINUTES = 1440;

/** Minute of the day of `02:30`. */
function minuteOf(clock: string): number {
  const [hours, minutes] = clock.split(':').map(Number);
  return hours! * 60 + minutes!;
}

/** How long quiet hours last; where both ends are the same, all day. */
const lengthOf = ({ from, to }: QuietHours): number => (minuteOf(to) - minuteOf(from) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;

/**
 * The quiet hours in which a full check of an environment is due, named by the local date of their beginning (`20261121`); null:
 * not now. Each environment has its own minute in their first half, so that a thousand machines on one disk don't read all at once.
 * @param name of the environment, with its host
 */
export function quietDay(now: Date, hours: QuietHours, name: string): string | null {
  const length = lengthOf(hours);
  const wait = createHash('sha256').update(name).digest().readUInt32BE(0) % Math.max(1, Math.floor(length / 2));
  const minute = now.getHours() * 60 + now.getMinutes();
  const since = (minute - minuteOf(hours.from) + DAY_MINUTES) % DAY_MINUTES;
  if (since < wait || since >= length) return null;
  // A span over midnight belongs to the day on which it began.
  const begun = minute < minuteOf(hours.from) ? new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1) : now;
  return dayText(begun);
}

const two = (n: number): string => String(n).padStart(2, '0');

/** `20261121`. */
export const dayText = (at: Date): string => `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;

/** `2026-11-21 22:30:59` (HM-02). */
export const stampText = (at: Date): string => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
