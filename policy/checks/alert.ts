/** What people are told about one verification: one alert or none, critical before warnings (HM-05 to HM-07). A notification marks its subject by its severity. */
import { counted, oneLine } from '../text.js';
import type { CheckRules } from './model.js';
import type { VerificationResult, Violation } from './results.js';

export interface VerificationAlert {
  severity: 'critical' | 'warning';
  subject: string;
  lines: string[];
}

/** Of warnings, how many. */
interface Found extends Pick<VerificationResult, 'violations' | 'overall_status'> {
  warnings: { length: number };
}

/** HM-05: so many of them are named. */
const NAMED = 5;

/** @param where what was verified, as people name it: `web-01:/srv/pricer/.venv`. */
export function alertOf(result: Found, rules: Pick<CheckRules, 'stage' | 'warningLimit'>, where: string): VerificationAlert | null {
  const { violations, warnings, overall_status } = result;
  const critical = violations.filter(({ severity }) => severity === 'critical');
  if (critical.some((it) => isCriticalOn(it, rules.stage))) {
    return { severity: 'critical', subject: `runtime environment issues on ${oneLine(where)}`, lines: [`${counted(critical.length, 'critical violation')} found`, ...named(critical)] };
  }
  // DEF-15: a violation is told however few warnings there are.
  if (violations.length > 0 || overall_status === 'unknown') return warningAlert('runtime environment issues', result, where);
  return warnings.length > rules.warningLimit ? warningAlert('multiple runtime environment issues', result, where) : null;
}

/** DIS-30, HM-10: which interpreter runs is critical to who is told in production only. The verifier's status is FAILED everywhere. */
const isCriticalOn = ({ check }: Violation, stage: CheckRules['stage']): boolean => check !== 'python_version' || stage === 'production';

function warningAlert(what: string, { violations, warnings, overall_status }: Found, where: string): VerificationAlert {
  return {
    severity: 'warning',
    subject: `${what} on ${oneLine(where)}`,
    lines: [
      ...(overall_status === 'unknown' ? ['the environment could not be judged'] : []),
      `${counted(violations.length, 'violation')} and ${counted(warnings.length, 'warning')} found`,
      ...named([...violations].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'))),
      'review the configuration of this environment: runbook verify names all of them',
    ],
  };
}

const named = (violations: Violation[]): string[] => violations.slice(0, NAMED).map(({ check, message }) => `- ${oneLine(check)}: ${oneLine(message)}`);
