import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyFileSchema, type PolicyFile } from '../../policy/files/policy-file.js';
import { chooseInterpreter, classifyInterpreter, comparePython, matchesSpec, parsePythonVersion, supportedVersions } from '../../policy/versions.js';
import { interpreterOf } from '../support/interpreter.js';

const documents = policyFileSchema.parse({});

function policyOf(primary: string, fallback: string): PolicyFile {
  return policyFileSchema.parse({ interpreters: { primary: { version: primary, justification: 'tested' }, fallback: { version: fallback, justification: 'tested' } } });
}

const verdict = (version: string, policy = documents, allow = false): string => {
  const { role, reason } = classifyInterpreter(version, policy, allow);
  return reason === null ? role : `${role} ${reason}`;
};

test('DEF-03: versions are read with release level and serial, not compared as prefixes', () => {
  assert.deepEqual(parsePythonVersion('3.12.1'), { major: 3, minor: 12, patch: 1, level: 'final', serial: 0, development: false });
  assert.deepEqual(parsePythonVersion('3.13.0rc2'), { major: 3, minor: 13, patch: 0, level: 'candidate', serial: 2, development: false });
  assert.deepEqual(parsePythonVersion('3.14.0a1'), { major: 3, minor: 14, patch: 0, level: 'alpha', serial: 1, development: false });
  assert.deepEqual(parsePythonVersion('3.15.0b4+'), { major: 3, minor: 15, patch: 0, level: 'beta', serial: 4, development: true });
  assert.equal(parsePythonVersion('3.12.1+')?.development, true);
  assert.equal(parsePythonVersion('3.120.0')?.minor, 120);
  assert.equal(verdict('3.120.0'), 'prohibited not-yet-approved');
  assert.equal(matchesSpec('3.120.0', '3.12'), false);
  assert.equal(matchesSpec('3.12.10', '3.12.1'), false);
});

test('what is no full interpreter version is not one', () => {
  for (const text of ['', '3', '3.12', '3.12.x', 'v3.12.1', ' 3.12.1', '3.12.1\n', '3.12.1.2', '03.12.1', '3.12.01', '3.12.1c1', '3.12.1rc', '3.12.1-final', '3.12.0.rc1', '٣.12.1', '3.12.99999999999']) {
    assert.equal(parsePythonVersion(text), null, JSON.stringify(text));
  }
  assert.equal(verdict('3.12'), 'prohibited not-a-version');
  assert.match(classifyInterpreter('3.12', documents, false).text, /expected a full interpreter version like 3\.12\.1, got "3\.12"/);
});

test('PV-01: every final patch of the primary line is primary', () => {
  for (const version of ['3.12.0', '3.12.1', '3.12.99']) assert.equal(verdict(version), 'primary');
});

test('PV-02, DIS-01, DIS-02: the fallback is exactly the version listed, in every check', () => {
  assert.equal(verdict('3.11.13'), 'fallback');
  for (const version of ['3.11.9', '3.11.12', '3.11.14', '3.11.0']) assert.equal(verdict(version), 'prohibited not-listed');
  assert.equal(verdict('3.11.9', policyOf('3.12.x', '3.11.9')), 'fallback');
});

test('PV-03, PV-04: newer lines are not yet approved, older ones too old', () => {
  for (const version of ['3.13.0', '3.13.0rc1', '3.14.1', '4.0.0']) assert.equal(verdict(version), 'prohibited not-yet-approved');
  for (const version of ['3.10.13', '3.9.0', '2.7.18']) assert.equal(verdict(version), 'prohibited too-old');
  assert.match(classifyInterpreter('3.13.0', documents, false).text, /approved are 3\.12\.x \(primary\) and 3\.11\.13 \(fallback\)/);
});

test('PV-05: pre-releases and development builds are refused unless the host class allows them', () => {
  for (const version of ['3.12.0rc1', '3.12.0a7', '3.12.1+']) {
    assert.equal(verdict(version), 'prohibited pre-release');
    assert.equal(verdict(version, documents, true), 'primary');
  }
  assert.equal(verdict('3.11.13rc1'), 'prohibited pre-release');
  assert.equal(verdict('3.11.13rc1', documents, true), 'prohibited not-listed', 'a candidate is never the exact version');
  assert.equal(verdict('3.13.0rc1', documents, true), 'prohibited not-yet-approved');
});

test('classification follows any policy', () => {
  const lines = policyOf('3.13.x', '3.12.x');
  assert.deepEqual(['3.13.2', '3.12.4', '3.11.13', '3.14.0'].map((it) => verdict(it, lines)), ['primary', 'fallback', 'prohibited too-old', 'prohibited not-yet-approved']);
  const exact = policyOf('3.12.1', '3.11.7');
  assert.deepEqual(['3.12.1', '3.12.2', '3.11.7', '3.11.2'].map((it) => verdict(it, exact)), ['primary', 'prohibited not-listed', 'fallback', 'prohibited not-listed']);
  const gap = policyOf('3.13.x', '3.11.13');
  assert.equal(verdict('3.12.4', gap), 'prohibited not-listed', 'a line between the two is listed by nobody');
  const upward = policyOf('3.11.13', '3.12.x');
  assert.deepEqual(['3.12.0', '3.13.0', '3.10.0'].map((it) => verdict(it, upward)), ['fallback', 'prohibited not-yet-approved', 'prohibited too-old']);
});

test('a spec is a line or one exact build; anything else matches nothing', () => {
  assert.equal(matchesSpec('3.12.7', '3.12'), true);
  assert.equal(matchesSpec('3.12.7', '3.12.x'), true);
  assert.equal(matchesSpec('3.11.13', '3.11.13'), true);
  assert.equal(matchesSpec('3.11.13rc1', '3.11.13'), false);
  assert.equal(matchesSpec('3.11.13+', '3.11.13'), false);
  for (const spec of ['3', '3.x', '', '*', '>=3.12', '3.12.', '3.1']) assert.equal(matchesSpec('3.12.7', spec), false, spec);
});

test('DIS-17: the newest interpreter by reported version is chosen, whatever its name', () => {
  const found = ['3.12.1', '3.12.11', '3.12.9', '3.13.0'].map((version) => interpreterOf({ version, path: `/usr/bin/python-${version}` }));
  assert.equal(chooseInterpreter(found, '3.12.x')?.version, '3.12.11');
  assert.equal(chooseInterpreter(found, '3.12.9')?.version, '3.12.9');
  assert.equal(chooseInterpreter(found, '3.11.13'), null);
});

test('final releases go before pre-releases, whole builds before partial ones, and the first found wins a tie', () => {
  const candidate = interpreterOf({ version: '3.12.2rc1' });
  const final = interpreterOf({ version: '3.12.1', path: '/a', missingModules: ['lzma'] });
  const whole = interpreterOf({ version: '3.12.1', path: '/b' });
  const twin = interpreterOf({ version: '3.12.1', path: '/c' });
  assert.equal(chooseInterpreter([candidate, final, whole, twin], '3.12')?.path, '/b');
  assert.equal(chooseInterpreter([twin, whole], '3.12')?.path, '/c');
  assert.equal(chooseInterpreter([candidate], '3.12')?.version, '3.12.2rc1', 'left to the policy to refuse');
});

test('free-threaded builds and other implementations are never taken by accident', () => {
  const threaded = interpreterOf({ version: '3.14.0', freeThreaded: true });
  assert.equal(chooseInterpreter([threaded], '3.14'), null);
  assert.equal(chooseInterpreter([threaded], '3.14t'), threaded);
  assert.equal(chooseInterpreter([interpreterOf({ implementation: 'pypy' })], '3.12'), null);
});

test('PV-06: the published list names patch levels, justifications and what is forbidden', () => {
  assert.deepEqual(supportedVersions(documents).map((it) => `${it.role} ${it.version}: ${it.text}`), [
    'primary 3.12.x: every final patch release of 3.12',
    'fallback 3.11.13: exactly 3.11.13',
    'prohibited >=3.13: not yet tested and approved',
    'prohibited <3.11: unsupported: too old',
  ]);
  assert.ok(supportedVersions(documents).slice(0, 2).every((it) => it.justification !== ''));
  assert.equal(policyFileSchema.safeParse({ interpreters: { primary: { version: '3.12.x', justification: ' ' } } }).success, false);
});

const versions = fc.tuple(fc.nat(4), fc.nat(15), fc.nat(15), fc.constantFrom('', 'a1', 'b2', 'rc1', 'rc2'), fc.constantFrom('', '+')).map(([a, b, c, level, plus]) => `${a}.${b}.${c}${level}${plus}`);

test('interpreter versions are totally ordered, and every version has exactly one verdict', () => {
  fc.assert(
    fc.property(versions, versions, versions, (a, b, c) => {
      const [x, y, z] = [a, b, c].map((it) => parsePythonVersion(it)!) as [ReturnType<typeof parsePythonVersion> & object, ReturnType<typeof parsePythonVersion> & object, ReturnType<typeof parsePythonVersion> & object];
      assert.equal(Math.sign(comparePython(x, y)) + Math.sign(comparePython(y, x)), 0);
      assert.equal(comparePython(x, y) === 0, a === b);
      if (comparePython(x, y) <= 0 && comparePython(y, z) <= 0) assert.ok(comparePython(x, z) <= 0);
      const { role, reason, text } = classifyInterpreter(a, documents, false);
      assert.equal(role === 'prohibited', reason !== null);
      assert.ok(text.includes(a));
    }),
  );
});
