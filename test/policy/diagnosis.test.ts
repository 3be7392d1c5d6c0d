import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { branchOf, findingsOf, outstandingLines } from '../../policy/diagnosis.js';
import { failureRules } from '../../policy/failure-rules.js';
import type { Branch, FailureClass, Finding, WheelFailureCause } from '../../policy/model.js';
import { interpreterOf } from '../support/interpreter.js';

const CAUSES: (WheelFailureCause | null)[] = ['architecture-incompatibility', 'python-version-mismatch', 'missing-system-dependency', 'corrupted-cache', null];
const PYTHON = interpreterOf({ version: '3.12.1' });
const find = (text: string, tool: 'uv' | 'pip' = 'uv', code: number | null = 1, suspects: string[] = []): Finding[] => findingsOf(text, tool, code, PYTHON, suspects);
const brief = (findings: Finding[]): unknown[] => findings.map((one) => [one.project, one.class, one.branch]);

test('WF-20: each cause leads where the runbook says', () => {
  const table: [FailureClass, WheelFailureCause | null, Branch][] = [
    ['WHEEL_CORRUPT', 'corrupted-cache', 'purge-and-rebuild'],
    ['IMPORT_NATIVE', 'missing-system-dependency', 'system-package'],
    ['WHEEL_MISSING', 'python-version-mismatch', 'fallback-interpreter'],
    ['NO_DISTRIBUTION', 'architecture-incompatibility', 'fallback-interpreter'],
    ['REQUIRES_PYTHON', 'python-version-mismatch', 'fallback-interpreter'],
    ['WHEEL_MISSING', null, 'source-build'],
    ['BUILD', 'missing-system-dependency', 'system-package'],
    ['BUILD', 'python-version-mismatch', 'relock'],
    ['BUILD', null, 'relock'],
    ['CONFLICT', null, 'relock'],
    ['VERSION_NOT_FOUND', null, 'relock'],
    ['INDEX_AUTH', null, 'index'],
    ['INDEX_DOWN', null, 'index'],
    ['NET_REFUSED', null, 'ask-again'],
    ['NET_TIMEOUT', null, 'ask-again'],
    ['DISK_FULL', null, 'free-space'],
    ['INTERPRETER_SHIM', null, 'interpreter'],
    ['VENV_BASE_GONE', null, 'interpreter'],
    ['HASH_MISMATCH', null, 'stop'],
    ['UNKNOWN', null, 'ask-a-person'],
  ];
  for (const [failure, cause, branch] of table) assert.equal(branchOf(failure, cause), branch, `${failure} ${cause}`);
});

test('WF-20: every class has a branch whatever its cause, and every branch is reached', () => {
  const classes = [...new Set([...failureRules.map((rule) => rule.class), 'UNKNOWN' as const])];
  const reached = new Set(classes.flatMap((failure) => CAUSES.map((cause) => branchOf(failure, cause))));
  const all: Branch[] = ['fallback-interpreter', 'purge-and-rebuild', 'system-package', 'source-build', 'relock', 'index', 'ask-again', 'free-space', 'interpreter', 'stop', 'ask-a-person'];
  assert.deepEqual([...reached].sort(), [...all].sort());
});

test('WF-20: network, index and hash trouble never leads to another interpreter, a build or another lock, whatever cause is claimed', () => {
  const others = ['NET_REFUSED', 'NET_DNS', 'NET_TIMEOUT', 'NET_TLS', 'INDEX_AUTH', 'INDEX_DOWN', 'INDEX_RATE_LIMIT', 'INDEX_NOT_AN_INDEX', 'HASH_MISMATCH', 'HASH_MISSING', 'AMBIGUOUS'] as const;
  for (const failure of others) for (const cause of CAUSES) assert.ok(['ask-again', 'index', 'stop'].includes(branchOf(failure, cause)), `${failure} ${cause}`);
});

test('one finding for the attempt and one for each package it names, normalised', () => {
  const text = 'error: No solution found when resolving dependencies\n  cause: Because Pydantic.Core==2.20.0 has no usable wheels and you require pydantic_core==2.20.0, we can conclude that your requirements are unsatisfiable.\n\nhint: Wheels are required for `pydantic-core` because building from source is disabled for all packages (i.e., with `--no-build`)';
  const findings = find(text);
  assert.deepEqual(brief(findings), [[null, 'WHEEL_MISSING', 'fallback-interpreter'], ['pydantic-core', 'WHEEL_MISSING', 'fallback-interpreter']]);
  assert.match(findings[1]!.evidence, /has no usable wheels.*\n.*building from source is disabled/);
  assert.ok(findings.every((one) => one.remedy.length > 20));
});

test('a conflict names both sides; a command that succeeded has no findings', () => {
  const text = 'error: No solution found\n  cause: Because pydantic==2.11.0 depends on pydantic-core==2.33.0 and you require pydantic==2.11.0, we can conclude that you require pydantic-core==2.33.0.\n         And because you require pydantic-core==2.20.0, we can conclude that your requirements are unsatisfiable.';
  assert.deepEqual(find(text).map((one) => one.project), [null, 'pydantic', 'pydantic-core']);
  const pip = 'ERROR: Cannot install pydantic-core==2.20.0 and pydantic==2.11.0 because these package versions have conflicting dependencies.\nERROR: ResolutionImpossible';
  assert.deepEqual(find(pip, 'pip').map((one) => one.project), [null, 'pydantic-core', 'pydantic']);
  assert.deepEqual(find('WARNING: wheel error failed', 'pip', 0), []);
});

test('a build\'s own output names nothing: the package that was built is meant', () => {
  const text = 'error: Failed to build `mysqlclient==2.2.4`\n  cause: The build backend returned an error\n\n         [stderr]\n         Collecting nothing==1.0\n         requires other-thing==2.0\n         Exception: Can not find valid pkg-config name.';
  assert.deepEqual(brief(find(text)), [[null, 'BUILD', 'system-package'], ['mysqlclient', 'BUILD', 'system-package']]);
  const pip = 'Collecting six\n  Downloading six\nCollecting PyYAML==5.4.1\n  error: subprocess-exited-with-error\n  AttributeError: \'build_ext\' object has no attribute \'cython_sources\'';
  assert.deepEqual(brief(find(pip, 'pip')), [[null, 'BUILD', 'relock'], ['pyyaml', 'BUILD', 'relock']]);
});

test('network trouble while a package was asked for is about the network', () => {
  const text = 'error: Failed to fetch: `http://127.0.0.1:9/simple/flask/`\n  cause: Connection refused (os error 111)';
  assert.deepEqual(brief(find(text, 'uv', 2, ['flask'])), [[null, 'NET_REFUSED', 'ask-again'], ['flask', 'NET_REFUSED', 'ask-again']]);
  assert.deepEqual(brief(find('error: No space left on device (os error 28)', 'uv', 2, ['flask'])), [[null, 'DISK_FULL', 'free-space']]);
  assert.deepEqual(brief(find('something nobody has seen', 'uv', 1, ['flask'])), [[null, 'UNKNOWN', 'ask-a-person']]);
});

test('the one suspect is meant by an output about a package that names none', () => {
  assert.deepEqual(find('ERROR: Hashes are required in --require-hashes mode', 'pip', 1, ['six']).map((one) => one.project), [null, 'six']);
  assert.deepEqual(find('ERROR: Hashes are required in --require-hashes mode', 'pip', 1, ['six', 'idna']).map((one) => one.project), [null]);
});

test('WF-01: the name of a refused file tells another platform from another Python', () => {
  const refused = (tags: string): Finding => find(`ERROR: foo-1.0-${tags}.whl is not a supported wheel on this platform.`, 'pip')[1]!;
  assert.deepEqual([refused('cp312-cp312-win_amd64').cause, refused('cp311-cp311-manylinux_2_17_x86_64').cause], ['architecture-incompatibility', 'python-version-mismatch']);
  assert.deepEqual([refused('cp312-cp312-win_amd64').project, refused('cp312-cp312-win_amd64').branch], ['foo', 'fallback-interpreter']);
});

test('invariant 13: evidence and outstanding lines are masked and bounded', () => {
  const secret = 'error: Failed to fetch: `https://robot:hunter2@index.example/simple/flask/`\n  cause: Connection refused (os error 111)';
  const long = `${secret}\n${Array.from({ length: 300 }, (_, at) => `error ${at}: flask ${'x'.repeat(900)}`).join('\n')}`;
  const findings = find(long, 'uv', 2);
  for (const { evidence } of findings) assert.ok(!evidence.includes('hunter2') && evidence.length <= 2000, evidence.slice(0, 100));
  const lines = outstandingLines(long);
  assert.ok(lines.length === 50 && lines.every((line) => !line.includes('hunter2') && line.length <= 401));
});

test('WF-15: lines that mention error, failed or wheel, whatever their case, each once', () => {
  const log = ['Collecting six', 'ERROR: one', 'ERROR: one', '2026-11-21T15:54:37,792   Building WHEEL for six', 'it Failed', 'fine', "  Skipping link: none of the wheel's tags (cp27) are compatible: http://x/a.whl", 'DEBUG wheel talk'].join('\n');
  assert.deepEqual(outstandingLines(log), ['ERROR: one', 'Building WHEEL for six', 'it Failed']);
});

test('any output is read quickly, and always with a finding for the attempt', () => {
  const hostile = ['Failed to build `', 'because a-', 'you require a', ' a-1-a', 'Cannot install a and ', 'Could not fetch URL http://x/', 'Call to `x` failed ', 'error: x '].map((it) => it.repeat(20_000)).join('\n').repeat(8);
  const start = process.hrtime.bigint();
  for (const tool of ['uv', 'pip'] as const) assert.ok(find(hostile, tool).length >= 1);
  assert.ok(process.hrtime.bigint() - start < 20_000_000_000n, 'no pattern backtracks without end');
  fc.assert(fc.property(fc.string(), fc.constantFrom('uv', 'pip'), fc.integer({ min: 1, max: 255 }), (text, tool, code) => {
    const [first, ...rest] = findingsOf(text, tool as 'uv' | 'pip', code, PYTHON);
    return first!.project === null && rest.every((one) => one.project !== null) && first!.branch === branchOf(first!.class, first!.cause);
  }));
});
