/** The wall clock of a time zone. Not for workflows: calendars are read beside them, never in them (decision 7). */
import { DAYS, type LocalInstant } from './end-place.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Which of them has a name for a zone (`CET`, `EST`, `AEDT`) and which only `GMT+9` differs. */
const LOCALES = ['en-GB', 'en-US', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA'];

type LocalParts = Record<'weekday' | 'day' | 'month' | 'hour' | 'minute', string>;

function partsOf(at: Date, timeZone: string): LocalParts {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', day: 'numeric', month: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value])) as LocalParts;
}

/** Day and minute by the wall clock of the zone. */
export function localInstant(at: string, timeZone: string): LocalInstant {
  const { weekday, hour, minute } = partsOf(new Date(at), timeZone);
  const day = DAYS.find((it) => it === weekday.toUpperCase());
  if (day === undefined) throw new TypeError(`expected a day of the week, got ${weekday}`);
  return { at, day, minute: Number(hour) * 60 + Number(minute) };
}

/** `Sun 22 Nov 11:31 CET (Europe/Berlin)`: the zone's own short name tells the two hours of a clock change apart. @throws RangeError for a zone that does not exist */
export function localText(at: string, timeZone: string): string {
  const instant = new Date(at);
  const { weekday, day, month, hour, minute } = partsOf(instant, timeZone);
  const name = zoneName(instant, timeZone);
  return `${weekday} ${day} ${MONTHS[Number(month) - 1]} ${hour}:${minute} ${name}${name === timeZone ? '' : ` (${timeZone})`}`;
}

function zoneName(at: Date, timeZone: string): string {
  const names = LOCALES.map((locale) => new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }).formatToParts(at).find(({ type }) => type === 'timeZoneName')!.value);
  return names.find((name) => !/^(GMT|UTC)[+\u2212-]/.test(name)) ?? names[0]!;
}
