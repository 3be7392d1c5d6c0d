/** WF-71: the project's part of a complete reset, on real folders, real links and real git repositories. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { cleanProject } from '../../../activities/host/clean-project.js';
import { mountPoints } from '../../../activities/host/mounts.js';
import type { Objection, ProjectLitter } from '../../../policy/model.js';
import { testHost, testScope, type TestHost, type TestProject } from '../../support/host.js';

let host: TestHost;
let outside: string;
before(() => {
  host = testHost();
  outside = realpathSync(mkdtempSync(join(tmpdir(), 'outside-')));
});
after(() => {
  host.close();
  rmSync(outside, { recursive: true });
});

const clean = (project: TestProject, dryRun: boolean, run = 'ch-test'): Promise<ProjectLitter> => cleanProject(host.ctx, testScope(), { env: project.env, run, dryRun });
const write = (project: TestProject, files: Record<string, string>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project.path, name)), { recursive: true });
    writeFileSync(join(project.path, name), text);
  }
};
const git = (folder: string, ...args: string[]): string => execFileSync('git', ['-C', folder, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: host.folder } });
const listing = (project: TestProject): string[] => readdirSync(project.path, { recursive: true, encoding: 'utf8' }).sort();
const has = (project: TestProject, name: string): boolean => existsSync(join(project.path, name));

const LITTER = {
  'app/__pycache__/main.cpython-312.pyc': '12345', 'app/__pycache__/deep/__pycache__/x.pyc': '12345',
  'app/old.pyc': '1', 'app/old.py': 'pass\n', 'app/older.pyo': '1', 'src/app.egg-info/PKG-INFO': '123', 'lone.egg-info': '1',
};

test('WF-71: __pycache__, *.egg-info, *.pyc and *.pyo are listed, then removed; a folder counts as one, sources stay', async () => {
  const project = host.project('plain', { 'requirements.txt': '', 'app/main.py': 'pass\n' });
  write(project, LITTER);
  const before = listing(project);
  const listed = await clean(project, true);
  assert.deepEqual(listing(project), before, 'a dry run changes nothing');
  assert.equal(listed.paths, 5);
  assert.equal(listed.bytes, 16);
  assert.deepEqual(listed.sample, ['app/__pycache__', 'app/old.pyc', 'app/older.pyo', 'lone.egg-info', 'src/app.egg-info']);
  assert.deepEqual(listed.sourceless, ['app/older.pyo'], 'what nothing can compile again is named');
  const removed = await clean(project, false);
  assert.deepEqual(removed, listed);
  assert.deepEqual(listing(project), ['app', 'app/main.py', 'app/old.py', 'requirements.txt', 'src']);
  const log = readFileSync(join(host.ctx.stateDir, 'runs/ch-test/clean-project.log'), 'utf8');
  for (const path of listed.sample) assert.match(log, new RegExp(`^${path.replaceAll('.', '\\.')}$`, 'm'));
  assert.equal((await clean(project, false)).paths, 0, 'given again there is nothing left');
});

test('WF-71: nothing in an environment is touched, whatever its name, nor in .venvs, in another repository or in git\'s own folder', async () => {
  const project = host.project('environments', { 'requirements.txt': '' });
  const kept = [
    '.venvs/ch-1-1/lib/__pycache__/a.pyc', '.venv/lib/__pycache__/a.pyc', 'old-env/lib/__pycache__/a.pyc', 'old-env/pyvenv.cfg', 'conda/lib/a.pyc', 'conda/conda-meta/history',
    'vendored/.git', 'vendored/__pycache__/a.pyc', 'x.egg-info/inner/pyvenv.cfg', 'x.egg-info/inner/a.pyc',
  ];
  write(project, Object.fromEntries(kept.map((name) => [name, '1'])));
  write(project, { 'x.egg-info/b.pyc': '1' });
  assert.deepEqual((await clean(project, false)).sample, ['x.egg-info/b.pyc']);
  for (const name of kept) assert.ok(has(project, name), name);
});

test('WF-71, invariant 11: no link is followed and nothing outside the project is touched; a link is no litter itself', async () => {
  const project = host.project('links', { 'requirements.txt': '' });
  mkdirSync(join(outside, '__pycache__'));
  for (const name of ['__pycache__/a.pyc', 'b.pyc']) writeFileSync(join(outside, name), '1');
  symlinkSync(outside, join(project.path, 'linked'));
  symlinkSync(join(outside, '__pycache__'), join(project.path, '__pycache__'));
  symlinkSync(join(outside, 'b.pyc'), join(project.path, 'b.pyc'));
  write(project, { 'app/__pycache__/c.pyc': '1' });
  symlinkSync(outside, join(project.path, 'app/__pycache__/way-out'));
  assert.deepEqual((await clean(project, false)).sample, ['app/__pycache__']);
  assert.ok(has(project, 'linked') && has(project, '__pycache__') && has(project, 'b.pyc'));
  assert.ok(existsSync(join(outside, '__pycache__/a.pyc')) && existsSync(join(outside, 'b.pyc')));
});

test('WF-71: what git tracks stays, and the rest beside it goes; a branch called x.pyc is no litter', async () => {
  const project = host.project('tracked', { 'requirements.txt': '' });
  write(project, { 'app/__pycache__/kept.pyc': '1', 'kept.egg-info/PKG-INFO': '1', 'legacy.pyc': '1', 'with blank/ä.pyc': '1' });
  git(project.path, 'init', '--quiet');
  git(project.path, 'add', '--force', '.');
  git(project.path, 'commit', '--quiet', '-m', 'x');
  git(project.path, 'branch', 'x.pyc');
  write(project, { 'app/__pycache__/new.pyc': '12', 'kept.egg-info/new.pyc': '12', 'other/__pycache__/y.pyc': '12', 'new.pyo': '12' });
  const removed = await clean(project, false);
  assert.deepEqual(removed.sample, ['app/__pycache__/new.pyc', 'kept.egg-info/new.pyc', 'new.pyo', 'other/__pycache__']);
  assert.equal(removed.tracked, 3, 'files that match by their own names');
  assert.equal(git(project.path, 'status', '--porcelain'), '');
  assert.match(git(project.path, 'branch'), /x\.pyc/);
});

test('WF-71: a project inside a larger repository is asked about as well', async () => {
  const project = host.project('monorepo/service', { 'requirements.txt': '', 'kept.pyc': '1', 'gone.pyc': '1' });
  const repository = dirname(project.path);
  git(repository, 'init', '--quiet');
  git(repository, 'add', '--force', 'service/kept.pyc');
  assert.deepEqual((await clean(project, false)).sample, ['gone.pyc']);
  assert.ok(has(project, 'kept.pyc'));
});

const refused = (got: RegExp) => (error: { type?: string; details?: unknown[] }) => {
  const [objection] = error.details?.[0] as Objection[] ?? (error.details as Objection[]);
  assert.equal(error.type, 'HostRefused');
  assert.match(objection!.got, got);
  assert.match(objection!.wayOut, /runbook env reset .* --keep-files/);
  return true;
};

test('WF-71: where git can\'t say what it tracks, nothing is removed', async () => {
  const project = host.project('broken', { 'requirements.txt': '', 'a.pyc': '1' });
  mkdirSync(join(project.path, '.git'));
  await assert.rejects(clean(project, false), refused(/not a git repository/));
  assert.ok(has(project, 'a.pyc'));
});

test('WF-71: a project folder that is itself an environment is refused', async () => {
  const project = host.project('itself', { 'requirements.txt': '', 'pyvenv.cfg': '', 'lib/__pycache__/a.pyc': '1' });
  await assert.rejects(clean(project, true), refused(/an environment \(it has pyvenv\.cfg\)/));
  assert.ok(has(project, 'lib/__pycache__/a.pyc'));
});

test('WF-71: it acts as the owner: what only somebody else may remove is left, and named with the reason', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
  const project = host.project('owned', { 'requirements.txt': '' }, { uid: 65534, gid: 65534, name: 'nobody' });
  write(project, { 'a.pyc': '1', 'theirs/__pycache__/b.pyc': '1' });
  chownSync(project.path, 65534, 65534);
  const removed = await clean(project, false);
  assert.deepEqual(removed.sample, ['a.pyc']);
  assert.deepEqual(removed.left, ['theirs/__pycache__/b.pyc: Permission denied']);
  assert.ok(has(project, 'theirs/__pycache__/b.pyc'));
});

test('mount points are read with their blanks, so that what is mounted in a project is never entered', () => {
  const text = '1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:1 /data /srv/a\\040b/data rw - ext4 /dev/a rw\nnonsense\n';
  assert.deepEqual(mountPoints(text), ['/', '/srv/a b/data']);
});
