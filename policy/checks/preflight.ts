/** Preflight: seven checks, all of which always run (PF-04), and one status that the exit code always agrees with (DIS-06). */
import { configContent } from './config-content.js';
import { environmentConfiguration } from './environment-configuration.js';
import { insecurePackagesCheck } from './insecure-packages.js';
import { isolation } from './isolation.js';
import { memoryUse } from './memory-use.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check, CheckResult, CheckRules, CheckStatus } from './model.js';
import type { PreflightReport, PreflightStatus, PythonStatus } from './results.js';
import { packageCompatibility } from './package-compatibility.js';
import { packageDependencies } from './package-dependencies.js';
import { performanceBaseline } from './performance-baseline.js';
import { pythonOnPath } from './python-on-path.js';
import { pythonStatus } from './python-status.js';
import { pythonVersion } from './python-version.js';
import { securityPermissions } from './security-permissions.js';
import { startupTime } from './startup-time.js';
import { versionDocumented } from './version-documented.js';
import { virtualEnvironment } from './virtual-environment.js';
import { wheelAvailability } from './wheel-availability.js';
import { wheelStatus } from './wheel-status.js';
import { oneLine } from '../text.js';

/** The seven, in the document's order. */
export const PREFLIGHT_CHECKS: readonly Check[] = [
  pythonVersion,
  virtualEnvironment,
  packageDependencies,
  wheelStatus,
  environmentConfiguration,
  securityPermissions,
  performanceBaseline,
];

/** What the manual list asks beside them (PF-20 to PF-26). None of them decides the status. */
export const MANUAL_CHECKS: readonly Check[] = [
  versionDocumented,
  packageCompatibility,
  wheelAvailability,
  configContent,
  pythonOnPath,
  insecurePackagesCheck,
  isolation,
  memoryUse,
  startupTime,
];

/** One check's verdict. A judge that throws has judged nothing: `unknown`. */
export function judge(check: Check, facts: EnvironmentFacts, rules: CheckRules): CheckResult {
  const { name, title, blocking } = check;
  try {
    return { check: name, title, blocking, ...check.judge(facts, rules) };
  } catch (error) {
    const problem = oneLine(String(error));
    return { check: name, title, blocking, status: 'unknown', lines: [`the check itself failed: ${problem}`], evidence: {}, remedy: 'runbook preflight --json # and hand the facts in with the report of this fault' };
  }
}

/** The seven checks of one environment. */
export const preflight = (facts: EnvironmentFacts, rules: CheckRules): PreflightReport => reportOf(PREFLIGHT_CHECKS, facts, rules);

/** The seven and the manual list's, for the form that a person signs (PF-27). */
export const manualPreflight = (facts: EnvironmentFacts, rules: CheckRules): PreflightReport => reportOf([...PREFLIGHT_CHECKS, ...MANUAL_CHECKS], facts, rules);

function reportOf(list: readonly Check[], facts: EnvironmentFacts, rules: CheckRules): PreflightReport {
  const checks = list.map((check) => judge(check, facts, rules));
  const python = pythonStatus(facts, rules).status;
  const status = preflightStatus(python, checks);
  const count = (wanted: CheckStatus): number => checks.filter((one) => one.status === wanted).length;
  return {
    version: 1,
    at: facts.at,
    host: facts.host,
    project: facts.project,
    link: facts.link,
    python: { status: python, version: facts.interpreter.ok ? facts.interpreter.value.version : null },
    status,
    exitCode: status === 'NOT_READY' ? 1 : 0,
    checks,
    passed: count('pass'),
    warned: count('warn'),
    failed: count('fail'),
    unknown: count('unknown'),
    total: checks.length,
    logFile: null,
  };
}

const READY_AS: Record<PythonStatus, PreflightStatus> = { primary: 'READY', fallback: 'READY_FALLBACK', exception: 'READY_EXCEPTION', unsupported: 'NOT_READY', not_found: 'NOT_READY' };

/** PF-16, PF-18, DIS-06: a blocking check that fails, or that could not be judged, makes it NOT_READY whatever the interpreter is. */
export function preflightStatus(python: PythonStatus, checks: readonly Pick<CheckResult, 'status' | 'blocking'>[]): PreflightStatus {
  const isBlocked = checks.some(({ status, blocking }) => blocking && status !== 'pass' && status !== 'warn');
  return isBlocked ? 'NOT_READY' : READY_AS[python];
}
