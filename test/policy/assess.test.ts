import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { causeOf, causesOf, decideFallback, judgeLock, refusedPins, remedyOfPin, restrictToHashes, unansweredVerdict } from '../../policy/assess.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { Interpreter, LockVerdict, PinVerdict } from '../../policy/model.js';
import { parsePylock, type Pylock } from '../../policy/pylock.js';
import { interpreterOf } from '../support/interpreter.js';

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures');
const read = (line: string): Pylock => parsePylock(readFileSync(path.join(fixtures, `pylock.py${line}.toml`), 'utf8'));
const policy = policyFileSchema.parse({});
const HASH = 'a'.repeat(64);

const on311 = judgeLock(read('311'), interpreterOf({ version: '3.11.7' }));
const on312 = judgeLock(read('312'), interpreterOf({ version: '3.12.1' }));
const on313 = judgeLock(read('313'), interpreterOf({ version: '3.13.0' }));

test('PV-16, PV-17: a real lock of 2023 misses nothing on 3.11, three wheels on 3.12, seven on 3.13', () => {
  assert.deepEqual(on311.missing, []);
  assert.deepEqual(on312.missing, ['greenlet', 'numpy', 'pandas']);
  assert.deepEqual(on313.missing, ['coverage', 'greenlet', 'markupsafe', 'numpy', 'pandas', 'pydantic-core', 'rpds-py']);
  for (const verdict of [on311, on312, on313]) assert.equal(verdict.pins.length, 41);
});

test('PV-20: every wheel of a verdict is a file of the lock, by name and hash', () => {
  const files = new Set(read('311').packages.flatMap((it) => it.wheels.map((file) => `${it.project} ${file.name} ${file.sha256}`)));
  for (const pin of on311.pins) assert.ok(files.has(`${pin.project} ${pin.file?.name} ${pin.file?.sha256}`), pin.project);
  const numpy = on311.pins.find((it) => it.project === 'numpy')!;
  assert.equal(numpy.file!.name, 'numpy-1.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl');
});

/** A lock of one package, with wheels of the given names. */
function lockOf(wheels: string[], rest: { sdist?: boolean; requires?: string; lockRequires?: string; marker?: string; wheelRequires?: string } = {}): Pylock {
  const file = (name: string) => ({ name, sha256: HASH, requiresPython: rest.wheelRequires ?? null });
  const one = { project: 'foo', version: '1.0', marker: rest.marker ?? null, requiresPython: rest.requires ?? null, wheels: wheels.map(file), sdist: rest.sdist ? file('foo-1.0.tar.gz') : null };
  return { packages: [one], defaultGroups: [], requiresPython: rest.lockRequires ?? null, problems: [] };
}

const pinOf = (lock: Pylock, target: Interpreter = interpreterOf()): PinVerdict => judgeLock(lock, target).pins[0]!;

test('each pin has one verdict, with the reason', () => {
  assert.equal(pinOf(lockOf(['foo-1.0-py3-none-any.whl'])).verdict, 'wheel');
  assert.equal(pinOf(lockOf([], { sdist: true })).verdict, 'sdist-only');
  assert.equal(pinOf(lockOf(['foo-1.0-cp311-cp311-win_amd64.whl'])).verdict, 'no-wheel');
  assert.match(pinOf(lockOf(['foo-1.0-cp311-cp311-win_amd64.whl'])).why, /no wheel for Python 3\.12\.1 on linux x86_64; wheels are for cp311-cp311-win_amd64/);
  for (const lock of [lockOf(['foo-1.0-py3-none-any.whl'], { requires: '>=3.13' }), lockOf(['foo-1.0-py3-none-any.whl'], { lockRequires: '<3.12' }), lockOf(['foo-1.0-py3-none-any.whl'], { wheelRequires: '<3.12' })]) {
    assert.deepEqual([pinOf(lock).verdict, pinOf(lock).file], ['requires-python', null]);
  }
});

test('Requires-Python is read per file: the next best wheel is taken', () => {
  const lock = lockOf(['foo-1.0-cp312-cp312-linux_x86_64.whl', 'foo-1.0-py3-none-any.whl']);
  lock.packages[0]!.wheels[0]!.requiresPython = '<3.12';
  assert.equal(pinOf(lock).file!.name, 'foo-1.0-py3-none-any.whl');
});

test('Requires-Python is asked with the release alone, as pip does', () => {
  const candidate = interpreterOf({ version: '3.14.0rc1' });
  assert.equal(pinOf(lockOf(['foo-1.0-py3-none-any.whl'], { requires: '>=3.14' }), candidate).verdict, 'wheel');
  assert.equal(pinOf(lockOf(['foo-1.0-py3-none-any.whl'], { requires: '<3.14' }), candidate).verdict, 'requires-python');
});

test('a wheel of another project or version never stands for a pin', () => {
  assert.equal(pinOf(lockOf(['bar-1.0-py3-none-any.whl', 'foo-1.1-py3-none-any.whl'])).verdict, 'no-wheel');
  assert.equal(pinOf(lockOf(['foo-1.0.0-py3-none-any.whl'])).verdict, 'wheel');
});

test('pins of other platforms are left out; those that can not be told stay', () => {
  assert.equal(judgeLock(lockOf([], { marker: 'sys_platform == "win32"' }), interpreterOf()).pins.length, 0);
  assert.equal(judgeLock(lockOf([], { marker: 'platform_release == "9"' }), interpreterOf()).pins.length, 1);
});

test('only files the lock approved by hash count', () => {
  const lock = lockOf(['foo-1.0-py3-none-any.whl']);
  assert.equal(pinOf(restrictToHashes(lock, [{ project: 'foo', version: '1.0', hashes: [`sha256:${HASH}`] }])).verdict, 'wheel');
  assert.equal(pinOf(restrictToHashes(lock, [{ project: 'foo', version: '1.0', hashes: [] }])).verdict, 'wheel');
  assert.equal(pinOf(restrictToHashes(lock, [{ project: 'foo', version: '1.0', hashes: [`sha256:${'b'.repeat(64)}`] }])).verdict, 'no-wheel');
});

// What uv 0.13.8 printed for pins it could not find.
const UV_NO_VERSION = 'error: No solution found when resolving dependencies\n  cause: Because there is no version of numpy==1.99.9 and you require numpy==1.99.9, we can conclude that your requirements are unsatisfiable.\n';
const UV_NO_PROJECT = 'error: No solution found when resolving dependencies\n  cause: Because nopkg-zzz-qq was not found in the package registry and you require nopkg-zzz-qq==1.0, we can conclude that your requirements are unsatisfiable.\n';
const UV_PYTHON = "error: No solution found when resolving dependencies for split (markers: python_full_version == '3.11.*')\n  cause: Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and numpy==2.5.5 depends on Python>=3.12, we can conclude that numpy==2.5.5 cannot be used.\n         And because only numpy<=2.5.5 is available and you require numpy==2.5.5, we can conclude that your requirements are unsatisfiable.\n";
const UV_FORBIDDEN = 'error: No solution found when resolving dependencies\n  cause: Because flask was not found in the package registry and you require flask, we can conclude that your requirements are unsatisfiable.\n\nhint: An index (http://127.0.0.1:8/403) returned a 403 Forbidden error. Check that the index URL is correct and the credentials are valid.\n';
const UV_REFUSED = 'error: Failed to fetch: http://127.0.0.1:9/simple/flask/\n  cause: error sending request for url (http://127.0.0.1:9/simple/flask/)\n  cause: client error (Connect)\n  cause: tcp connect error\n  cause: Connection refused (os error 111)\n';
const pins = [{ project: 'numpy', version: '1.99.9' }, { project: 'nopkg-zzz-qq', version: '1.0' }, { project: 'flask', version: '2.3.2' }];

test('pins uv names are taken out with a verdict of their own', () => {
  assert.deepEqual(refusedPins(UV_NO_VERSION, pins).map((it) => [it.project, it.version, it.verdict]), [['numpy', '1.99.9', 'version-not-found']]);
  assert.deepEqual(refusedPins(UV_NO_PROJECT, pins).map((it) => [it.project, it.verdict]), [['nopkg-zzz-qq', 'project-not-found']]);
  const [excluded] = refusedPins(UV_PYTHON, [{ project: 'numpy', version: '2.5.5' }]);
  assert.deepEqual([excluded!.verdict, excluded!.cause], ['requires-python', 'python-version-mismatch']);
  const merged = judgeLock(lockOf(['foo-1.0-py3-none-any.whl']), interpreterOf(), refusedPins(UV_NO_VERSION, pins));
  assert.deepEqual([merged.pins.map((it) => it.project), merged.missing], [['foo', 'numpy'], ['numpy']]);
});

test('an index that refuses or can not be reached is never "not found"', () => {
  assert.deepEqual(refusedPins(UV_FORBIDDEN, pins), []);
  assert.deepEqual(refusedPins(UV_REFUSED, pins), []);
  assert.deepEqual(refusedPins('', pins), []);
  assert.deepEqual(refusedPins(UV_NO_VERSION, [{ project: 'other', version: '1' }]), []);
});

const primary = { ...on312 };
const fallback = { ...on311, version: '3.11.13' };
const decide = (own: LockVerdict, other: LockVerdict) => decideFallback({ primary: own, fallback: other, policy });
const healthy: LockVerdict = { ...on311, version: '3.12.1' };
const silent = (version: string): LockVerdict => unansweredVerdict(version, 'NET_REFUSED', 'Connection refused (os error 111)');

test('WF-12: wheels missing for the primary and there for the fallback: fallback, core packages named first', () => {
  const answer = decide(primary, fallback);
  assert.deepEqual([answer.decision, answer.affected], ['fallback', ['numpy', 'pandas', 'greenlet']]);
  assert.equal(answer.text, '3 of 41 packages have no wheel for Python 3.12.1: numpy, pandas, greenlet; Python 3.11.13 has all 41');
});

test('WF-13: a healthy primary needs no fallback, whatever the fallback is', () => {
  for (const other of [fallback, silent('3.11.13'), { ...on313, version: '3.11.13' }]) assert.equal(decide(healthy, other).decision, 'not-needed');
});

test('a fallback that misses wheels itself is impossible, and says which', () => {
  const answer = decide(primary, { ...on313, version: '3.11.13' });
  assert.equal(answer.decision, 'impossible');
  assert.match(answer.text, /Python 3\.11\.13 has none for numpy, pandas, coverage/);
});

test('a network error is never "no wheel": it could not be told', () => {
  assert.equal(decide(silent('3.12.1'), fallback).decision, 'could-not-tell');
  assert.equal(decide(primary, silent('3.11.13')).decision, 'could-not-tell');
  assert.match(decide(silent('3.12.1'), fallback).text, /NET_REFUSED: Connection refused/);
  const unknown: PinVerdict = { project: 'scipy', version: '1', verdict: 'index-error', file: null, why: 'timed out' };
  assert.equal(decide({ ...healthy, pins: [...healthy.pins, unknown] }, fallback).decision, 'could-not-tell');
  assert.equal(decide(primary, { ...fallback, pins: [...fallback.pins, unknown] }).decision, 'could-not-tell');
  assert.equal(decide({ ...primary, pins: [...primary.pins, unknown] }, fallback).decision, 'fallback', 'a wheel known to be missing stays missing');
  assert.equal(decide({ ...healthy, pins: [] }, fallback).decision, 'could-not-tell', 'no pin judged proves nothing');
});

test('WF-10: broken imports of locked packages are told, and do not make another interpreter the cure', () => {
  const failures = [{ module: 'pandas.core', error: 'x', class: 'IMPORT_ABI' as const }, { module: 'scipy', error: 'x', class: 'IMPORT_INCOMPATIBLE' as const }];
  const answer = decideFallback({ primary: healthy, fallback, policy, imports: { ok: false, passed: 0, total: 2, failures } });
  assert.equal(answer.decision, 'not-needed');
  assert.match(answer.text, /but pandas\.core did not import in the live environment/);
  assert.doesNotMatch(answer.text, /scipy/, 'not in the lock');
});

test('WF-01: the four causes are told apart, and nothing else gets one', () => {
  assert.equal(causeOf(pinOf(lockOf(['foo-1.0-cp312-cp312-manylinux_2_17_aarch64.whl']))), 'architecture-incompatibility');
  assert.equal(causeOf(pinOf(lockOf(['foo-1.0-cp312-cp312-musllinux_1_1_x86_64.whl']))), 'architecture-incompatibility');
  assert.equal(causeOf(pinOf(lockOf(['foo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl']))), 'python-version-mismatch');
  assert.equal(causeOf(pinOf(lockOf(['foo-1.0-py3-none-any.whl'], { requires: '<3.12' }))), 'python-version-mismatch');
  assert.equal(causeOf('BUILD'), 'missing-system-dependency');
  assert.equal(causeOf('IMPORT_NATIVE'), 'missing-system-dependency');
  assert.equal(causeOf('WHEEL_CORRUPT'), 'corrupted-cache');
  for (const failure of ['HASH_MISMATCH', 'NET_REFUSED', 'CONFLICT', 'DISK_FULL', 'UNKNOWN'] as const) assert.equal(causeOf(failure), null, failure);
  const sourceOnly = pinOf(lockOf([], { sdist: true }));
  assert.equal(causeOf(sourceOnly), null, 'no wheel anywhere says nothing about the version');
  assert.equal(causeOf(sourceOnly, [pinOf(lockOf(['foo-1.0-py3-none-any.whl']))]), 'python-version-mismatch', 'another interpreter has one');
});

test('WF-01: causes of a whole verdict; a resolver that lists no file for a version needs the other verdict', () => {
  assert.deepEqual(causesOf(on312, on311), { greenlet: 'python-version-mismatch', numpy: 'python-version-mismatch', pandas: 'python-version-mismatch' });
  assert.deepEqual(causesOf(on311, on312), {});
});

test('every verdict but a wheel has a way out', () => {
  for (const pin of on313.pins) assert.equal(remedyOfPin(pin) === 'nothing to do', pin.verdict === 'wheel');
});
