import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { canonicalJson, digestOf, sha256Hex } from '../../../policy/canonical.js';
import { parsePolicy } from '../../../policy/files/load.js';
import { policyText } from '../../../policy/signed-texts.js';
import { signingPlace, type Name, type SigningPlace } from '../../support/signing-place.js';

const SIGNED = { policyRevision: { signed: true } };
const revision = (version: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({ header: { version }, ...SIGNED, ...more });

/** Digest of what stands in the policy file, in force or not. */
function digestInFile({ policyFile }: SigningPlace): string {
  const loaded = parsePolicy(readFileSync(policyFile, 'utf8'), policyFile);
  assert.ok('digest' in loaded);
  return loaded.digest;
}

/** Signs what stands in the file, as `runbook policy sign` does. */
async function signRevision(place: SigningPlace, version: string, replaces: string | null, signers: Name[], digest = digestInFile(place)): Promise<void> {
  const signatures = await Promise.all(signers.map((name) => place.sign(name, 'runbook.policy', policyText(version, digest, replaces))));
  writeFileSync(`${place.policyFile}.signatures`, JSON.stringify({ revision: version, digest, replaces, signatures }));
}

/** Asked anew each time: what was found about a revision is remembered for ten seconds. */
const versionOf = (place: SigningPlace): string => place.reopen().current().policy.header.version;
function problemOf(place: SigningPlace): string {
  const problem = place.reopen().problem();
  return problem ? `${problem.what}: expected ${problem.expected}, got ${problem.got}. ${problem.wayOut}` : 'none';
}

test('the first policy is taken as it is, and another one too where the policy does not want its revisions signed', (t) => {
  const place = signingPlace(t, { header: { version: '1.0.0' } });
  assert.equal(versionOf(place), '1.0.0');
  place.write({ header: { version: '0.9' } });
  assert.equal(versionOf(place), '0.9');
  place.write(revision('2.0.0'));
  assert.equal(versionOf(place), '2.0.0');
  assert.equal(problemOf(place), 'none');
});

test('AP-11, PV-31: a revision comes into force with the signatures of architecture board and CAB, and not before', async (t) => {
  const place = signingPlace(t, revision('1.0.0'));
  const before = place.policies.current().digest;
  place.write(revision('1.1.0', { minimum: '3.12' }));
  assert.equal(versionOf(place), '1.0.0');
  assert.match(problemOf(place), /policy revision 1\.1\.0: signatures: expected signatures over it.*got none.*runbook policy sign; until then 1\.0\.0/);
  for (const signers of [['erin'], ['dave'], ['erin', 'erin'], ['alice', 'dave'], ['erin', 'frank']] as Name[][]) {
    await signRevision(place, '1.1.0', before, signers);
    assert.equal(versionOf(place), '1.0.0', signers.join());
    assert.match(problemOf(place), /1 of architecture-board, 1 of cab, of the people of revision 1\.0\.0/);
  }
  await signRevision(place, '1.1.0', before, ['carol', 'erin']);
  assert.equal(versionOf(place), '1.1.0', 'carol sits in both: erin takes the board');
  assert.equal(problemOf(place), 'none');
});

/** Each is signed by enough people, and still not taken. */
const refused: [string, (place: SigningPlace, before: string) => Promise<void>, RegExp][] = [
  ['that does not raise its version', async (place, before) => (place.write(revision('1.0.0', { minimum: '3.12' })), signRevision(place, '1.0.0', before, ['erin', 'dave'])), /header\.version: expected dotted numbers, higher than 1\.0\.0, got 1\.0\.0/],
  ['with a lower version', async (place, before) => (place.write(revision('0.9.9')), signRevision(place, '0.9.9', before, ['erin', 'dave'])), /higher than 1\.0\.0/],
  ['with a version that is no number', async (place, before) => (place.write(revision('next')), signRevision(place, 'next', before, ['erin', 'dave'])), /dotted numbers/],
  ['that follows another policy', async (place) => (place.write(revision('1.1.0')), signRevision(place, '1.1.0', 'ab'.repeat(32), ['erin', 'dave'])), /which replaces [0-9a-f]{12}, got .*which replaces abababababab/],
  ['that says it is the first', async (place) => (place.write(revision('1.1.0')), signRevision(place, '1.1.0', null, ['erin', 'dave'])), /replaces nothing/],
  ['changed after it was signed', async (place, before) => (place.write(revision('1.1.0')), await signRevision(place, '1.1.0', before, ['erin', 'dave']), place.write(revision('1.1.0', { minimum: '3.10' }))), /signatures over it as it stands/],
  ['signed by people it brings with it', async (place, before) => (place.write(revision('1.1.0', { roles: { cab: ['frank'], 'architecture-board': ['bob'] } })), signRevision(place, '1.1.0', before, ['frank', 'bob'])), /people of revision 1\.0\.0/],
  ['that asks for fewer signatures from now on', async (place, before) => (place.write({ header: { version: '1.1.0' }, policyRevision: { signed: true, stages: [{ role: 'cab', quorum: 1 }] } }), signRevision(place, '1.1.0', before, ['dave'])), /1 of architecture-board, 1 of cab/],
  ['that asks for none from now on', async (place) => place.write({ header: { version: '1.1.0' } }), /got none/],
  ['whose signatures can\'t be read', async (place) => (place.write(revision('1.1.0')), writeFileSync(`${place.policyFile}.signatures`, '{"signed": "yes"}')), /got none/],
  ['whose file is gone', async (place) => rmSync(place.policyFile), /got none|dotted numbers/],
  ['that is no policy', async (place) => writeFileSync(place.policyFile, 'hostClasses: 7\n'), /hostClasses/],
];
for (const [what, change, pattern] of refused) {
  test(`a revision ${what} is not taken; the policy before stays in force, also over a restart`, async (t) => {
    const place = signingPlace(t, revision('1.0.0'));
    const before = place.policies.current();
    await change(place, before.digest);
    assert.match(problemOf(place), pattern);
    assert.equal(place.reopen().current().digest, before.digest);
    assert.deepEqual(place.reopen().pinned(before.digest), before.policy);
    assert.deepEqual(readdirSync(place.policiesDir).filter((name) => /^[0-9a-f]{64}\.json$/.test(name)), [`${before.digest}.json`], 'what is not in force is not kept as if it had been');
  });
}

test('a signature with a compromised or expired key counts under no revision', async (t) => {
  const place = signingPlace(t, {});
  place.write(revision('1.0.0'), (name) => (name === 'erin' ? { validUntil: '2030-01-01T00:00:00Z' } : name === 'dave' ? { compromised: true } : {}));
  const before = place.policies.current().digest;
  place.write(revision('1.1.0'));
  await signRevision(place, '1.1.0', before, ['erin', 'dave']);
  assert.match(problemOf(place), /dave's key .* is marked compromised/);
  await signRevision(place, '1.1.0', before, ['erin', 'alice']);
  const late = place.reopen(() => new Date('2030-01-01T00:00:00Z'));
  assert.match(late.problem()!.got, /erin's key .* expired/);
  assert.equal(versionOf(place), '1.1.0');
});

test('a revision that could not be judged is not taken, and is judged again', async (t) => {
  const place = signingPlace(t, revision('1.0.0'));
  const before = place.policies.current().digest;
  place.write(revision('1.1.0'));
  await signRevision(place, '1.1.0', before, ['erin', 'dave']);
  let now = Date.parse('2025-11-22T12:00:00Z');
  const store = place.reopen(() => new Date(now));
  const scratch = process.env['TMPDIR'];
  try {
    process.env['TMPDIR'] = '/not/there';
    assert.equal(store.current().digest, before);
    assert.match(store.problem()!.got, /can't be judged now/);
  } finally {
    if (scratch === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = scratch;
  }
  now += 10_000;
  assert.equal(store.problem(), null);
  assert.equal(store.current().policy.header.version, '1.1.0');
});

test('the policy in force that is not kept any more is an error, and no reason to take what stands in the file', (t) => {
  const place = signingPlace(t, revision('1.0.0'));
  const { digest } = place.policies.current();
  place.write(revision('1.1.0'));
  rmSync(path.join(place.policiesDir, `${digest}.json`));
  assert.throws(() => place.reopen().current(), (error: unknown) => error instanceof ApplicationFailure && error.type === 'PolicyUnknown' && !error.nonRetryable && /backup/.test(error.message));
  writeFileSync(path.join(place.policiesDir, `${digest}.json`), canonicalJson({ header: { version: '9' } }));
  assert.throws(() => place.reopen().current(), /not among the policies kept/);
});

test('the signatures under a policy are kept with it, and later ones join', async (t) => {
  const place = signingPlace(t, { header: { version: '1.0.0' } });
  const { digest } = place.policies.current();
  assert.equal(place.policies.signedRevision(digest), null);
  await signRevision(place, '1.0.0', null, ['erin']);
  assert.equal(place.policies.signedRevision(digest)?.signatures.length, 1);
  await signRevision(place, '1.0.0', null, ['erin', 'dave']);
  place.policies.current();
  place.write({ header: { version: '1.1.0' } });
  place.policies.current();
  const kept = place.reopen().signedRevision(digest);
  assert.deepEqual([kept?.revision, kept?.signatures.length, sha256Hex(kept!.content)], ['1.0.0', 2, digest]);
  assert.equal(place.policies.signedRevision(digestInFile(place)), null, 'the new one is signed by nobody');
});

/** A policy as the release before wrote it: without the fields of this one. */
function keepOld({ policiesDir, policies }: SigningPlace): { old: string; raw: Record<string, unknown> } {
  const { exception: _exception, approval: _approval, timeline: _timeline, calendar: _calendar, interpreterChange: _change, ...raw } = policies.current().policy;
  const old = digestOf(raw);
  writeFileSync(path.join(policiesDir, `${old}.json`), JSON.stringify(raw));
  return { old, raw };
}

test('a policy that an earlier release kept still serves the runs it is pinned to, with defaults for what came later', (t) => {
  const place = signingPlace(t, { header: { version: '1.0.0' } });
  const { old } = keepOld(place);
  const policy = place.reopen().pinned(old);
  assert.equal(policy.header.version, '1.0.0');
  assert.deepEqual(policy.exception, place.policies.current().policy.exception);
  assert.equal(place.reopen().isCurrent(old), true, 'it is the policy in force, as that release wrote it');
  assert.equal(place.reopen().isCurrent('ab'.repeat(32)), false);
  place.write({ header: { version: '1.0.1' } });
  assert.equal(place.reopen().isCurrent(old), false);
  assert.equal(place.reopen().pinned(old).header.version, '1.0.0');
});

test('a release that adds fields makes no new revision of a signed policy: nobody has to sign for an upgrade', (t) => {
  const place = signingPlace(t, revision('1.0.0'));
  const { old } = keepOld(place);
  writeFileSync(path.join(place.policiesDir, 'current'), `${old}\n`);
  assert.equal(place.reopen().current().digest, digestInFile(place));
  assert.equal(problemOf(place), 'none');
  assert.equal(place.reopen().signedRevision(old), null);
});

test('an unknown digest is refused for good, with why the newest is not in force', (t: TestContext) => {
  const place = signingPlace(t, revision('1.0.0'));
  place.policies.current();
  place.write(revision('1.1.0'));
  const digest = digestInFile(place);
  assert.throws(() => place.reopen().pinned(digest), (error: unknown) => error instanceof ApplicationFailure && error.nonRetryable === true && /unknown policy digest/.test(error.message) && /signatures/.test(error.message));
  assert.throws(() => place.reopen().pinned('../../etc/passwd'), /unknown policy digest/);
});
