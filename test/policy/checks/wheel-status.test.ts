import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EnvironmentFacts, LockFacts } from '../../../policy/checks/facts.js';
import { wheelStatus } from '../../../policy/checks/wheel-status.js';
import { goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const judged = (overrides: Partial<EnvironmentFacts>) => wheelStatus.judge(goodFacts(overrides), rules());
const withLock = (overrides: Partial<LockFacts>, more: Partial<EnvironmentFacts> = {}) => judged({ lock: goodLock(overrides), ...more });
/** An environment of other hands: repaired in place. */
const byHand = { virtual: { ...goodFacts().virtual!, path: '/srv/pricer/.venv' } };

test('PF-10: a lock that is not there fails, and freezing is the remedy', () => {
  const gone = withLock({ exists: false, bytes: 0, ageSeconds: null, sha256: null, pins: unmeasured('no such file') }, byHand);
  assert.equal(gone.status, 'fail');
  assert.deepEqual(gone.lines, ['there is no requirements.lock']);
  assert.equal(gone.remedy, '/srv/pricer/.venv/bin/python -m pip freeze > /srv/pricer/requirements.lock');
});

test('PF-10: an empty lock fails', () => {
  const empty = withLock({ bytes: 0, pins: measured([]) });
  assert.equal(empty.status, 'fail');
  assert.deepEqual(empty.lines, ['requirements.lock is empty']);
  assert.match(empty.remedy!, /^python3 -m pip --python \/srv\/pricer\/\.venv\/bin\/python freeze > /);
});

test('PF-11: from exactly 86400 s on the lock is stale, which warns and does not fail', () => {
  for (const [ageSeconds, status] of [[0, 'pass'], [86_399, 'pass'], [86_400, 'warn'], [86_401, 'warn'], [1e9, 'warn']] as const) {
    assert.equal(withLock({ ageSeconds }).status, status, String(ageSeconds));
  }
  assert.equal(withLock({ ageSeconds: 86_400 }).lines[0], 'requirements.lock is 24 h old; it is stale from 24 h on');
  assert.match(withLock({ ageSeconds: 86_400 }).remedy!, /^touch \/srv\/pricer\/requirements\.lock #/);
});

test('PF-11: a lock from the future is no young lock', () => {
  assert.equal(withLock({ ageSeconds: -60 }).status, 'warn');
});

test('PF-12: a package that differs fails, is listed, and reinstalling and freezing are the remedies', () => {
  const other = judged({ ...byHand, packages: measured([{ name: 'pandas', version: '2.2.2' }]) });
  assert.equal(other.status, 'fail');
  assert.equal(other.lines[0], '5 differences between what is installed and the lock');
  assert.ok(other.lines.includes('pandas: expected 2.2.3, got 2.2.2'));
  assert.match(other.remedy!, /^\/srv\/pricer\/\.venv\/bin\/python -m pip install -r \/srv\/pricer\/requirements\.lock\n# or, .*pip freeze > /);
});

test('PF-12: a match is told with the number of packages, without the tools that installed them', () => {
  const { value } = goodFacts().packages as { value: { name: string; version: string }[] };
  assert.equal(judged({ packages: measured([...value, { name: 'pip', version: '24.0' }]) }).lines[0], 'what is installed is what requirements.lock pins, 5 packages');
});

test('PF-12: many differences are counted, and all of them are evidence', () => {
  const many = Array.from({ length: 60 }, (_, at) => ({ name: `extra${at}`, version: '1' }));
  const { lines, evidence } = judged({ packages: measured([...goodFacts().packages.ok ? (goodFacts().packages as { value: typeof many }).value : [], ...many]) });
  assert.ok(lines.includes('and 40 more'));
  assert.equal((evidence.differences as string[]).length, 60);
});

test('DEF-17: an age, packages or pins that could not be read are unknown', () => {
  assert.equal(withLock({ ageSeconds: null }).status, 'unknown');
  assert.equal(withLock({ ageSeconds: Number.NaN }).status, 'unknown');
  assert.equal(withLock({ pins: unmeasured('not UTF-8') }).status, 'unknown');
  assert.equal(judged({ packages: unmeasured() }).status, 'unknown');
});

test('a difference counts more than an age that could not be told; both are told', () => {
  const { status, lines } = withLock({ ageSeconds: null }, { packages: measured([]) });
  assert.equal(status, 'fail');
  assert.ok(lines.includes('the age of requirements.lock could not be told'));
});

test('a pylock is written and installed with a tool that reads it', () => {
  const { remedy } = withLock({ path: 'pylock.toml' }, { ...byHand, packages: measured([]) });
  assert.match(remedy!, /^uv pip sync --python \/srv\/pricer\/\.venv\/bin\/python \/srv\/pricer\/pylock\.toml\n/);
});

test('PF-12: a package that the lock does not name is taken out first, by its name alone; pip install would leave it', () => {
  const { value } = goodFacts().packages as { value: { name: string; version: string }[] };
  const extra = measured([...value, { name: 'Beta_Pkg', version: '1.0' }, { name: 'alpha', version: '2' }, { name: 'pip', version: '24.0' }, { name: '-r', version: '1' }]);
  const python = '/srv/pricer/.venv/bin/python';
  assert.deepEqual(judged({ ...byHand, packages: extra }).remedy!.split('\n').slice(0, 2), [`${python} -m pip uninstall -y alpha beta-pkg`, `${python} -m pip install -r /srv/pricer/requirements.lock`]);
  // What a run made is replaced; uv's sync removes by itself; nothing is taken out of the system's Python.
  for (const more of [{}, { ...byHand, lock: goodLock({ path: 'pylock.toml' }) }, { virtual: null, foundBy: 'PATH' as const, interpreter: goodInterpreter({ isVirtual: false }) }]) {
    assert.doesNotMatch(judged({ ...more, packages: extra }).remedy!, /uninstall/);
  }
});
