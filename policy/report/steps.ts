/** Steps, refusals and instants, as every report tells them. */
import { formatMs, seconds } from '../describe.js';
import type { Objection, StepReport } from '../model.js';
import { list, table, words } from './page.js';
import type { Block, Words } from './page.js';

/** To the second: what a person compares with other logs. */
export const instant = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

export function stepTable(steps: readonly StepReport[], none: string): Block[] {
  if (steps.length === 0) return [words(none)];
  return table(['step', 'began', '->took', '->on the host', 'fact'], steps.map((step): Words[] => [`${mark(step.ok)} ${step.step}`, instant(step.startedAt), seconds(step), step.workMs > 0 ? formatMs(step.workMs) : '—', step.fact]));
}

export function objectionBlocks(objections: readonly Objection[]): Block[] {
  if (objections.length === 0) return [];
  return [words('Refused because:'), list(objections.map(({ what, expected, got, wayOut }) => `${what}: expected ${expected}, got ${got}. ${wayOut}`))];
}

export const mark = (ok: boolean): string => (ok ? '✓' : '✗');
