import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicyOf, rulesFor } from '../../../policy/checks/rules.js';
import { parsePolicy } from '../../../policy/files/load.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';

const SETTINGS = { name: 'pricer', lock: 'locks/all.txt', envPrefix: 'PRICER', configFiles: [{ path: '.pricer_config', format: 'keyvalue' as const }], expectedFreezeHash: null };

function policyOf(text: string): PolicyFile {
  const loaded = parsePolicy(text, 'policy.yaml');
  if ('objections' in loaded) throw new Error(JSON.stringify(loaded.objections));
  return loaded.policy;
}

const problemsOf = (text: string): string => {
  const loaded = parsePolicy(text, 'policy.yaml');
  return 'objections' in loaded ? loaded.objections.map(({ what, expected }) => `${what}: ${expected}`).join('\n') : '';
};

test('PF-01, PF-11, PF-15, VJ-07, VJ-15, DIS-10, DIS-12: an empty policy has the documents\' lists and figures, one list per purpose', () => {
  const rules = rulesFor(checkPolicyOf(policyOf(''), 'laptop'), SETTINGS);
  assert.deepEqual(rules.required, ['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest']);
  assert.deepEqual(rules.minimumVersions, { pandas: '2.0.0', numpy: '1.24.0', fastapi: '0.100.0', sqlalchemy: '2.0.0' });
  assert.deepEqual(rules.healthImports, ['pandas', 'numpy', 'fastapi']);
  assert.deepEqual([rules.lockMaxAgeSeconds, rules.probeMaxSeconds, rules.importMaxSeconds, rules.warningLimit], [86_400, 5, 2, 5]);
  assert.deepEqual([rules.primary, rules.fallback], ['3.12.x', '3.11.13']);
});

test('PF-13, PF-14: variables by the project\'s prefix; its lock and configuration are always critical files', () => {
  const rules = rulesFor(checkPolicyOf(policyOf(''), 'laptop'), SETTINGS);
  assert.deepEqual(rules.variables, { python: 'PRICER_PYTHON_VERSION', wheels: 'PRICER_WHEEL_STATUS' });
  assert.deepEqual(rules.criticalFiles, ['requirements.txt', 'requirements.lock', '.smvm_config', 'locks/all.txt', '.pricer_config']);
  assert.equal(rulesFor(checkPolicyOf(policyOf(''), 'laptop'), { ...SETTINGS, envPrefix: null }).variables, null);
});

test('a project has lists of its own where the policy says so, each for itself; no name of an object\'s own makes any', () => {
  const policy = policyOf('checks: {projects: {pricer: {required: [tiny]}}}');
  const of = (name: string) => rulesFor(checkPolicyOf(policy, 'laptop'), { ...SETTINGS, name });
  assert.deepEqual(of('pricer').required, ['tiny']);
  assert.deepEqual(of('pricer').healthImports, ['pandas', 'numpy', 'fastapi']);
  assert.equal(of('constructor').required.length, 5);
});

test('DIS-05, DIS-07, DIS-08: what a warning, a missing lock and another freeze mean follows from the stage of the host\'s class', () => {
  const policy = policyOf('hostClasses: {prod: {hosts: [web-*]}, test: {hosts: [test-*], stage: staging}, odd: {hosts: [odd], checks: {onWarning: block, lockMissing: critical, lockMismatch: warning}}}');
  const of = (host: string) => {
    const { stage, onWarning, severity } = checkPolicyOf(policy, host);
    return [stage, onWarning, severity.lockMissing, severity.lockMismatch];
  };
  assert.deepEqual(of('web-01'), ['production', 'ask', 'warning', 'critical']);
  assert.deepEqual(of('test-1'), ['staging', 'pass', 'warning', 'warning']);
  assert.deepEqual(of('laptop'), ['development', 'pass', 'warning', 'warning']);
  assert.deepEqual(of('odd'), ['production', 'block', 'critical', 'warning']);
});

test('invariant 14: versions that nothing could be compared with, unknown keys and paths outside the project are refused when the policy is read', () => {
  assert.match(problemsOf('checks: {advisories: [{project: numpy, versions: "older than 2", id: CVE-1}]}'), /advisories.*versions: versions as PEP 440 writes them/);
  assert.match(problemsOf('checks: {minimumVersions: {numpy: newest}}'), /minimumVersions.*numpy: a version like/);
  assert.match(problemsOf('checks: {require: [numpy]}'), /require/);
  assert.match(problemsOf('checks: {criticalFiles: [../secret]}'), /criticalFiles.*inside the project/);
  assert.match(problemsOf('hostClasses: {a: {hosts: [b], stage: prod}}'), /stage/);
});
