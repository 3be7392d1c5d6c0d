/** Records of fallbacks for tests, and the audit entries a run leaves of one. */
import { assessedFacts, buildFacts, diagnosisFacts, performanceFacts, proposalFacts, verificationFacts } from '../../policy/fallback-entries.js';
import type { FallbackRecord, RecordedProposal } from '../../policy/fallback-record.js';
import type { Diagnosis, LockProposal, LockVerdict, Outcome, Performance, PinVerdict, Plan, Verification, WheelBuild } from '../../policy/model.js';
import type { AuditEntry } from '../../policy/records.js';

const pin = (project: string, verdict: PinVerdict['verdict'], why: string): PinVerdict => ({ project, version: '1.25.2', verdict, file: null, why });

export const lockVerdict = (version: string, missing: string[]): LockVerdict => ({
  version, missing, error: null, durationMs: 300,
  pins: [...missing.map((name) => pin(name, 'sdist-only', `no wheel for ${version}`)), pin('anyio', 'wheel', '')],
});

export const verification: Verification = {
  ok: true, files: { ok: true, checked: 7968, bad: [] }, lock: { ok: true, installed: 41, expected: 41, differences: [] },
  interpreter: { ok: true, expected: '3.11.13', got: '3.11.13' }, imports: { ok: true, passed: 19, total: 19, failures: [] },
  tests: { ok: true, ran: true, summary: '12 passed in 1.2s', outputPath: '/x' }, manifestDigest: 'd'.repeat(64), manifestFiles: 7968, freezeHash: 'e'.repeat(64), durationMs: 2400,
};

export const diagnosis: Diagnosis = {
  interpreter: '3.12.1',
  attempt: { installable: 38, expected: 41, logPath: '/var/lib/runbook/runs/fb-7k2m/attempt.log', logSha256: 'a1'.repeat(32), lines: ['ERROR: Could not find a version that satisfies the requirement numpy==1.25.2', 'ERROR: No matching distribution found for numpy==1.25.2'] },
  findings: [
    { project: 'numpy', class: 'WHEEL_MISSING', cause: 'python-version-mismatch', evidence: 'ERROR: No matching distribution found for numpy==1.25.2', remedy: 'take a release with wheels for 3.12', branch: 'fallback-interpreter' },
    { project: 'greenlet', class: 'BUILD', cause: 'missing-system-dependency', evidence: 'fatal error: Python.h: No such file or directory', remedy: 'install the headers', branch: 'system-package' },
  ],
  system: { platform: 'linux', machine: 'x86_64', memoryBytes: 8 * 2 ** 30, libc: 'glibc 2.36', distribution: 'Debian GNU/Linux 12' },
  tools: { gcc: '12.2.0', gfortran: 'missing' }, cache: { location: '/var/cache/uv', wheels: 120, bytes: 300 * 2 ** 20 },
  advice: [{ what: 'python3.12-dev', command: 'apt-get install python3.12-dev' }], workMs: 1200,
};

export const wheelBuild: WheelBuild = {
  host: 'build-01', wheelhouse: '/srv/wheelhouse', workMs: 61_000,
  built: [{ project: 'greenlet', version: '1.25.2', file: { name: 'greenlet-1.25.2-cp311-cp311-linux_x86_64.whl', sha256: 'b2'.repeat(32) }, durationMs: 31_000, warnings: ['no compiled part although the sdist has one'] }],
  failed: [{ project: 'pandas', version: '1.25.2', class: 'BUILD', cause: 'missing-system-dependency', evidence: 'error: metadata-generation-failed', remedy: 'install a compiler', branch: 'system-package', logPath: '/var/lib/runbook/builds/pandas.log' }],
};

export const lockProposal: LockProposal = {
  rung: 'known-good', interpreter: '3.12.1', lock: 'numpy==1.26.2 --hash=sha256:00\n', lockSha256: 'c3'.repeat(32), deviation: true,
  changes: [{ project: 'numpy', from: '1.25.2', to: '1.26.2' }], tried: { installed: true, imports: { passed: 19, total: 19 }, problem: '' },
};

export const performance: Performance = { probe: 'sum of a DataFrame', ran: true, beforeMs: 10.4, afterMs: 11.2, baselineMs: 10.1, ratio: 1.077, band: 'same', summary: 'the same', workMs: 900 };

export const plan = { undoTarget: 'ch-0001-1', lock: { path: 'requirements.txt', sha256: 'f0'.repeat(32) }, serviceActions: ['restart pricer.service'], facts: { restartWindowSeconds: 10 } } as unknown as Plan;

const START = Date.UTC(2025, 10, 22, 11, 32, 8);

/** A fallback that ended `outcome`, seven seconds after it began. */
export function record(outcome: Outcome = 'done', fields: Partial<FallbackRecord> = {}): FallbackRecord {
  const step = (name: string, from: number, ms: number, ok = true) => ({ step: name, ok, fact: name === 'assess' ? DECISION : `${name} fact`, workMs: ms, startedAt: new Date(from).toISOString(), endedAt: new Date(from + ms).toISOString() });
  return {
    result: {
      run: 'fb-7k2m', kind: 'fallback', env: { host: 'laptop', link: '/srv/pricer/.venv' }, outcome, message: 'answers from 3.11.13', from: '3.12.1', to: '3.11.13', planDigest: '9c41'.repeat(16),
      steps: [step('assess', START, 900), step('arm', START + 1000, 400), step('verify', START + 2000, 2400), step('switch', START + 5000, 0.2)], objections: [],
    },
    reason: 'new lock', requester: 'bob', verdicts: [lockVerdict('3.12.1', ['greenlet', 'numpy', 'pandas']), lockVerdict('3.11.13', [])],
    decision: DECISION, at: '2025-11-22T11:32:15.000Z', verification, evidence: [{ name: 'tests', sha256: 'f'.repeat(64), bytes: 812, kept: true, where: 'records' }], ...fields,
  };
}

const DECISION = '3 of 41 have no 3.12 wheel: greenlet numpy pandas. 3.11 has all 41.';

/** The same with everything a fallback can find out. */
export const wholeRecord = (outcome: Outcome = 'done', fields: Partial<FallbackRecord> = {}): FallbackRecord =>
  record(outcome, { diagnosis, builds: [wheelBuild], proposals: [lockProposal], performance, hostClass: 'production', recipients: ['platform@example.org'], causes: { numpy: 'python-version-mismatch' }, ...fields });

/** What a run leaves in the trail of this record: the fallback's own entries and those of the change it ordered. */
export function entriesOfRecord(of: FallbackRecord): AuditEntry[] {
  const { result, verdicts, hostClass, builds = [], proposals = [], recipients } = of;
  let number = 0;
  const entry = (chain: string, event: AuditEntry['event'], data: AuditEntry['data'], at = of.at): AuditEntry => ({
    key: `${chain}/${++number}`, run: result.run, kind: 'fallback', event, at, workflowId: `fallback/${chain}`, runId: chain, chain, actor: of.requester, host: result.env.host, link: result.env.link, justification: of.reason,
    // As the records give it back.
    data: JSON.parse(JSON.stringify(data)) as AuditEntry['data'],
  });
  const facts: Record<string, AuditEntry['data']> = {
    assess: { decision: 'fallback', affected: verdicts[0]?.missing ?? [], causes: of.causes ?? {}, ...(of.diagnosis ? diagnosisFacts(of.diagnosis) : {}) },
    verify: { ...(of.verification ? verificationFacts(of.verification) : {}), ...(of.performance ? performanceFacts(of.performance) : {}) },
  };
  return [
    entry('one', 'run-started', { policyDigest: 'aa', ...(recipients ? { recipients } : {}) }),
    entry('one', 'assessed', assessedFacts({ python: result.from ?? '', tools: {}, verdicts, decision: of.decision === '' ? null : { decision: 'fallback', text: of.decision, causes: of.causes ?? {} }, ...(hostClass ? { hostClass } : {}) })),
    ...(of.plan ? [entry('two', 'planned', { from: result.from, to: result.to, planDigest: result.planDigest, plan: of.plan })] : []),
    ...builds.map((build) => entry('one', 'phase', buildFacts(build))),
    ...(proposals.length > 0 ? [entry('one', 'phase', proposalFacts(proposals.map((proposal: RecordedProposal) => ({ lock: '', ...proposal }))).data)] : []),
    ...(of.evidence ? [entry('two', 'phase', { evidence: of.evidence })] : []),
    ...result.steps.map((step) => entry(step.step === 'assess' ? 'one' : 'two', step.ok ? 'step-done' : 'step-failed', { ...step, ...facts[step.step] }, step.endedAt)),
    entry('one', 'step-done', { step: 'document', ok: true, fact: 'wheel_fallback.log', workMs: 0, startedAt: of.at, endedAt: of.at }),
    entry('one', 'outcome', { outcome: result.outcome, message: result.message, from: result.from, to: result.to, planDigest: result.planDigest, objections: result.objections }, '2025-11-22T11:32:16.000Z'),
  ];
}
