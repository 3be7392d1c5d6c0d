import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { judgeSignature, judgeSignatureSync, keyOfSignature, makeKey, signText } from '../../activities/ssh-keygen.js';
import { findSshKeygen } from '../../activities/ssh-tool.js';
import { signersSchema, type Signers } from '../../policy/files/people.js';
import { MAX_SIGNED_TEXT } from '../../policy/signed-texts.js';
import { makePeople } from '../support/people.js';
import { makeSecurityKey } from '../support/security-key.js';

const folder = mkdtempSync(path.join(tmpdir(), 'ssh-keygen-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const keys = makePeople(folder, ['alice', 'mallory'] as const);
const T = '2025-11-22T11:32:08.500Z';
const TEXT = 'interpreter-runbooks approval 1\nI approve ch-7k2m: change\n';
const NS = 'runbook.approval';

const signersOf = (key: Record<string, unknown> = {}, line = keys.alice.line): Signers =>
  signersSchema.parse({ people: { alice: { keys: [{ key: line, ...key }] }, bob: {} }, roles: { cab: ['alice'], security: ['bob'] }, deputies: [{ role: 'security', for: 'bob', by: 'alice', from: '2025-11-20T00:00:00Z', until: '2025-11-25T00:00:00Z' }] });
const judge = async (signature: string, more: Partial<Parameters<typeof judgeSignature>[0]> = {}) => judgeSignature({ signers: signersOf(), namespace: NS, text: TEXT, signature, t: T, ...more });
const signed = await signText(keys.alice.file, NS, TEXT);

test('a signature with a key of the policy is valid, with person, roles, deputies, the line and the digest it was judged by', async () => {
  const verdict = await judge(signed);
  assert.deepEqual([verdict.valid, verdict.person, verdict.reason], [true, 'alice', '']);
  assert.deepEqual(verdict.roles, [{ role: 'cab', deputyFor: null }, { role: 'security', deputyFor: 'bob' }]);
  assert.equal(execFileSync('ssh-keygen', ['-lf', `${keys.alice.file}.pub`], { encoding: 'utf8' }).split(' ')[1], verdict.fingerprint);
  assert.match(verdict.signer!, /^alice namespaces="runbook\.approval" ssh-ed25519 /);
  assert.match(verdict.signersDigest, /^[0-9a-f]{64}$/);
  assert.deepEqual(judgeSignatureSync({ signers: signersOf(), namespace: NS, text: TEXT, signature: signed, t: T }), verdict);
});

for (const [type, options] of [['ecdsa', []], ['rsa', ['-b', '2048']]] as const) {
  test(`a key of type ${type} is judged the same`, async () => {
    const file = path.join(folder, type);
    execFileSync('ssh-keygen', ['-q', '-t', type, ...options, '-N', '', '-f', file]);
    const line = readFileSync(`${file}.pub`, 'utf8').trim();
    const verdict = await judge(await signText(file, NS, TEXT), { signers: signersOf({}, line) });
    assert.deepEqual([verdict.valid, verdict.reason], [true, '']);
  });
}

test('a security key goes the same way', async () => {
  const key = makeSecurityKey();
  const signers = signersOf({}, key.line);
  assert.deepEqual((({ valid, person, reason }) => [valid, person, reason])(await judge(key.sign(NS, TEXT), { signers })), [true, 'alice', '']);
  assert.match((await judge(key.sign(NS, `${TEXT}more\n`), { signers })).reason, /does not match the text/);
});

/** Each with the one reason it must have. */
const refused: [string, () => Promise<string> | string, Partial<Parameters<typeof judgeSignature>[0]>, RegExp][] = [
  ['no signature', () => '', {}, /there is no signature/],
  ['garbage', () => 'signed by alice, honestly', {}, /not whole/],
  ['a truncated armour', () => signed.split('\n').slice(0, 3).join('\n'), {}, /not whole/],
  ['an armour with half of its content', () => signed.split('\n').filter((_, line) => line !== 3 && line !== 4).join('\n'), {}, /cut off|does not match/],
  ['an armour with something else in it', () => signed.replace(/\n.*\n/, '\nAAAA\n'), {}, /no SSH signature|does not match/],
  ['an armour with CRLF', () => signed.replaceAll('\n', '\r\n'), {}, /signature has carriage returns/],
  ['a text that got CRLF on its way', () => signed, { text: TEXT.replaceAll('\n', '\r\n') }, /does not match the text: it has carriage returns/],
  ['another text', () => signed, { text: TEXT.replace('ch-7k2m', 'ch-7k2n') }, /does not match the text/],
  ['a text without its last line feed', () => signed, { text: TEXT.trimEnd() }, /does not match the text/],
  ['a text too long to read', () => signed, { text: 'x'.repeat(MAX_SIGNED_TEXT + 1) }, /more than 8192 bytes/],
  ['a signature too long to read', () => signed + ' '.repeat(9000), {}, /more than 8192 characters/],
  ['a signature for another purpose', () => signText(keys.alice.file, 'runbook.request', TEXT), {}, /another purpose: expected namespace runbook\.approval, got runbook\.request/],
  ['a key nobody has', () => signText(keys.mallory.file, NS, TEXT), {}, /nobody here has the key SHA256:/],
  ['a key of two people', () => signed, { signers: signersSchema.parse({ people: { alice: { keys: [{ key: keys.alice.line }] }, bob: { keys: [{ key: keys.alice.line }] } } }) }, /stands under alice and bob/],
  ['a removed person', () => signed, { signers: signersSchema.parse({}) }, /nobody here has the key/],
  ['a key not yet valid', () => signed, { signers: signersOf({ validFrom: '2025-11-22T11:32:09Z' }) }, /not valid before/],
  ['an expired key', () => signed, { signers: signersOf({ validUntil: '2025-11-22T11:32:08Z' }) }, /expired/],
  ['a revoked key', () => signed, { signers: signersOf({ revoked: '2025-11-22T11:32:08Z' }) }, /revoked/],
  ['a compromised key, whenever it signed', () => signed, { signers: signersOf({ compromised: true }) }, /compromised/],
  ['no time', () => signed, { t: 'soon' }, /without a time/],
];
for (const [what, make, more, reason] of refused) {
  test(`${what} is invalid, for a reason of its own`, async () => {
    const verdict = await judge(await make(), more);
    assert.equal(verdict.valid, false);
    assert.match(verdict.reason, reason);
  });
}

test('who is refused for their key is still named', async () => {
  const { person, signer } = await judge(signed, { signers: signersOf({ compromised: true }) });
  assert.equal(person, 'alice');
  assert.match(signer!, /^alice /);
});

test('a key counts from its first instant up to, and not at, its last, to the millisecond', async () => {
  const at = async (t: string) => (await judge(signed, { t, signers: signersOf({ validFrom: '2025-11-22T11:00:00Z', validUntil: '2025-11-22T12:00:00Z' }) })).valid;
  assert.deepEqual(await Promise.all(['2025-11-22T10:59:59.999Z', '2025-11-22T11:00:00.000Z', '2025-11-22T11:59:59.999Z', '2025-11-22T12:00:00.000Z'].map(at)), [false, true, true, false]);
});

test('a certificate is refused, although it has the fingerprint of the key inside', async () => {
  const ca = path.join(folder, 'ca');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ca]);
  execFileSync('ssh-keygen', ['-q', '-s', ca, '-I', 'x', '-n', 'alice', `${keys.alice.file}.pub`], { stdio: 'ignore' });
  const byCertificate = await signText(`${keys.alice.file}-cert.pub`, NS, TEXT);
  const verdict = await judge(byCertificate);
  assert.deepEqual([verdict.valid, verdict.person], [false, null]);
  assert.match(verdict.reason, /certificate/);
});

test('what ssh-keygen could not be asked is "could not tell", in either way, and leaves nothing behind', async () => {
  const scratch = path.join(folder, 'scratch');
  const before = process.env['TMPDIR'];
  try {
    process.env['TMPDIR'] = path.join(folder, 'not', 'there');
    for (const ask of [() => judge(signed), async () => judgeSignatureSync({ signers: signersOf(), namespace: NS, text: TEXT, signature: signed, t: T })]) {
      const error = await ask().then(() => assert.fail('it was judged'), (caught: unknown) => caught);
      assert.ok(error instanceof ApplicationFailure, String(error));
      assert.deepEqual([error.type, error.nonRetryable], ['SignaturesUnavailable', false]);
    }
    mkdirSync(scratch);
    process.env['TMPDIR'] = scratch;
    await Promise.all([judge(signed), judge('garbage'), judge(signed, { text: 'other\n' })]);
    judgeSignatureSync({ signers: signersOf(), namespace: NS, text: TEXT, signature: signed, t: T });
    assert.deepEqual(readdirSync(scratch), []);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
});

test('ssh-keygen is found by an absolute path, whatever PATH says', () => {
  assert.ok(path.isAbsolute(findSshKeygen('')));
  assert.ok(path.isAbsolute(findSshKeygen('.:bin')));
});

test('a host makes a key of its own, for itself alone, and signs with it; a second one is not made over it', async () => {
  const file = path.join(folder, 'agent-key');
  const line = await makeKey(file, 'web-01');
  assert.match(line, /^ssh-ed25519 \S+ web-01$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { fingerprint } = await keyOfSignature({ namespace: 'runbook.verdict', text: 'yes\n', signature: await signText(file, 'runbook.verdict', 'yes\n') });
  assert.match(fingerprint!, /^SHA256:/);
  await assert.rejects(makeKey(file, 'again'), /making the key/);
  assert.equal(readFileSync(`${file}.pub`, 'utf8').trim(), line);
});

test('a key with a passphrase is not waited for', async () => {
  const { locked } = makePeople(folder, ['locked'] as const, { passphrase: 'secret' });
  await assert.rejects(signText(locked.file, NS, TEXT), /signing with .*passphrase/);
});
