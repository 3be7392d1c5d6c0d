/** What people are told when the health of an environment changed: the alert of its verification, or that it is well again. */
import { counted, oneLine } from '../text.js';
import { alertOf } from './alert.js';
import type { CheckPolicy } from './model.js';
import type { ForeignInterpreter, HealthState } from './results.js';

export interface HealthAlert {
  /** Empty: about the host. */
  link: string;
  severity: 'info' | 'warning' | 'critical';
  subject: string;
  lines: string[];
  /** What to type; absent: to verify the environment. */
  command?: string;
}

/** HM-05 to HM-07, DIS-30. Good again is told once, too: who was paged is not left waiting. */
export function healthAlert({ link, state, problems, verification }: HealthState, host: string, { stage, checks }: Pick<CheckPolicy, 'stage' | 'checks'>): HealthAlert {
  const found = { violations: problems, warnings: { length: verification?.warnings ?? 0 }, overall_status: state === 'GOOD' ? 'PASSED' : 'FAILED' } as const;
  const alert = alertOf(found, { stage, warningLimit: checks.warningLimit }, `${host}:${link}`);
  return { link, ...(alert ?? { severity: 'info', subject: `healthy again: ${host}:${link}`, lines: ['its host found nothing wrong any more'] }) };
}

/** Interpreters that are named in one alert. */
const NAMED = 5;

/** PV-35: interpreters that appeared on a host and that no policy approves. */
export function foreignAlert(found: readonly ForeignInterpreter[], host: string): HealthAlert {
  return {
    link: '',
    severity: 'warning',
    subject: `interpreters in use that the policy does not approve on ${host}`,
    lines: [`${counted(found.length, 'interpreter')} appeared`, ...found.slice(0, NAMED).map(({ path, version, why }) => `- ${version ?? 'unknown version'} ${oneLine(path)}: ${oneLine(why)}`)],
    command: `runbook host interpreters   # on ${host}`,
  };
}
