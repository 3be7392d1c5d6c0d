/** What a verifier check found, in the verifier's words. Foreign text in it stays on its line. */
import { oneLine } from '../../text.js';
import type { Violation, Warning } from '../results.js';

/** What a check adds to the result beside its own part. */
export interface Findings {
  violations: Violation[];
  warnings: Warning[];
}

/** Characters of a message; lists in it are cut before, and whole in the part of the result. */
const MESSAGE = 1000;
/** Of a list, so many are named in a message. */
const NAMED = 5;

export const critical = (check: string, message: string): Violation => ({ check, severity: 'critical', message: oneLine(message, MESSAGE) });
export const violation = (check: string, message: string, severity: Violation['severity'] = 'warning'): Violation => ({ check, severity, message: oneLine(message, MESSAGE) });
export const warning = (check: string, message: string): Warning => ({ check, message: oneLine(message, MESSAGE) });

/** DEF-17: what could not be measured is no pass; never said of what was not looked for. */
export const notMeasured = (check: string, what: string, problem: string): Violation => violation(check, `${what} could not be measured: ${problem}`);

/** The first few of a list, each cut to `width` characters, and how many more there are. */
export function named(items: readonly string[], width = 60): string {
  const more = items.length - NAMED;
  return `${items.slice(0, NAMED).map((item) => oneLine(item, width)).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
