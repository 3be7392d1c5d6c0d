/** The host's refusals: four parts each, final. */
import { ApplicationFailure } from '@temporalio/common';
import type { Objection } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';

/** `what: expected …, got …; way out`. */
export const objectionText = ({ what, expected, got, wayOut }: Objection): string => `${what}: expected ${expected}, got ${got}; ${wayOut}`;

/** A final failure that carries its reasons as details. */
export function refusal(type: 'HostRefused' | 'PlanChanged' | 'UndoNotProven' | 'NotApproved', ...objections: Objection[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(objections.map(objectionText).join('\n'), FAILURE[type], objections);
}

/** What the host itself forbids. */
export const hostRefused = (what: string, expected: string, got: string, wayOut: string): ApplicationFailure => refusal('HostRefused', { what, expected, got, wayOut });
