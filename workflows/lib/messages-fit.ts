/** Messages whose words go on record: what no record could hold is refused before it is in the history, or it would stop the run (invariant 10). */
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../policy/names.js';

const LONGEST_NAME = 200;
const LONGEST_REASON = 10_000;

/** Who says so, and why; null: both can be kept. */
export function unfit({ by, reason = '' }: { by: string; reason?: string }): string | null {
  if (typeof by !== 'string' || by.trim() === '' || by.length > LONGEST_NAME || /[\0-\x1f\x7f]/.test(by)) return `by: expected 1 to ${LONGEST_NAME} characters, no control characters, got ${JSON.stringify(by)?.slice(0, LONGEST_NAME)}`;
  return typeof reason === 'string' && reason.length <= LONGEST_REASON ? null : `reason: expected at most ${LONGEST_REASON} characters, got ${reason?.length}`;
}

/** Validator of an update. */
export function refuseUnfit(input: { by: string; reason?: string }): void {
  const problem = unfit(input);
  if (problem) throw ApplicationFailure.nonRetryable(problem, FAILURE.BadInput);
}
