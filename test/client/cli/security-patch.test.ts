/** PV-34 on a real instance: what a policy's least patches mean to a change, a fallback, and whoever looks. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
before(async () => (it = await startInstance({ onSwitch: 'idle' })), { timeout: 240_000 });
after(() => it?.stop());

/** A policy with other fields, until the test is over. */
function withPolicy(fields: object): () => void {
  const file = path.join(it.home, 'config', 'policy.yaml');
  const was = readFileSync(file, 'utf8');
  writeFileSync(file, stringify({ ...(parse(was) as object), ...fields }));
  return () => writeFileSync(file, was);
}

test('PV-34: below its line\'s least patch an interpreter is no target, doctor fails, and the environment on it is marked', { timeout: 120_000 }, async () => {
  const putBack = withPolicy({ minPatch: { '3.12': 99, '3.9': 1 } });
  try {
    const refused = await it.cli('env', 'reset', it.project, '--keep-files', '--yes');
    assert.equal(refused.code, 64, refused.stderr);
    assert.match(refused.stderr, new RegExp(`refused: security patch level of .*: expected Python 3\\.12\\.99 or newer \\(minPatch of the policy\\), got ${it.primary.version}`));
    const list = await it.cli('env', 'list');
    assert.match(list.stdout, new RegExp(`^${it.primary.version} ! `, 'm'));
    assert.match(list.stderr, new RegExp(`^! .*: ${it.primary.version} is older than 3\\.12\\.99`, 'm'));
    const doctor = await it.cli('doctor');
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, new RegExp(`^✗ security patch .*${it.primary.version} is older than 3\\.12\\.99`, 'm'));
    assert.match(doctor.stdout, /^! security patch .*svc: /m);
    const check = await it.cli('policy', 'check');
    assert.equal(check.code, 0);
    assert.match(check.stderr, /minPatch of 3\.9 says nothing/);
    assert.match((await it.cli('policy', 'versions')).stdout, /^primary +3\.12\.x +3\.12\.99 /m);
    assert.match((await it.cli('policy', 'show')).stdout, /"?3\.12"?: 99/);
  } finally {
    putBack();
  }
});

test('PV-34: the primary\'s missing patch does not keep a fallback from being judged; the way back stays open', { timeout: 120_000 }, async () => {
  it.lock('alpha==1.1\nbeta==2.0\n');
  const putBack = withPolicy({ minPatch: { '3.12': 99 } });
  try {
    const { code, stdout, stderr } = await it.cli('run', 'fallback', it.project, '--yes');
    assert.equal(code, 0, stdout + stderr);
    assert.equal(it.version(), it.fallback.version);
    assert.equal((await it.cli('undo', it.project, '--reason', 'back')).code, 0);
    assert.equal(it.version(), it.primary.version);
  } finally {
    putBack();
    it.lock('alpha==1.0\nbeta==1.0\n');
  }
});

test('PV-34: a policy whose own minPatch forbids its fallback is refused by policy check', async () => {
  const putBack = withPolicy({ minPatch: { '3.11': 99 } });
  try {
    const { code, stderr } = await it.cli('policy', 'check');
    assert.equal(code, 64);
    assert.match(stderr, /interpreters\.fallback\.version: expected 3\.11\.99 or newer, by minPatch/);
  } finally {
    putBack();
  }
});
