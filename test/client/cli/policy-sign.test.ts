/** Signing a revision of the policy, checking who may sign at all, and the signers file of a host. No server anywhere. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { stringify } from 'yaml';
import { openPolicyStore } from '../../../activities/control/policy-store.js';
import { policyCommand } from '../../../client/cli/commands/policy.js';
import { findInstance } from '../../../client/cli/instance.js';
import { missingStages } from '../../../client/cli/policy-signatures.js';
import { parseWith } from '../../../policy/files/explain.js';
import { parsePolicy } from '../../../policy/files/load.js';
import { signersFileSchema } from '../../../policy/files/signers-file.js';
import type { SignedRevision } from '../../../policy/revision.js';
import { policyText } from '../../../policy/signed-texts.js';
import { inProcessAt } from '../../support/in-process.js';
import { makePeople, peopleOf, stockSshKeygen } from '../../support/people.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-policy-'));
after(() => rmSync(dir, { recursive: true }));
Object.assign(process.env, { XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: path.join(dir, 'home') });
const people = makePeople(dir, ['ada', 'alice', 'bob', 'carol', 'dan']);
const { policyFile, policiesDir } = findInstance().paths;
const signaturesFile = `${policyFile}.signatures`;
mkdirSync(path.dirname(policyFile), { recursive: true });

const POLICY = { people: peopleOf(people), roles: { 'architecture-board': ['ada'], cab: ['alice', 'carol', 'dan'], security: ['bob'] } };
/** Writes the policy's file; returns its digest. */
function policy(more: object): string {
  const text = stringify({ ...POLICY, ...more });
  writeFileSync(policyFile, text);
  const loaded = parsePolicy(text, policyFile);
  assert.ok('digest' in loaded, JSON.stringify(loaded));
  return loaded.digest;
}

beforeEach(() => {
  for (const file of [signaturesFile, policiesDir]) rmSync(file, { recursive: true, force: true });
  delete process.env['RUNBOOK_KEY'];
});

async function cli(...words: string[]): Promise<{ code: number; out: string; talk: string }> {
  const { code, stdout, stderr } = await inProcessAt(() => new Date('2026-11-21T12:00:00Z'), policyCommand, 'policy', ...words);
  return { code, out: stdout, talk: stderr };
}

const sign = (person: keyof typeof people, ...more: string[]) => cli('sign', '--yes', '--key', people[person].file, ...more);
const kept = (): SignedRevision => JSON.parse(readFileSync(signaturesFile, 'utf8')) as SignedRevision;

test('AP-11: a revision needs architecture board and CAB; each signature says who is still missing', async () => {
  const digest = policy({ header: { version: '1.1.0' } });
  const first = await sign('ada');
  assert.equal(first.code, 3, first.talk);
  assert.match(first.talk, /I approve policy revision 1\.1\.0\n {2}policy sha256:[0-9a-f]{64}\n {2}replaces nothing/);
  assert.match(first.out, /missing: 1 of cab \(alice carol dan\)/);
  const second = await sign('alice');
  assert.equal(second.code, 0, second.talk);
  assert.match(second.out, /signed by ada, alice\nsigned by all it needs/);
  assert.deepEqual({ ...kept(), signatures: kept().signatures.length }, { revision: '1.1.0', digest, replaces: null, signatures: 2 });
  // Stock ssh-keygen says the same, under the namespace of policies and no other.
  const { text, signature } = kept().signatures[1]!;
  assert.equal(text, policyText('1.1.0', digest, null));
  writeFileSync(path.join(dir, 's'), signature);
  writeFileSync(path.join(dir, 'allowed'), `alice ${people.alice.line}\n`);
  const verified = (namespace: string) => stockSshKeygen(['-Y', 'verify', '-f', path.join(dir, 'allowed'), '-I', 'alice', '-n', namespace, '-s', path.join(dir, 's')], text).code;
  assert.equal(verified('runbook.policy'), 0);
  assert.notEqual(verified('runbook.approval'), 0);
});

test('AP-11: signing twice adds nothing; two of one board are not two boards', async () => {
  policy({ header: { version: '1.2.0' } });
  await sign('alice');
  const twice = await sign('alice');
  assert.match(twice.talk, /alice has signed this revision already/);
  assert.equal(kept().signatures.length, 1);
  const carol = await sign('carol');
  assert.equal(carol.code, 3);
  assert.match(carol.out, /missing: 1 of architecture-board \(ada\)/);
});

test('AP-11: a revision replaces the one in force, is signed by its people, and a changed one starts anew', async () => {
  const store = openPolicyStore(policyFile, policiesDir);
  const first = policy({ header: { version: '1.3.0' }, policyRevision: { signed: true } });
  assert.equal(store.current().digest, first);
  const draft = policy({ header: { version: '1.4.0' }, policyRevision: { signed: true }, canaryPercent: 20 });
  await sign('ada');
  assert.deepEqual([kept().digest, kept().replaces], [draft, first]);
  // Whoever the new revision itself would make a signer is none yet.
  const second = policy({ header: { version: '1.4.0' }, policyRevision: { signed: true }, roles: { ...POLICY.roles, cab: ['bob'] } });
  const bob = await sign('bob');
  assert.equal(bob.code, 64);
  assert.match(bob.talk, /a signature of bob under the policy/);
  await sign('ada');
  assert.deepEqual([kept().digest, kept().replaces, kept().signatures.length], [second, first, 1]);
  assert.match(store.problem()!.what, /^policy revision 1\.4\.0: signatures$/);
  assert.equal(store.current().digest, first, 'half signed is not in force');
  const carol = await sign('carol');
  assert.equal(carol.code, 0, carol.out + carol.talk);
  assert.equal(openPolicyStore(policyFile, policiesDir).current().digest, second, 'the control worker takes what policy sign made');
});

test('AP-11, AP-12: whoever counts for nothing does not sign; a signature put there by hand counts for nothing', async () => {
  policy({ header: { version: '3.0.0' } });
  const bob = await sign('bob');
  assert.equal(bob.code, 64);
  assert.match(bob.talk, /a signature of bob under the policy: expected somebody of 1 of architecture-board, 1 of cab, got security/);
  assert.equal(existsSync(signaturesFile), false);
  await sign('alice');
  const { signatures, ...rest } = kept();
  writeFileSync(signaturesFile, JSON.stringify({ ...rest, signatures: [{ ...signatures[0]!, signature: signatures[0]!.signature.replace(/[A-Z]{3}/, 'AAA') }, { ...signatures[0]!, text: 'something else\n' }] }));
  const { code, out } = await sign('ada');
  assert.equal(code, 3);
  assert.match(out, /signed by ada\nmissing: 1 of cab/);
});

test('asked where there is no terminal, and signatures that can\'t be read, are refused', async () => {
  policy({ header: { version: '3.1.0' } });
  const asked = await cli('sign', '--key', people.ada.file);
  assert.equal(asked.code, 64);
  assert.match(asked.talk, /expected --yes where there is no terminal/);
  writeFileSync(signaturesFile, '{"revision": "1"}');
  assert.match((await sign('ada')).talk, /expected signatures as runbook policy sign writes them, got something else/);
});

test('one person fills one place, and the stage that can be filled is', () => {
  const stages = [{ role: 'architecture-board', quorum: 1 }, { role: 'cab', quorum: 2 }];
  assert.deepEqual(missingStages(stages, [{ person: 'ada', roles: ['architecture-board', 'cab'] }, { person: 'alice', roles: ['cab'] }]), [{ role: 'cab', quorum: 1 }]);
  assert.deepEqual(missingStages(stages, [{ person: 'ada', roles: ['architecture-board', 'cab'] }, { person: 'alice', roles: ['cab'] }, { person: 'carol', roles: ['cab'] }]), []);
  assert.deepEqual(missingStages(stages, []), stages);
});

test('AP-12: policy check refuses one key under two people and a quorum that nobody but the requester could reach', async () => {
  const everybody = Object.keys(people);
  const roles = Object.fromEntries(['architecture-board', 'cab', 'engineering', 'ci', 'operations', 'security', 'project-owner'].map((role) => [role, everybody]));
  policy({ roles });
  const whole = await cli('check');
  assert.equal(whole.code, 0, whole.talk);
  policy({ roles, people: { ...peopleOf(people), eve: { keys: [{ key: people.alice.line }] } } });
  const shared = await cli('check');
  assert.equal(shared.code, 64);
  assert.match(shared.talk, /alice[^]*eve|eve[^]*alice/);
  policy({ roles: { ...roles, cab: ['alice', 'carol'] } });
  const quorum = await cli('check');
  assert.equal(quorum.code, 64);
  assert.match(quorum.talk, /exception\.grantedBy: expected people with keys who reach 2 of cab without the requester, .*cab: alice, carol, which is too few when alice or carol asks/);
});

test('DIS-04: policy check refuses an interpreter below the minimum, and tells the way out', async () => {
  policy({ interpreters: { primary: { version: '3.9.x', justification: 'as ever' } } });
  const { code, talk } = await cli('check');
  assert.equal(code, 64);
  assert.match(talk, /interpreters\.primary\.version: expected 3\.11 or newer, by minimum, got 3\.9\.x\n.*raise interpreters\.primary\.version, or lower minimum/);
});

test('AP-01, AP-11: policy check remarks on production without a rule of its own, and on a policy that is taken unsigned, and refuses neither', async () => {
  const unruled = { people: {}, roles: {}, hostClasses: { prod: { hosts: ['*'] } } };
  policy(unruled);
  const { code, talk } = await cli('check');
  assert.equal(code, 0, talk);
  assert.match(talk, /^! hostClasses\.prod is production and does not say who approves a change, .*\n! the policy rules production \(hostClasses\.prod\) and is taken unsigned, /);
  policy({ ...unruled, policyRevision: { signed: true }, hostClasses: { prod: { hosts: ['*'], approvals: { change: 2 } } } });
  assert.deepEqual(await cli('check').then((checked) => [checked.code, checked.talk]), [0, '']);
  rmSync(policyFile);
  assert.deepEqual(await cli('check').then((checked) => [checked.code, checked.talk]), [0, ''], 'no file at all');
});

test('AP-12: the signers file of a host is made from the policy, as strict as its class, and parses as one', async () => {
  policy({ hostClasses: { production: { hosts: ['web-*'], requireSignatures: true, approvals: { change: 2, fallback: 0 } } } });
  const { out, code } = await cli('signers', '--host-class', 'production');
  assert.equal(code, 0);
  const parsed = parseWith(signersFileSchema, out, { file: 'signers.yaml', format: 'yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const { people: named, hostClass, warrants, policyRevision, maxExceptionHours } = parsed.value;
  assert.deepEqual(Object.keys(named), Object.keys(people));
  assert.deepEqual({ hostClass, warrants, policyRevision, maxExceptionHours }, {
    hostClass: 'production', maxExceptionHours: 72, policyRevision: [{ role: 'architecture-board', quorum: 1 }, { role: 'cab', quorum: 1 }],
    warrants: { change: [{ role: 'cab', quorum: 2 }], fallback: 'policy', exception: [{ role: 'cab', quorum: 2 }] },
  });
  const unknown = await cli('signers', '--host-class', 'staging');
  assert.match(unknown.talk, /--host-class staging: expected default, production, got staging/);
});
