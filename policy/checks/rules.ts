/** From the policy to the rules of one host, and from these to the rules of one project on it. */
import { classOf } from '../files/load.js';
import type { PolicyFile } from '../files/policy-file.js';
import type { ProjectSettings } from '../model.js';
import type { CheckPolicy, CheckRules } from './model.js';

/** What of the policy is about checks of this host; plain data, sent to its agent as it is. */
export function checkPolicyOf(policy: PolicyFile, host: string): CheckPolicy {
  const { rules } = classOf(policy, host);
  const { stage, checks } = rules;
  const isProduction = stage === 'production';
  return {
    primary: policy.interpreters.primary.version,
    fallback: policy.interpreters.fallback.version,
    allowPreReleases: rules.allowPreReleases,
    minPatch: policy.minPatch,
    stage,
    onWarning: checks.onWarning ?? (isProduction ? 'ask' : 'pass'),
    severity: { lockMissing: checks.lockMissing ?? 'warning', lockMismatch: checks.lockMismatch ?? (isProduction ? 'critical' : 'warning') },
    checks: policy.checks,
  };
}

/** The rules for a project: its own lists where the policy has some for it, and the files and variables it names. */
export function rulesFor({ checks, ...policy }: CheckPolicy, settings: Pick<ProjectSettings, 'name' | 'lock' | 'envPrefix' | 'configFiles' | 'expectedFreezeHash'>): CheckRules {
  const { projects, criticalFiles, tell: _tell, acceptedBy: _acceptedBy, checklist: _checklist, ...common } = checks;
  const own = Object.hasOwn(projects, settings.name) ? projects[settings.name]! : {};
  return {
    ...policy,
    ...common,
    required: own.required ?? checks.required,
    minimumVersions: own.minimumVersions ?? checks.minimumVersions,
    healthImports: own.healthImports ?? checks.healthImports,
    criticalFiles: [...new Set([...criticalFiles, settings.lock, ...settings.configFiles.map(({ path }) => path)])],
    variables: settings.envPrefix === null ? null : { python: `${settings.envPrefix}_PYTHON_VERSION`, wheels: `${settings.envPrefix}_WHEEL_STATUS` },
    expectedFreezeHash: settings.expectedFreezeHash,
  };
}
