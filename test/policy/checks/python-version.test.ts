import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { pythonVersion } from '../../../policy/checks/python-version.js';
import { goodFacts, goodInterpreter, rules } from '../../support/check-facts.js';

const judged = (overrides: Partial<EnvironmentFacts>) => pythonVersion.judge(goodFacts(overrides), rules());

test('PF-05: primary and fallback pass, with the version and where it is', () => {
  const primary = judged({});
  assert.equal(primary.status, 'pass');
  assert.equal(primary.remedy, null);
  assert.match(primary.lines[0]!, /3\.12\.4 is the policy's primary/);
  assert.equal(primary.evidence.executable, '/srv/pricer/.venv/bin/python');
  assert.equal(judged({ interpreter: goodInterpreter({ version: '3.11.13' }) }).evidence.status, 'fallback');
});

test('PF-06: unsupported fails and names the command that changes it', () => {
  const wrong = judged({ interpreter: goodInterpreter({ version: '3.9.2' }) });
  assert.equal(wrong.status, 'fail');
  assert.match(wrong.lines[0]!, /3\.12\.x .* 3\.11\.13/);
  assert.equal(wrong.remedy, 'runbook run change /srv/pricer --to 3.12');
});

test('PF-06: nothing found fails and says how an environment is made, by a run and by hand', () => {
  const none = judged({ foundBy: 'nothing', virtual: null, interpreter: { ok: false, kind: 'absent', problem: 'PATH names no python3' } });
  assert.equal(none.status, 'fail');
  assert.equal(none.evidence.version, null);
  assert.equal(none.remedy, 'runbook env create /srv/pricer --to 3.12\n# or by hand: python3.12 -m venv /srv/pricer/.venv');
});

test('PF-06: an interpreter that does not run fails, and is built anew', () => {
  const broken = judged({ interpreter: { ok: false, kind: 'broken', problem: 'exit code 127' } });
  assert.equal(broken.status, 'fail');
  assert.equal(broken.remedy, 'runbook env reset /srv/pricer --to 3.12');
});

test('EE-11: an exception passes and tells its end; the run and the end are evidence', () => {
  const standing = { run: 'ex-1', end: '2026-03-02T12:00:00.000Z' };
  const allowed = judged({ interpreter: goodInterpreter({ version: '3.13.1' }), standing });
  assert.equal(allowed.status, 'pass');
  assert.equal(allowed.evidence.end, standing.end);
  assert.match(allowed.lines[0]!, /until 2026-03-02T12:00:00\.000Z/);
});
