/** `runbook init` in projects as they are found: a process each, with a home of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { parsePolicy } from '../../../policy/files/load.js';
import { projectFileSchema } from '../../../policy/files/project-file.js';

const BIN = path.resolve(import.meta.dirname, '../../../../bin/runbook.js');
let dir: string;
before(() => (dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-init-')))));
after(() => rmSync(dir, { recursive: true }));

interface Site {
  project: string;
  agentFile: string;
  policyFile: string;
  file(name: string): string;
  init(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  settings(): ReturnType<typeof projectFileSchema.parse>;
}

/** A project with these files, beside a home where nothing was ever written. */
function siteOf(name: string, files: Record<string, string>): Site {
  const project = path.join(dir, name, 'projects', name);
  const config = path.join(dir, name, 'home', 'config');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), text);
  }
  const env = { ...process.env, RUNBOOK_HOME: path.join(dir, name, 'home'), XDG_STATE_HOME: path.join(dir, name, 'xdg'), UV_DEFAULT_INDEX: 'https://ada:hunter2@index.test/simple', TEMPORAL_ADDRESS: undefined };
  const file = (known: string) => path.join(project, known);
  return {
    project, file, agentFile: path.join(config, 'agent.yaml'), policyFile: path.join(config, 'policy.yaml'),
    init: (...words) => new Promise((resolve) => execFile(process.execPath, [BIN, 'init', project, ...words], { env }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }))),
    settings: () => projectFileSchema.parse(parse(readFileSync(file('runbook.yaml'), 'utf8'))),
  };
}

const FULL = {
  'requirements.txt': 'numpy==1.26.4\npytest==8.0.0\n', 'tests/test_x.py': '', 'my_app/__init__.py': '', '.env': 'MY_APP_PYTHON_VERSION=3.12.1\n',
  'config.yaml': 'python_version: 3.12.1\n', 'other.yaml': 'a: 1\n', 'broken.yaml': 'a: [\n', '.my_config': 'python_version=3.12.1\n', '.git_config': 'x=1\n', 'venv/pyvenv.cfg': '',
};

test('init writes what it finds: lock, tests, module, environment, version variables and configuration, and it parses', async () => {
  const site = siteOf('my-app', FULL);
  const { code, stdout, stderr } = await site.init();
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'), [`wrote ${site.file('runbook.yaml')}`, `wrote ${site.agentFile}`]);
  const settings = site.settings();
  assert.deepEqual([settings.name, settings.lock, settings.link, settings.importModule, settings.imports], ['my-app', 'requirements.txt', 'venv', 'my_app', []]);
  assert.deepEqual(settings.tests, ['-m', 'pytest', '-x', '--tb=short', 'tests/']);
  assert.deepEqual([settings.envPrefix, settings.envFile], ['MY_APP', '.env']);
  assert.deepEqual(settings.configFiles, [{ path: '.my_config', format: 'keyvalue' }, { path: 'config.yaml', format: 'yaml' }]);
  assert.deepEqual((parse(readFileSync(site.agentFile, 'utf8')) as { environments: unknown[] }).environments, [{ link: site.file('venv'), onSwitch: 'idle' }]);
  assert.equal(statSync(site.agentFile).mode & 0o777, 0o600);
  assert.match(stderr, /next: runbook up, then runbook plan change/);
});

test('invariant 13: credentials of the user\'s index get into no file and no word', async () => {
  const site = siteOf('secret', { 'requirements.txt': 'a==1\n' });
  const { stdout, stderr } = await site.init();
  assert.doesNotMatch(stdout + stderr + readFileSync(site.agentFile, 'utf8'), /hunter2/);
  assert.match(readFileSync(site.agentFile, 'utf8'), /https:\/\/index\.test\/simple/);
});

test('tests that the lock has no pytest for are named, not promised', async () => {
  const site = siteOf('untested', { 'requirements.lock': 'numpy==1.26.4\n', 'requirements.txt': 'numpy\n', 'tests/test_x.py': '' });
  const { stderr } = await site.init();
  assert.deepEqual(site.settings().tests, []);
  assert.equal(site.settings().lock, 'requirements.lock');
  assert.match(stderr, /tests\/ is there, and the lock has no pytest/);
  assert.match(readFileSync(site.file('runbook.yaml'), 'utf8'), /^# envPrefix: UNTESTED$/m, 'what is not there is a comment');
});

test('a lock that is none is told at once', async () => {
  const { code, stderr } = await siteOf('ranges', { 'requirements.txt': 'numpy>=1.26\n' }).init();
  assert.equal(code, 0);
  assert.match(stderr, /! .*expected .*, got /);
});

test('init keeps every file that is there, byte for byte', async () => {
  const site = siteOf('kept', { 'requirements.txt': 'a==1\n', 'runbook.yaml': 'name: mine\nlink: env3\n' });
  await site.init();
  const agent = readFileSync(site.agentFile, 'utf8');
  assert.match(agent, /\/env3/, 'the link is the project file\'s own');
  const { stdout } = await site.init('--policy');
  assert.deepEqual(stdout.trim().split('\n'), [`kept ${site.file('runbook.yaml')}`, `kept ${site.agentFile}`, `wrote ${site.policyFile}`]);
  assert.equal(readFileSync(site.file('runbook.yaml'), 'utf8'), 'name: mine\nlink: env3\n');
  assert.equal(readFileSync(site.agentFile, 'utf8'), agent);
});

test('init --policy writes the documents\' policy: the same digest as with no file at all', async () => {
  const site = siteOf('policy', { 'requirements.txt': 'a==1\n' });
  await site.init('--policy');
  const [written, none] = [parsePolicy(readFileSync(site.policyFile, 'utf8'), 'policy.yaml'), parsePolicy('', 'policy.yaml')];
  assert.ok('digest' in written && 'digest' in none);
  assert.equal(written.digest, none.digest);
});

test('init --dry-run shows the text and writes nothing; --json says the same for machines', async () => {
  const site = siteOf('dry', { 'requirements.txt': 'a==1\n' });
  const { stdout, stderr } = await site.init('--dry-run');
  assert.match(stdout, /^would write .*runbook\.yaml$/m);
  assert.match(stderr, /^name: dry$/m);
  const json = JSON.parse((await site.init('--dry-run', '--json')).stdout) as { files: { did: string }[] };
  assert.deepEqual(json.files.map(({ did }) => did), ['would write', 'would write']);
  assert.deepEqual(readdirSync(site.project), ['requirements.txt']);
  assert.equal(existsSync(site.agentFile), false);
});

test('refused, and nothing written: no lock, no directory, an agent file with a mistake', async () => {
  const empty = siteOf('empty', { 'README': '' });
  const agent = siteOf('mistaken', { 'requirements.txt': 'a==1\n' });
  mkdirSync(path.dirname(agent.agentFile), { recursive: true });
  writeFileSync(agent.agentFile, 'rots: [/srv]\n');
  for (const [site, says] of [[empty, /expected a lock/], [agent, /rots/]] as const) {
    const { code, stderr } = await site.init();
    assert.equal(code, 64, stderr);
    for (const part of [/^refused: /m, says, /^ {2}try: /m, /^nothing was started$/m]) assert.match(stderr, part);
    assert.equal(existsSync(site.file('runbook.yaml')), false);
  }
});
