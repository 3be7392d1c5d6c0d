/** What people are told when the health of an environment changed: the alert of its verification, or that it is well again. */
import { alertOf } from './alert.js';
import type { CheckPolicy } from './model.js';
import type { HealthState } from './results.js';

export interface HealthAlert {
  link: string;
  severity: 'info' | 'warning' | 'critical';
  subject: string;
  lines: string[];
}

/** HM-05 to HM-07, DIS-30. Good again is told once, too: who was paged is not left waiting. */
export function healthAlert({ link, state, problems, verification }: HealthState, host: string, { stage, checks }: Pick<CheckPolicy, 'stage' | 'checks'>): HealthAlert {
  const found = { violations: problems, warnings: { length: verification?.warnings ?? 0 }, overall_status: state === 'GOOD' ? 'PASSED' : 'FAILED' } as const;
  const alert = alertOf(found, { stage, warningLimit: checks.warningLimit }, `${host}:${link}`);
  return { link, ...(alert ?? { severity: 'info', subject: `healthy again: ${host}:${link}`, lines: ['its host found nothing wrong any more'] }) };
}
