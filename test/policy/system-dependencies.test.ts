import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsOf } from '../../policy/diagnosis.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { Finding } from '../../policy/model.js';
import { adviceFor, familyOf } from '../../policy/system-dependencies.js';
import type { AdvisedHost } from '../../policy/system-dependencies.js';
import { memoryBytesOf, parseOsRelease } from '../../policy/system-text.js';
import { interpreterOf } from '../support/interpreter.js';

const TABLE = policyFileSchema.parse({}).systemDependencies;
const debian: AdvisedHost = { system: 'linux', distributions: ['debian'], python: '3.12.1' };
const mac: AdvisedHost = { system: 'macosx', distributions: [], python: '3.11.13' };
const windows: AdvisedHost = { system: 'windows', distributions: [], python: '3.12.1' };
const TOOLS = { gcc: '/usr/bin/gcc', cc: '/usr/bin/cc', clang: '/usr/bin/clang', cl: 'C:/cl.exe', 'headers 3.12.1': '/x/Python.h' };

/** Findings of a failed build whose last words these are. */
const failed = (words: string): Finding[] => findingsOf(`error: Failed to build \`thing==1.0\`\n  cause: The build backend returned an error\n         ${words}`, 'uv', 1, interpreterOf());
const commands = (host: AdvisedHost, findings: Finding[], tools: Record<string, string> = TOOLS, table = TABLE): string[] => adviceFor(host, table, findings, tools).map((one) => one.command);

test('a host that lacks nothing is advised nothing', () => {
  for (const host of [debian, mac, windows]) assert.deepEqual(adviceFor(host, TABLE, [], TOOLS), []);
  const conflict = findingsOf('ERROR: ResolutionImpossible', 'pip', 1, interpreterOf());
  assert.deepEqual(commands(debian, conflict), []);
});

test('WF-06, WF-64: no compiler: what the policy names for this system, with its command', () => {
  assert.deepEqual(commands(debian, failed("error: command 'gcc' failed: No such file or directory")), ['apt-get install -y build-essential gcc g++']);
  assert.deepEqual(commands(debian, [], { ...TOOLS, gcc: 'missing', cc: 'missing' }), ['apt-get install -y build-essential gcc g++']);
  assert.deepEqual(commands(mac, [], { ...TOOLS, clang: 'missing' }), ['xcode-select --install']);
  const [onWindows] = adviceFor(windows, TABLE, [], { ...TOOLS, cl: 'missing' });
  assert.match(`${onWindows!.what} ${onWindows!.command}`, /compiler.*VisualStudio.*BuildTools/);
});

test('WF-04, WF-06: headers of the interpreter that lacks them, not of another line', () => {
  const words = commands(debian, failed('x.c:1:10: fatal error: Python.h: No such file or directory'));
  assert.deepEqual(words, ['apt-get install -y python3-dev python3.12-dev']);
  assert.deepEqual(commands({ ...debian, python: '3.11.13' }, [], { ...TOOLS, 'headers 3.11.13': 'missing' }), ['apt-get install -y python3-dev python3.11-dev']);
  assert.deepEqual(commands(mac, [], { ...TOOLS, 'headers 3.11.13': 'missing' }), ['brew install python@3.11']);
});

test('WF-66: BLAS and LAPACK where a build or numpy asks for them', () => {
  const missing: Finding = { project: 'numpy', class: 'IMPORT_NATIVE', cause: 'missing-system-dependency', evidence: 'libopenblas.so.0 => not found', remedy: 'install it', branch: 'system-package' };
  assert.deepEqual(commands(debian, [missing]), ['apt-get install -y libblas-dev liblapack-dev']);
  assert.deepEqual(commands(mac, failed('No BLAS/LAPACK libraries found')), ['brew install openblas lapack']);
});

test('a header, a pkg-config name, a program and a library are known by the package that brings them', () => {
  assert.deepEqual(commands(debian, failed('x.c:1:10: fatal error: libpq-fe.h: No such file or directory')), ['apt-get install -y libpq-dev']);
  assert.deepEqual(commands(debian, failed('Error: pg_config executable not found.')), ['apt-get install -y libpq-dev']);
  assert.deepEqual(commands(debian, failed('Package cairo was not found in the pkg-config search path.')), ['apt-get install -y pkg-config', 'apt-get install -y libcairo2-dev']);
  assert.deepEqual(commands({ ...debian, distributions: ['rocky', 'rhel', 'fedora'] }, failed('fatal error: ffi.h: No such file or directory')), ['dnf install -y libffi-devel']);
  assert.deepEqual(commands({ ...debian, distributions: ['alpine'] }, failed('fatal error: ffi.h: No such file or directory')), ['apk add libffi-dev']);
});

test('what no table knows is told in words, with the file', () => {
  const [unknown] = adviceFor(debian, TABLE, failed('fatal error: nosuchheader.h: No such file or directory'), TOOLS);
  assert.deepEqual([unknown!.command, /nosuchheader\.h/.test(unknown!.what)], ['', true]);
  const [other] = adviceFor({ ...debian, distributions: ['plan9'] }, TABLE, [], { ...TOOLS, gcc: 'missing', cc: 'missing' });
  assert.deepEqual([other!.command, /package manager/.test(other!.what)], ['', true]);
});

test('the policy\'s own names are used, and one that is no package name never becomes part of a command', () => {
  const table = { ...TABLE, debian: ['gcc-13', 'libacme-dev', 'gcc; rm -rf /', '--reinstall'] };
  const all = commands(debian, failed("error: command 'gcc' failed: No such file or directory"), TOOLS, table);
  assert.deepEqual(all, ['apt-get install -y gcc-13', 'apt-get install -y libacme-dev']);
});

test('families by distribution and system', () => {
  const of = (...distributions: string[]) => familyOf({ system: 'linux', distributions });
  assert.deepEqual([of('ubuntu', 'debian'), of('linuxmint', 'ubuntu'), of('amzn'), of('opensuse-leap'), of('arch'), of()], ['debian', 'debian', 'fedora', 'suse', 'arch', 'other']);
  assert.deepEqual([familyOf(mac), familyOf(windows)], ['macos', 'windows']);
});

test('WF-17: distribution and memory are read from the files Linux has', () => {
  assert.deepEqual(parseOsRelease('PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nID_LIKE="debian"\n# x\n'), { name: 'Ubuntu 24.04 LTS', ids: ['ubuntu', 'debian'] });
  assert.deepEqual(parseOsRelease(''), { name: '', ids: [] });
  assert.equal(memoryBytesOf('MemTotal:       24683108 kB\nMemFree: 1 kB\n'), 24683108 * 1024);
  assert.equal(memoryBytesOf('nothing'), null);
});
