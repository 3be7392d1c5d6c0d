/** The verifier: six checks and what the project reports, into the one result of the document (VJ-01). Pure. */
import type { EnvironmentFacts } from './facts.js';
import type { CheckRules } from './model.js';
import type { VerificationResult, Violation } from './results.js';
import { environmentConfig } from './verifier/environment-config.js';
import { packageIntegrity } from './verifier/package-integrity.js';
import { performance } from './verifier/performance.js';
import { pythonVersion } from './verifier/python-version.js';
import { reportedMetrics } from './verifier/reported-metrics.js';
import { security } from './verifier/security.js';
import { wheelStatus } from './verifier/wheel-status.js';

/** All of it, always: no check waits for another. A check that can't judge at all makes the whole `unknown`, never a pass. */
export function verify(facts: EnvironmentFacts, rules: CheckRules): VerificationResult {
  try {
    return judged(facts, rules);
  } catch (error) {
    return unjudged(facts.at, rules, error instanceof Error ? error.message : String(error));
  }
}

function judged(facts: EnvironmentFacts, rules: CheckRules): VerificationResult {
  const python = pythonVersion.judge(facts, rules);
  const packages = packageIntegrity.judge(facts, rules);
  const wheels = wheelStatus.judge(facts, rules);
  const config = environmentConfig.judge(facts, rules);
  const safe = security.judge(facts, rules);
  const speed = performance.judge(facts, rules);
  const found = [python, packages, wheels, config, safe, speed, reportedMetrics(facts, rules)];
  const violations = found.flatMap((it) => it.violations);
  return {
    timestamp: facts.at,
    python_version_check: python.result,
    package_integrity_check: packages.result,
    wheel_status_check: wheels.result,
    environment_config_check: config.result,
    security_check: safe.result,
    performance_check: speed.result,
    violations,
    warnings: found.flatMap((it) => it.warnings),
    overall_status: overallStatus(violations),
  };
}

/** VJ-03. Plain warnings don't change it. */
export function overallStatus(violations: readonly Pick<Violation, 'severity'>[]): 'PASSED' | 'WARNING' | 'FAILED' {
  if (violations.some(({ severity }) => severity === 'critical')) return 'FAILED';
  return violations.length > 0 ? 'WARNING' : 'PASSED';
}

/** The result where nothing could be judged: nothing in it is claimed, its status is the start value. */
export function unjudged(at: string, { primary, fallback, minimumVersions }: Pick<CheckRules, 'primary' | 'fallback' | 'minimumVersions'>, problem: string): VerificationResult {
  return {
    timestamp: at,
    python_version_check: { current_version: null, required_versions: [primary, fallback], compatible: false },
    package_integrity_check: { required_packages: Object.keys(minimumVersions), missing_packages: [], version_mismatches: [], changed_files: null },
    wheel_status_check: { lock_file_exists: false, lock_file_current: false, packages_match_lock: null },
    environment_config_check: { required_vars_present: [], config_file_exists: false, config_file_valid: false },
    security_check: { secure_file_permissions: false, no_insecure_packages: null, environment_isolation: false },
    performance_check: { import_time: null, memory_usage: null, performance_baseline_met: null },
    violations: [{ check: 'verification', severity: 'warning', message: `could not be judged: ${problem}` }],
    warnings: [],
    overall_status: 'unknown',
  };
}

/** VJ-04. What could not be judged is no pass. */
export function verificationExitCode({ overall_status }: Pick<VerificationResult, 'overall_status'>): 0 | 1 | 2 {
  return overall_status === 'PASSED' ? 0 : overall_status === 'WARNING' ? 2 : 1;
}
