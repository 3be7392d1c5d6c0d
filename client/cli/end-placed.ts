/** Where the end of an exception would fall, for who asks for it: by the policy's own clock, and beside freezes and trading hours. */
import { conflictOf, fewerHours } from '../../policy/end-place.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { localInstant, localText } from '../../policy/local-time.js';

const HOUR_MS = 3_600_000;

/** `  granted now it ends Sun 22 Nov 11:31 CET (Europe/Berlin)`; where that is better not, why, and fewer hours that end outside. */
export function endLines({ calendar }: PolicyFile, hours: number, now: Date): string[] {
  const endAfter = (length: number): string => new Date(now.getTime() + length * HOUR_MS).toISOString();
  const conflictAfter = (length: number): string | null => conflictOf(calendar, localInstant(endAfter(length), calendar.timeZone));
  const conflict = conflictAfter(hours);
  const fewer = conflict === null ? null : fewerHours(hours, conflictAfter);
  return [
    `  granted now it ends ${localText(endAfter(hours), calendar.timeZone)}`,
    ...(conflict === null ? [] : [`  that falls into ${conflict}; ${fewer === null ? 'no fewer hours end outside' : `--hours ${fewer} ends outside`}`]),
  ];
}
