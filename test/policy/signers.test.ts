import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Signers } from '../../policy/files/people.js';
import { signersSchema } from '../../policy/files/people.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { Objection } from '../../policy/model.js';
import { keyProblem } from '../../policy/ssh-key.js';
import { allowedSignersLine, fingerprintOf, judgeKey, rolesAt, signersDigest, signersProblems } from '../../policy/signers.js';
import { at, blobOf, keyLine, keyOf, signersOf } from '../support/approval-core.js';

const TYPES = [['ed25519'], ['ecdsa', '-b', '256'], ['ecdsa', '-b', '384'], ['ecdsa', '-b', '521'], ['rsa', '-b', '2048'], ['rsa', '-b', '1024']];
let dir = '';
/** By `TYPE BITS`. */
const lines: Record<string, string> = {};

const keygen = (args: string[], input = ''): string => execFileSync('ssh-keygen', args, { cwd: dir, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], TZ: 'Asia/Kolkata' } });

before(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'signers-'));
  for (const [type, ...bits] of TYPES) {
    const file = `${type}${bits[1] ?? ''}`;
    keygen(['-q', '-t', type!, ...bits, '-N', '', '-C', `somebody's ${file}`, '-f', file]);
    lines[file] = readFileSync(path.join(dir, `${file}.pub`), 'utf8').trim();
  }
});
after(() => rmSync(dir, { recursive: true, force: true }));

test('a fingerprint is what ssh-keygen shows, for every type of key', () => {
  for (const [file, line] of Object.entries(lines)) assert.equal(fingerprintOf(line), keygen(['-lf', `${file}.pub`]).split(' ')[1], file);
});

test('keys as ssh-keygen makes them are whole; RSA keys below 2048 bits are refused', () => {
  const refused = Object.entries(lines).map(([file, line]) => [file, keyProblem(line)]).filter(([, problem]) => problem !== null);
  assert.deepEqual(refused, [['rsa1024', 'is an RSA key of 1024 bits, expected at least 2048']]);
});

test('security keys are whole; a blob of another type, cut off, or with bytes too many is no key', () => {
  const point = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)]);
  const sk = (type: string, ...fields: (string | Buffer)[]) => `${type} ${blobOf(type, ...fields)}`;
  assert.equal(keyProblem(sk('sk-ssh-ed25519@openssh.com', Buffer.alloc(32, 1), 'ssh:')), null);
  assert.equal(keyProblem(sk('sk-ecdsa-sha2-nistp256@openssh.com', 'nistp256', point, 'ssh:')), null);
  const good = Buffer.from(keyLine('a').split(' ')[1]!, 'base64');
  const bad: [string, RegExp][] = [
    [`ssh-ed25519 ${good.subarray(0, -1).toString('base64')}`, /cut off/],
    [`ssh-ed25519 ${Buffer.concat([good, Buffer.from([0])]).toString('base64')}`, /bytes too many/],
    [`ssh-ed25519 ${blobOf('ssh-ed25519', Buffer.alloc(31, 1))}`, /well-formed/],
    [`ssh-ed25519 ${blobOf('ssh-ed25519', Buffer.alloc(32, 1), 'more')}`, /no plain/],
    [`ssh-rsa ${good.toString('base64')}`, /says ssh-rsa but holds ssh-ed25519/],
    [`ssh-rsa ${blobOf('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0, 0, 0x81]), Buffer.alloc(255, 9)]))}`, /well-formed/],
    [`ecdsa-sha2-nistp256 ${blobOf('ecdsa-sha2-nistp256', 'nistp384', point)}`, /well-formed/],
    ['ssh-ed25519 %%%', /base64/],
    ['ssh-ed25519', /base64/],
  ];
  for (const [line, problem] of bad) assert.match(keyProblem(line) ?? 'nothing', problem, line);
});

test('of random blobs only whole ones are keys, and reading them never fails', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, prefixed) => {
    const blob = Buffer.concat([prefixed ? Buffer.from(blobOf('ssh-ed25519'), 'base64') : Buffer.alloc(0), Buffer.from(bytes)]);
    const isWhole = prefixed && blob.length === 15 + 4 + 32 && blob.readUInt32BE(15) === 32;
    assert.equal(keyProblem(`ssh-ed25519 ${blob.toString('base64')}`) === null, isWhole);
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (bytes) => {
    const line = `ssh-ed25519 ${Buffer.from(bytes).toString('base64')}`;
    assert.match(fingerprintOf(line), /^SHA256:[A-Za-z0-9+/]{43}$/);
  }));
});

const judged = (more: Parameters<typeof keyOf>[1], t: string) => judgeKey({ people: { alice: { keys: [keyOf('alice', more)] } }, roles: {}, deputies: [] }, fingerprintOf(keyLine('alice')), t);

test('AP-12, decision 4: unknown, not yet valid, expired, revoked and compromised keys each have words of their own; both ends are half open', () => {
  assert.deepEqual([judged({}, at(0)).valid, judged({}, at(0)).reason, judged({}, at(0)).person], [true, '', 'alice']);
  const cases: [Parameters<typeof keyOf>[1], number, RegExp | null][] = [
    [{ validFrom: at(10) }, 9, /is not valid before 2026-03-02T08:00:00\.010Z/], [{ validFrom: at(10) }, 10, null],
    [{ validUntil: at(10) }, 9, null], [{ validUntil: at(10) }, 10, /expired at/],
    [{ revoked: at(10) }, 9, null], [{ revoked: at(10) }, 10, /was revoked at/],
    [{ compromised: true }, 0, /is marked compromised/],
    [{ compromised: true, revoked: at(0), validUntil: at(0) }, 5, /compromised/],
  ];
  for (const [more, ms, problem] of cases) {
    const { valid, reason, person, key } = judged(more, at(ms));
    assert.equal(valid, problem === null, JSON.stringify(more));
    if (problem) assert.match(reason, problem);
    assert.deepEqual([person, key?.key], ['alice', keyLine('alice')]);
  }
  assert.match(judged({}, 'yesterday').reason, /without a time/);
  const unknown = judgeKey(signersOf({ cab: ['alice'] }), 'SHA256:x', at(0));
  assert.deepEqual(unknown, { valid: false, person: null, reason: 'nobody here has the key SHA256:x', key: null });
});

test('a key under two people is nobody\'s, and one that stands twice is as good as its worst entry', () => {
  const shared = signersOf({ cab: ['alice', 'carol'] }, { people: { carol: { keys: [keyOf('alice', { key: keyLine('alice').replace(/alice$/, 'other words') })] } } });
  assert.match(judgeKey(shared, fingerprintOf(keyLine('alice')), at(0)).reason, /stands under alice and carol/);
  assert.equal(judgeKey(shared, fingerprintOf(keyLine('alice')), at(0)).person, null);
  const twice = signersOf({ cab: ['alice'] }, { people: { alice: { keys: [keyOf('alice'), keyOf('alice', { compromised: true })] } } });
  assert.equal(judgeKey(twice, fingerprintOf(keyLine('alice')), at(0)).valid, false);
});

test('AP-12: roles are one\'s own, then those stood in for, for as long as it says; a deputy has no deputies', () => {
  const deputies = [
    { role: 'cab', for: 'alice', by: 'dave', from: at(10), until: at(20) },
    { role: 'cab', for: 'dave', by: 'erin', from: at(0), until: at(99) },
    { role: 'cab', for: 'gone', by: 'dave', from: at(0), until: at(99) },
    { role: 'none', for: 'alice', by: 'dave', from: at(0), until: at(99) },
    { role: 'security', for: 'dave', by: 'dave', from: at(0), until: at(99) },
  ];
  const signers = signersOf({ cab: ['alice', 'carol'], security: ['dave', 'gone'], ops: ['erin'] }, { deputies });
  delete signers.people['gone'];
  const own = { role: 'security', deputyFor: null };
  assert.deepEqual(rolesAt(signers, 'dave', at(9)), [own]);
  assert.deepEqual(rolesAt(signers, 'dave', at(10)), [own, { role: 'cab', deputyFor: 'alice' }]);
  assert.deepEqual(rolesAt(signers, 'dave', at(20)), [own]);
  assert.deepEqual(rolesAt(signers, 'erin', at(15)), [{ role: 'ops', deputyFor: null }]);
  for (const nobody of ['gone', 'constructor', '__proto__', '']) assert.deepEqual(rolesAt(signers, nobody, at(15)), []);
});

test('stock ssh-keygen verifies with our allowed_signers line: inside the key\'s time, for the namespaces it names, and for nothing else', () => {
  keygen(['-Y', 'sign', '-f', 'ed25519', '-n', 'runbook.approval', '-q', writeText()]);
  const key = { key: lines['ed25519']!, validFrom: '2026-03-02T08:00:00Z', validUntil: '2026-03-05T08:00:00.500Z', compromised: false };
  const verifies = (line: string, time: string, namespace = 'runbook.approval', text = 'a vote\n'): boolean => {
    writeFileSync(path.join(dir, 'allowed'), `${line}\n`);
    try {
      keygen(['-Y', 'verify', '-f', 'allowed', '-I', 'alice', '-n', namespace, '-s', 'text.sig', `-Overify-time=${time}`], text);
      return true;
    } catch {
      return false;
    }
  };
  const line = allowedSignersLine('alice', key, ['runbook.approval', 'runbook.request']);
  assert.match(line, /^alice namespaces="runbook.approval,runbook.request",valid-after="20260302080000Z",valid-before="20260305080000Z" ssh-ed25519 [A-Za-z0-9+/]+$/);
  assert.equal(verifies(line, '20260303000000Z'), true);
  assert.equal(verifies(line, '20260302075959Z'), false, 'before it is valid');
  assert.equal(verifies(line, '20260305080001Z'), false, 'after it is valid');
  assert.equal(verifies(line, '20260303000000Z', 'runbook.approval', 'another vote\n'), false);
  assert.equal(verifies(allowedSignersLine('alice', key, ['runbook.request']), '20260303000000Z'), false, 'another purpose');
  const revoked = allowedSignersLine('alice', { ...key, revoked: '2026-03-03T00:00:00Z' }, ['runbook.approval']);
  assert.deepEqual([verifies(revoked, '20260302235959Z'), verifies(revoked, '20260303000001Z')], [true, false]);
  assert.equal(verifies(allowedSignersLine('alice', { ...key, validFrom: undefined, compromised: true } as never, ['runbook.approval']), '20260303000000Z'), false);
});

function writeText(): string {
  writeFileSync(path.join(dir, 'text'), 'a vote\n');
  return 'text';
}

test('the digest covers people, keys, roles and deputies, whatever their order', () => {
  const base = signersOf({ cab: ['alice', 'carol'] });
  const turned: Signers = { deputies: [], roles: base.roles, people: { carol: base.people['carol']!, alice: base.people['alice']! } };
  assert.equal(signersDigest(turned), signersDigest(base));
  const others = [signersOf({ cab: ['alice'] }), { ...base, deputies: [{ role: 'cab', for: 'alice', by: 'carol', from: at(0), until: at(1) }] }, { ...base, people: { ...base.people, alice: { keys: [keyOf('alice', { compromised: true })] } } }];
  for (const other of others) assert.notEqual(signersDigest(other), signersDigest(base));
  assert.equal(signersDigest(policyFileSchema.parse({})), signersDigest(signersSchema.parse({})));
});

/** Everybody the default rules need. */
const ROLES = { cab: ['alice', 'bob', 'carol'], engineering: ['alice', 'dave'], ci: ['dave', 'erin'], operations: ['erin', 'frank'], security: ['frank', 'dave'], 'project-owner': ['erin', 'alice'], 'architecture-board': ['frank', 'bob'] };
const policyOf = (more: Record<string, unknown> = {}) => policyFileSchema.parse({ ...signersOf(ROLES), ...more });
const found = (more: Record<string, unknown>): Objection[] => signersProblems(policyOf(more));
const words = (objections: Objection[]): string => objections.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join('\n');

test('an empty policy, and one whose people reach every quorum, have no problems', () => {
  assert.deepEqual(signersProblems(policyFileSchema.parse({})), []);
  assert.equal(words(found({})), '');
});

test('policy check refuses a key under two people, by blob and not by text', () => {
  const people = signersOf(ROLES).people;
  const line = keyLine('alice').replace(/ alice$/, ' quite another comment');
  const [objection, ...more] = found({ people: { ...people, bob: { keys: [keyOf('bob'), { key: line }] } } });
  assert.deepEqual([objection!.what, more.length], ['people.alice.keys[0] and people.bob.keys[1]', 0]);
  assert.match(objection!.got, /^SHA256:.* of alice and bob$/);
  // Of 277 bytes the last character has bits that no byte has.
  const blob = blobOf('ssh-rsa', Buffer.from([3]), Buffer.concat([Buffer.from([0, 0x81]), Buffer.alloc(255, 9)]));
  const other = blob.replace(/.(?==+$)/, (last) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(last) + 1]!);
  assert.notEqual(other, blob);
  assert.match(words(found({ people: { ...people, alice: { keys: [{ key: `ssh-rsa ${blob}` }] }, bob: { keys: [{ key: `ssh-rsa ${other}` }] } } })), /a key of one person, once/);
});

test('policy check refuses what can\'t be: unknown people, deputies of nobody or oneself, dates reversed, weak keys', () => {
  const people = signersOf(ROLES).people;
  const deputy = { role: 'cab', for: 'alice', by: 'dave', from: at(0), until: at(10) };
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ roles: { ...ROLES, ops: ['zoe'] } }, /^roles\.ops: expected one of the people alice.*, got zoe$/],
    [{ roles: { ...ROLES, cab: ['alice', 'bob', 'carol', 'alice'] } }, /^roles\.cab: expected everybody once, got alice twice$/],
    [{ deputies: [{ ...deputy, by: 'zoe' }] }, /^deputies\[0\]: expected one of the people .*, got zoe$/],
    [{ deputies: [deputy, { ...deputy, for: 'zoe' }] }, /deputies\[1\]: .* got zoe/],
    [{ deputies: [{ ...deputy, role: 'nothing' }] }, /deputies\[0\]: expected one of the roles cab, .*, got nothing/],
    [{ deputies: [{ ...deputy, for: 'erin' }] }, /deputies\[0\]: expected somebody with the role cab: alice, bob, carol, got erin/],
    [{ deputies: [{ ...deputy, by: 'alice' }] }, /deputies\[0\]: expected two people, got alice for alice/],
    [{ deputies: [{ ...deputy, until: at(0) }] }, /deputies\[0\]: expected from before until/],
    [{ people: { ...people, alice: { keys: [keyOf('alice', { validFrom: at(5), validUntil: at(5) })] } } }, /people\.alice\.keys\[0\]: expected validFrom before validUntil/],
    [{ people: { ...people, alice: { keys: [keyOf('alice', { validFrom: at(5), revoked: at(4) })] } } }, /people\.alice\.keys\[0\]: expected validFrom before revoked/],
    [{ people: { ...people, alice: { keys: [keyOf('alice'), { key: lines['rsa1024'] }] } } }, /people\.alice\.keys\[1\]: .* RSA key of 1024 bits/],
  ];
  for (const [more, expected] of cases) assert.match(words(found(more)), expected);
});

test('what the schema refuses never gets so far: wildcards, commas and spaces in names, CA lines, certificates', () => {
  const names = ['*', 'a*', 'a,b', 'a b', 'A', '!alice', 'alice\n', ''];
  for (const name of names) assert.equal(signersSchema.safeParse({ people: { [name]: { keys: [] } } }).success, false, JSON.stringify(name));
  const keys = [`cert-authority ${keyLine('a')}`, `* ${keyLine('a')}`, keyLine('a').replace('ssh-ed25519 ', 'ssh-ed25519-cert-v01@openssh.com '), `${keyLine('a')}\n${keyLine('b')}`, 'ssh-dss AAAAB3NzaC1kc3MAAACBAPY8ZOHY2yFSJA6XYC9HRwNHxaehvx5wOJ0rzZdzoSOXxbET'];
  for (const key of keys) assert.equal(signersSchema.safeParse({ people: { alice: { keys: [{ key }] } } }).success, false, key);
});

test('AP-08: policy check refuses every quorum that the people with keys, minus one requester, can\'t reach', () => {
  const people = signersOf(ROLES).people;
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ roles: { ...ROLES, cab: ['alice', 'bob'] } }, /^exception\.grantedBy: .* got cab: alice, bob, which is too few when alice or bob asks$/m],
    [{ roles: { ...ROLES, security: ['frank'] } }, /^interpreterChange\.steps\[3\] \(security-review\): /],
    [{ roles: { ...ROLES, 'architecture-board': [] } }, /^policyRevision\.stages: .* got architecture-board: nobody/],
    [{ defaultClass: { approvals: { change: 3 } } }, /^defaultClass\.approvals\.change: .* 3 of cab/],
    [{ hostClasses: { production: { hosts: ['web-*'], approvals: { fallback: [{ role: 'cab', quorum: 2 }, { role: 'zoo', quorum: 1 }] } } } }, /^hostClasses\.production\.approvals\.fallback: .*zoo: nobody/],
    [{ people: { ...people, carol: { keys: [] } } }, /^exception\.grantedBy/],
    [{ people: { ...people, carol: { keys: [keyOf('carol', { compromised: true })] } } }, /^exception\.grantedBy/],
    // One person fills one place: frank can't be the board and the CAB.
    [{ policyRevision: { stages: [{ role: 'architecture-board', quorum: 2 }, { role: 'cab', quorum: 3 }] } }, /^policyRevision\.stages/],
  ];
  for (const [more, expected] of cases) assert.match(words(found(more)), expected);
});
