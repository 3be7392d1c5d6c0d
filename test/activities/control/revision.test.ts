import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { judgeRevision } from '../../../activities/control/revision.js';
import { makeKey, signText } from '../../../activities/ssh-keygen.js';
import { policyText } from '../../../policy/signed-texts.js';
import { at, PEOPLE, policyStore } from '../../support/policies.js';

const RAISED = { header: { version: '1.1.0' }, interpreters: { primary: { version: '3.13.x', justification: 'newer' }, fallback: { version: '3.12.9', justification: 'older' } } };
const T = at(100);

test('AP-07: without a newer revision in force that approves the version, the document is not updated', async (t) => {
  const policies = policyStore(t);
  const { digest: policyDigest } = policies.current();
  const problem = async (fields: object, to: string): Promise<string> => {
    policies.write(fields);
    const { ok, problem: told } = await judgeRevision(policies, { policyDigest, to, host: 'web-01' }, T);
    return ok ? `ok: ${told}` : told;
  };
  assert.match(await problem({}, '3.13.1'), /^the policy in force is still revision 1\.0\.0/);
  assert.match(await problem({ ...RAISED, header: { version: '1.0.0' } }, '3.13.1'), /header\.version is 1\.0\.0: expected dotted numbers above 1\.0\.0/);
  assert.match(await problem({ ...RAISED, header: { version: '0.9' } }, '3.13.1'), /above 1\.0\.0/);
  assert.match(await problem({ ...RAISED, header: { version: 'next' } }, '3.13.1'), /dotted numbers/);
  assert.match(await problem({ ...RAISED, header: { version: '1.10.0' } }, '3.14.0'), /does not approve 3\.14\.0: it approves 3\.13\.x and 3\.12\.9/);
  for (const to of ['3.13.1', '3.13', '3.13.x', '3.12.9']) assert.match(await problem(RAISED, to), /^ok: revision 1\.1\.0 is not signed; the policy does not ask for it/, to);
  assert.match(await problem(RAISED, '3.12'), /does not approve 3\.12/, 'one version of a line is not the line');
  assert.match(await problem(RAISED, '3.13.0rc1'), /does not approve/);
  assert.match(await problem({ ...RAISED, minPatch: { 3.13: 5 } }, '3.13.1'), /does not approve 3\.13\.1/);
});

interface Signers { fields: object; sign(revision: string, digest: string, replaces: string | null, who: string[]): Promise<object> }

async function signers(t: TestContext): Promise<Signers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'signers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const keys: Record<string, string> = {};
  for (const name of ['alice', 'frank', 'bob']) keys[name] = await makeKey(path.join(folder, name), name);
  const people = { ...PEOPLE.people, ...Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, { keys: [{ key: key.trim() }] }])) };
  const sign: Signers['sign'] = async (revision, digest, replaces, who) => {
    const text = policyText(revision, digest, replaces);
    const signatures = await Promise.all(who.map(async (name) => ({ text, signature: await signText(path.join(folder, name), 'runbook.policy', text) })));
    return { revision, digest, replaces, signatures };
  };
  return { fields: { people }, sign };
}

test('AP-07, AP-11: signed by board and CAB of the revision it replaces, nothing is left to say; by one of them, that is said', async (t) => {
  const { fields, sign } = await signers(t);
  const policies = policyStore(t, fields);
  const { digest: policyDigest } = policies.current();
  policies.write({ ...fields, ...RAISED });
  const { digest } = policies.current();
  const judged = async (who: string[], replaces: string | null = policyDigest) => {
    writeFileSync(`${policies.file}.signatures`, JSON.stringify(await sign('1.1.0', digest, replaces, who)));
    return judgeRevision(policies, { policyDigest, to: '3.13.1', host: 'web-01' }, T);
  };
  const half = await judged(['alice']);
  assert.deepEqual([half.ok, half.revision, half.digest], [true, '1.1.0', digest]);
  assert.match(half.problem, /is not signed by all who must/);
  assert.match((await judged(['alice', 'bob'])).problem, /is not signed by all who must/, 'bob is of neither');
  assert.match((await judged(['alice', 'frank'], null)).problem, /replaces no revision that was in force here/);
  assert.deepEqual(await judged(['alice', 'frank']), { ok: true, problem: '', revision: '1.1.0', digest });
});

test('AP-11: a revision does not waive by itself that revisions are signed', async (t) => {
  const { fields } = await signers(t);
  const policies = policyStore(t, { ...fields, policyRevision: { signed: true } });
  const { digest: policyDigest } = policies.current();
  policies.write({ ...fields, ...RAISED, policyRevision: { signed: false } });
  const { ok, problem } = await judgeRevision(policies, { policyDigest, to: '3.13.1', host: 'web-01' }, T);
  assert.deepEqual([ok, problem], [false, 'the policy in force is still revision 1.0.0, with which the review began']);
});

test('AP-11: where the new revision asks for signatures and has none, it does not count', async (t) => {
  const policies = policyStore(t);
  const { digest: policyDigest } = policies.current();
  policies.write({ ...RAISED, policyRevision: { signed: true } });
  const { ok, problem } = await judgeRevision(policies, { policyDigest, to: '3.13.1', host: 'web-01' }, T);
  assert.equal(ok, false);
  assert.match(problem, /^revision 1\.1\.0 is not signed: runbook policy sign/);
});
