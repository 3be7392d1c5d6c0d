/** `runbook ci version|wheels|matrix`, over real environments. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ciCommand } from '../../../client/cli/commands/ci-approvals.js';
import { projectImport } from '../../../client/cli/commands/ci-wheels.js';
import { useCheckCli } from '../../support/check-cli.js';
import { fakeInterpreter, SETTINGS } from '../../support/checked-environment.js';
import { inProcess } from '../../support/in-process.js';

const it = useCheckCli();

const ci = (...words: string[]) => inProcess(ciCommand, 'ci', ...words);
const interpreters = (primary: string, fallback: string) => ({ interpreters: { primary: { version: primary, justification: 'test' }, fallback: { version: fallback, justification: 'test' } } });

test('PV-23: the version check has the document\'s fields, and prints both versions', { timeout: 60_000 }, async () => {
  const told = await ci('version', it.right.project, '--json');
  assert.equal(told.code, 0, told.stderr);
  const { version_compatible, current_version, required_version } = JSON.parse(told.stdout) as Record<string, unknown>;
  assert.deepEqual({ version_compatible, current_version, required_version }, { version_compatible: true, current_version: it.right.python.version, required_version: '3.12.x or 3.11.13' });
  const { stdout } = await ci('version', it.right.project);
  assert.match(stdout, new RegExp(`^current_version: ${it.right.python.version}\\nrequired_version: 3\\.12\\.x or 3\\.11\\.13$`, 'm'));
});

test('CI-01, CI-03, CI-06, PV-23: neither 3.12 nor 3.11.13 fails the build with 1, also a release candidate of 3.12', { timeout: 60_000 }, async () => {
  const other = await it.bench.environment({ line: '3.11' });
  const { code, stdout, stderr } = await ci('version', other.project);
  assert.equal(code, 1);
  assert.match(stdout, /^✗ Python 3\.11\.\d+ is not an approved version/);
  assert.match(stderr, new RegExp(`^  try: runbook run change \\S*${path.basename(other.project)} --to 3\\.12$`, 'm'), 'from any folder');
  const candidate = await it.bench.environment();
  fakeInterpreter(candidate, { text: '3.12.0rc2', info: '3, 12, 0, "candidate", 2' });
  const told = await ci('version', candidate.project, '--json');
  assert.equal(told.code, 1);
  assert.deepEqual((({ version_compatible: ok, current_version: version }) => [ok, version])(JSON.parse(told.stdout) as Record<string, unknown>), [false, '3.12.0rc2']);
});

test('CI-03: an approved interpreter that is not the one configured fails the build, and both are named', { timeout: 120_000 }, async () => {
  const lane = await it.bench.environment({ line: '3.11', files: { '.smvm_config': 'python_version=3.12.1\n', '.env': 'APP_PYTHON_VERSION=3.12\n' } });
  const runs = lane.python.version;
  it.policy(interpreters('3.12.x', runs));
  const { code, stdout, stderr } = await ci('version', lane.project);
  assert.equal(code, 1, stdout);
  assert.equal(stdout, [`✓ Python ${runs} is the policy's fallback interpreter (${runs})`, `✗ variable APP_PYTHON_VERSION says Python 3.12, and ${runs} runs`, `✗ .smvm_config says Python 3.12.1, and ${runs} runs`, `current_version: ${runs}`, `required_version: 3.12.x or ${runs}`].join('\n'));
  assert.match(stderr, new RegExp(`^  try: runbook run change \\S*${path.basename(lane.project)} --to 3\\.12\n {7}# or, where ${runs} is what is wanted: correct variable APP_PYTHON_VERSION, \\.smvm_config$`));
  const told = await ci('version', lane.project, '--json');
  assert.equal(told.code, 1);
  const { version_compatible: approved, drift } = JSON.parse(told.stdout) as Record<string, unknown>;
  assert.deepEqual([approved, drift], [true, [{ where: 'variable APP_PYTHON_VERSION', version: '3.12' }, { where: '.smvm_config', version: '3.12.1' }]]);
});

test('CI-03: --expect is what a lane of the matrix is for, in place of what the project\'s files say', { timeout: 120_000 }, async () => {
  const lane = await it.bench.environment({ line: '3.11', files: { '.smvm_config': 'python_version=3.12.1\n' } });
  const runs = lane.python.version;
  it.policy(interpreters('3.12.x', runs));
  for (const same of [runs, '3.11', '3.11.x']) assert.equal((await ci('version', lane.project, '--expect', same)).code, 0, same);
  const other = await ci('version', lane.project, '--expect', '3.12');
  assert.equal(other.code, 1);
  assert.match(other.stdout, new RegExp(`^✗ --expect says Python 3\\.12, and ${runs} runs$`, 'm'));
  it.policy(interpreters('3.12.x', '3.11.99'));
  assert.equal((await ci('version', lane.project, '--expect', runs)).code, 1, 'what is expected is not by that approved');
  const unreadable = await ci('version', lane.project, '--expect', '>=3.12');
  assert.deepEqual([unreadable.code, unreadable.stderr.split('\n')[0]], [64, 'refused: --expect ">=3.12": expected a version like 3.12, 3.12.x or 3.11.13, got >=3.12']);
});

test('CI-02: the project\'s module must import; class and way out are named', { timeout: 120_000 }, async () => {
  const project = (module: string, text: string) => it.bench.environment({ settings: `${SETTINGS}importModule: ${module}\n`, files: { [`${module}/__init__.py`]: text } });
  const good = await project('app', 'import numpy\n');
  assert.deepEqual([(await ci('wheels', good.project)).code, (await ci('wheels', good.project)).stdout], [0, '✓ app imports']);
  const bad = await project('app', 'import nosuch\n');
  const failed = await ci('wheels', bad.project, '--json');
  assert.equal(failed.code, 1);
  const { class: failure, remedy, error } = JSON.parse(failed.stdout) as Record<string, string>;
  assert.match(`${failure} ${remedy} ${error}`, /^IMPORT_INCOMPATIBLE pin what brings nosuch .*No module named 'nosuch'/);
  const ends = await project('app', 'import os\nos._exit(3)\n');
  assert.equal((await ci('wheels', ends.project)).code, 1, 'a module that ends the process does not import');
});

test('CI-02: an environment by its own path is read as it is measured, and one of any name', { timeout: 60_000 }, async () => {
  const made = await it.bench.environment({ settings: `${SETTINGS}link: venv\nimportModule: app\n`, files: { 'app/__init__.py': 'import numpy\n' } });
  const link = path.join(made.project, 'venv');
  if (made.link !== link) renameSync(made.link, link);
  const { code, stdout, stderr } = await ci('wheels', link);
  assert.deepEqual([code, stdout], [0, '✓ app imports'], stderr);
});

test('CI-02: an interpreter that does not run is another class than none at all', () => {
  const of = (kind: 'absent' | 'broken') => projectImport({ facts: { interpreter: { ok: false, kind, problem: 'told' } } as never }, 'app').class;
  assert.deepEqual([of('absent'), of('broken')], ['INTERPRETER_MISSING', 'VENV_BASE_GONE']);
});

test('a policy from a pipe, which no second process can read, is refused', { timeout: 60_000 }, async () => {
  const pipe = path.join(it.cwd, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // As a shell's <(…): what the name leads to has no path.
  const cat = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    const { fd } = (cat.stdin as unknown as { _handle: { fd: number } })._handle;
    for (const named of [pipe, `/dev/fd/${fd}`]) {
      const { code, stderr } = await ci('version', it.right.project, '--policy', named);
      assert.equal(code, 64, stderr);
      assert.match(stderr, /--policy \S+: expected a policy file, got no file/);
    }
  } finally {
    cat.kill();
  }
});

test('CI-02: a project that names no module is bad input, not a pass', { timeout: 60_000 }, async () => {
  const { code, stderr } = await ci('wheels', it.right.project);
  assert.equal(code, 64);
  assert.match(stderr, /runbook\.yaml: expected importModule, .* got none[^]*nothing was started$/);
});

test('CI-04: every supported version of the policy, as text that no reader takes for a number', async () => {
  it.policy(interpreters('3.10.x', '3.9.18'));
  const github = await ci('matrix', '--github');
  assert.equal(github.code, 0);
  assert.deepEqual(JSON.parse(github.stdout.replace(/^matrix=/, '')), { 'python-version': ['3.10', '3.9.18'] });
  const gitlab = parse((await ci('matrix', '--gitlab')).stdout) as { '.python-matrix': { parallel: { matrix: { PYTHON_VERSION: unknown[] }[] } } };
  assert.deepEqual(gitlab['.python-matrix'].parallel.matrix[0]!.PYTHON_VERSION, ['3.10', '3.9.18']);
  assert.deepEqual((JSON.parse((await ci('matrix', '--json')).stdout) as Record<string, unknown>)['python-version'], ['3.10', '3.9.18']);
});

test('HM-17, CI-04: --check wants an interpreter of each on this machine, with the patches the policy asks for', { timeout: 60_000 }, async () => {
  const fallback = (await it.bench.environment({ line: '3.11' })).python.version;
  it.policy(interpreters('3.12.x', fallback));
  const there = await ci('matrix', '--check');
  assert.equal(there.code, 0, there.stdout + there.stderr);
  it.policy(interpreters('3.12.x', '3.99.0'));
  const missing = await ci('matrix', '--check', '--json');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^missing: Python 3\.99\.0 \(fallback\): expected an interpreter of it on this machine, got none/m);
  assert.deepEqual((JSON.parse(missing.stdout) as { entries: { found: string | null }[] }).entries.map(({ found }) => found), [it.right.python.version, null]);
  it.policy({ ...interpreters('3.12.x', fallback), minPatch: { '3.12': 99 } });
  const behind = await ci('matrix', '--check');
  assert.equal(behind.code, 1);
  assert.match(behind.stderr, /missing: Python 3\.12\.x \(primary\), at least patch 99/);
});

test('bad input: two forms at once, a policy that is not there', async () => {
  for (const words of [['matrix', '--github', '--gitlab'], ['matrix', '--policy', 'nosuch'], ['version', 'nosuch'], ['wheels', 'nosuch']]) {
    const { code, stderr } = await ci(...words);
    assert.equal(code, 64, words.join(' '));
    assert.match(stderr, /^refused: .*: expected .+, got .+\n {2}try: .+\nnothing was started$/);
  }
});

test('CI-01: without an environment it is the first python3 on PATH that is judged', { timeout: 60_000 }, async () => {
  const { path: project } = it.bench.host.project('plain', { 'requirements.txt': '' });
  const before = process.env['PATH'];
  const folder = path.join(it.cwd, 'bin');
  try {
    process.env['PATH'] = `${path.dirname(it.right.python.realpath)}:${before}`;
    const { stdout } = await ci('version', project, '--json');
    assert.equal((JSON.parse(stdout) as Record<string, unknown>)['current_version'], it.right.python.version);
    process.env['PATH'] = folder;
    const none = await ci('version', project, '--json');
    assert.equal(none.code, 1);
    assert.deepEqual((({ current_version: version, status }) => [version, status])(JSON.parse(none.stdout) as Record<string, unknown>), [null, 'not_found']);
  } finally {
    process.env['PATH'] = before;
  }
});
