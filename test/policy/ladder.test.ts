import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildablePins, buildObstacle, installableSubset, lockDiff, nextRungs, proposalText } from '../../policy/ladder.js';
import type { LockProposal, LockVerdict, PinVerdict } from '../../policy/model.js';

const pin = (project: string, verdict: PinVerdict['verdict'], rest: Partial<PinVerdict> = {}): PinVerdict => ({
  project, version: '1.0', verdict, file: verdict === 'wheel' ? { name: `${project}-1.0-py3-none-any.whl`, sha256: 'a'.repeat(64) } : null, why: `why ${project}`, ...rest,
});
const verdict = (pins: PinVerdict[], rest: Partial<LockVerdict> = {}): LockVerdict => ({
  version: '3.11.13', pins, missing: pins.filter((one) => one.verdict !== 'wheel' && one.verdict !== 'index-error').map((one) => one.project), error: null, durationMs: 1, ...rest,
});
const both = { hasBuilder: true, build: 'builder' } as const;
const rungs = (verdicts: LockVerdict[], terms: Parameters<typeof nextRungs>[1] = both): string[] => nextRungs(verdicts, terms).map(({ rung }) => rung);

test('WF-36: what installs, what does not, and who lacks what', () => {
  const subset = installableSubset(verdict([pin('Pandas', 'wheel'), pin('numpy', 'sdist-only'), pin('app_x', 'wheel'), pin('six', 'wheel'), pin('late', 'index-error')]), { PANDAS: ['NumPy', 'six'], 'App.X': ['pandas'], six: [] });
  assert.deepEqual(subset.installable, [{ project: 'app-x', version: '1.0' }, { project: 'pandas', version: '1.0' }, { project: 'six', version: '1.0' }]);
  assert.deepEqual(subset.missing, [{ project: 'numpy', version: '1.0', why: 'why numpy' }]);
  assert.deepEqual(subset.unanswered, ['late'], 'no answer is neither');
  assert.deepEqual(subset.broken, [{ project: 'app-x', lacks: ['numpy'] }, { project: 'pandas', lacks: ['numpy'] }], 'through others too');
  assert.equal(installableSubset(verdict([pin('a', 'wheel')]), { a: ['b'], b: ['a'] }).broken.length, 0, 'a circle ends');
});

test('DEF-07: the list of installable packages is name==version, normalised and sorted, and never empty by its spelling', () => {
  const { text } = installableSubset(verdict([pin('Zope.Interface', 'wheel'), pin('PyYAML', 'wheel', { version: '6.0' }), pin('gone', 'no-wheel')]));
  assert.equal(text, 'pyyaml==6.0\nzope-interface==1.0\n');
});

test('DEF-09: two locks differ by normalised name and version, not by how they are written', () => {
  const same = lockDiff([{ project: 'Flask_X', version: '1.0' }, { project: 'b', version: '2' }], [{ project: 'flask.x', version: '1.0.0' }, { project: 'B', version: '2.0' }]);
  assert.deepEqual(same, { changes: [], lines: [] });
  const { changes, lines } = lockDiff([{ project: 'numpy', version: '1.25.2' }, { project: 'old', version: '1' }, { project: 'kept', version: '1' }], [{ project: 'kept', version: '1' }, { project: 'NumPy', version: '2.1.0' }, { project: 'new', version: '3' }]);
  assert.deepEqual(changes, [{ project: 'new', from: '', to: '3' }, { project: 'numpy', from: '1.25.2', to: '2.1.0' }, { project: 'old', from: '1', to: '' }]);
  assert.deepEqual(lines, ['+new==3', '-numpy==1.25.2', '+numpy==2.1.0', '-old==1']);
  assert.deepEqual(lockDiff([{ project: 'a', version: '2' }, { project: 'a', version: '1' }], [{ project: 'a', version: '1' }]).changes, [{ project: 'a', from: '1 | 2', to: '1' }], 'pins for several markers');
});

test('WF-68: wheels first; source only for the pins that have none', () => {
  const missing = verdict([pin('pure', 'wheel'), pin('numpy', 'sdist-only', { cause: 'python-version-mismatch', hashes: ['sha256:ab'] }), pin('docopt', 'sdist-only'), pin('binary-only', 'no-wheel')]);
  assert.deepEqual(buildablePins(missing), [{ project: 'numpy', version: '1.0', hashes: ['sha256:ab'], native: true }, { project: 'docopt', version: '1.0' }]);
  assert.deepEqual(rungs([missing, verdict([pin('pure', 'wheel')])]), ['wheels'], 'any interpreter that has all needs no more');
  assert.deepEqual(rungs([missing]), ['subset', 'source-one', 'source-all', 'verified-pins', 'known-good', 'relock', 'bump']);
});

test('WF-37, WF-38: source builds are a rung only where the policy allows them, a builder is there, and a source release exists', () => {
  const source = verdict([pin('numpy', 'sdist-only')]);
  const none = verdict([pin('numpy', 'no-wheel')]);
  for (const [of, terms, words] of [
    [source, { hasBuilder: true, build: 'never' }, /build: never/],
    [source, { hasBuilder: false, build: 'builder' }, /wheelhouse/],
    [none, both, /source release/],
  ] as const) {
    assert.ok(!rungs([of], terms).some((rung) => rung.startsWith('source')));
    assert.ok(rungs([of], terms).includes('relock'));
    assert.match(buildObstacle(of, terms)!, words);
  }
  assert.equal(buildObstacle(source, both), null);
});

test('a question without an answer leaves no rung, and each rung says why', () => {
  assert.deepEqual(rungs([]), []);
  assert.deepEqual(rungs([verdict([], { error: { class: 'NET_REFUSED', text: 'refused' } })]), []);
  assert.deepEqual(rungs([verdict([pin('a', 'index-error')])]), []);
  assert.deepEqual(rungs([verdict([pin('a', 'no-wheel'), pin('b', 'wheel')], { error: { class: 'HASH_MISMATCH', text: 'x' } })]), []);
  for (const { why, rung } of nextRungs([verdict([pin('numpy', 'sdist-only'), pin('b', 'wheel')])], both)) assert.ok(why.length > 20, rung);
});

test('DIS-20, WF-40: a proposal says that it deviates, in what, and how it went', () => {
  const proposal: LockProposal = {
    rung: 'known-good', interpreter: '3.11.13', changes: [{ project: 'numpy', from: '1.25.2', to: '1.26.2' }, { project: 'extra', from: '', to: '1' }], lock: 'x', lockSha256: 'c'.repeat(64),
    tried: { installed: true, imports: { passed: 2, total: 3 }, problem: 'pandas does not import: https://user:secret@host/ \u0007' }, deviation: true,
  };
  const text = proposalText(proposal);
  assert.match(text, /known-good pins of the policy, for Python 3\.11\.13: deviates from the lock in 2 pins; needs the approval/);
  assert.match(text, /\n {2}\+extra==1|\n {2}-numpy==1\.25\.2\n {2}\+numpy==1\.26\.2/);
  assert.match(text, /2 of 3 modules imported; pandas does not import/);
  assert.doesNotMatch(text, /secret|\u0007/);
  assert.match(proposalText({ ...proposal, changes: [], lock: '', lockSha256: '', tried: { installed: false, imports: { passed: 0, total: 0 }, problem: 'no' } }), /no such lock was found\ntried: not installed; no\n$/);
});
