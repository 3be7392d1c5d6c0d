/** `runbook env prune` and `runbook env adopt`, on a real instance with a service that runs meanwhile. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RunResult } from '../../../policy/model.js';
import { startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
before(async () => (it = await startInstance()), { timeout: 240_000 });
after(() => it?.stop());

const trees = (project: string): string[] => readdirSync(path.join(project, '.venvs')).filter((name) => name !== 'README' && name !== 'state.json' && !name.startsWith('.')).sort();
const changesOf = (link: string): number => {
  const records = it.records();
  const { length } = records.historyOf(it.env.host, link);
  records.close();
  return length;
};

/** A project that somebody else set up: its `.venv` is a plain directory. */
function plainProject(name: string, venv = true): string {
  const project = path.join(path.dirname(it.project), name);
  mkdirSync(project);
  writeFileSync(path.join(project, 'requirements.txt'), 'alpha==1.0\nbeta==1.0\n');
  if (venv) execFileSync(it.primary.realpath, ['-I', '-m', 'venv', '--without-pip', path.join(project, '.venv')]);
  return project;
}

async function json(code: number, ...words: string[]): Promise<RunResult> {
  const answer = await it.cli(...words, '--json');
  assert.equal(answer.code, code, answer.stdout + answer.stderr);
  return JSON.parse(answer.stdout) as RunResult;
}

test('env prune removes attempts of ended runs, and nothing that stands, that somebody uses, or that is not ours', { timeout: 120_000 }, async () => {
  const standing = path.basename(readlinkSync(it.link));
  const run = standing.replace(/-\d+$/, '');
  const venvs = path.join(it.project, '.venvs');
  for (const name of [`${run}-7`, `${run}-8`, 'by-hand', 'ch-zzzz-1']) mkdirSync(path.join(venvs, name, 'lib'), { recursive: true });
  const user: ChildProcess = spawn('/bin/sleep', ['600'], { cwd: path.join(venvs, `${run}-8`), stdio: 'ignore' });
  try {
    const changes = changesOf(it.link);
    const { outcome, message, kind, steps } = await json(0, 'env', 'prune', it.project, '--reason', 'the disk is nearly full');
    assert.deepEqual([outcome, kind, steps.map(({ step }) => step)], ['done', 'change', ['close']]);
    assert.equal(message, `${run}-7 removed; 4 environments kept in .venvs`);
    assert.deepEqual(trees(it.project), ['by-hand', 'ch-zzzz-1', `${run}-8`, standing].sort());
    assert.equal(changesOf(it.link), changes, 'it changed no interpreter: why and history do not name it');
  } finally {
    user.kill('SIGKILL');
  }
  const again = await it.cli('env', 'prune', it.project);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, new RegExp(`^done.*: ${run}-8 removed; 3 environments kept`, 'm'));
  assert.doesNotMatch(again.stderr, /runbook undo/, 'there is nothing to go back to');
  assert.equal((await json(0, 'env', 'prune', it.project)).outcome, 'not-needed');
  assert.equal(it.version(), it.primary.version);
});

test('env prune waits behind a change and is on record with its reason', { timeout: 120_000 }, async () => {
  it.barrier.arm('prepare:started');
  const change = await it.start('change', { to: it.fallback.version, reason: 'first in line' });
  await it.barrier.reached('prepare:started');
  const pruning = it.cli('env', 'prune', it.project, '--reason', 'second in line', '--json');
  const records = it.records();
  try {
    let waiting = records.listRuns().find(({ reason }) => reason === 'second in line');
    while (waiting?.waitsFor.length !== 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      waiting = records.listRuns().find(({ reason }) => reason === 'second in line');
    }
    assert.match(waiting.waitsFor[0]!, new RegExp(`^${change.run} to finish`));
  } finally {
    records.close();
    it.barrier.release('prepare:started');
  }
  assert.equal((await it.result(change)).outcome, 'done');
  const answer = await pruning;
  assert.equal(answer.code, 0, answer.stdout + answer.stderr);
  assert.equal((await it.undo('back')).outcome, 'rolled-back', 'the way back was not pruned');
});

test('env adopt makes a directory a link to the same environment while it is used; a change and its undo go on from there', { timeout: 180_000 }, async () => {
  const project = plainProject('plain');
  const link = path.join(project, '.venv');
  const [inode, python] = [statSync(link).ino, path.join(link, 'bin/python')];
  const version = (): string => execFileSync(python, ['-I', '-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' }).trim();
  const user = spawn(python, ['-I', '-c', 'import sys; sys.stdin.read()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    const answer = await it.cli('env', 'adopt', project);
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(answer.stdout, new RegExp(`^done.*is a link to \\.venvs/adopted-\\w+ now, on ${it.primary.version} as before$`, 'm'));
    assert.match(answer.stderr, /✓ adopt .*every file as it was/);
    assert.doesNotMatch(answer.stderr, /runbook undo/);
    assert.equal(user.exitCode, null);
  } finally {
    user.stdin!.destroy();
    user.kill('SIGKILL');
  }
  assert.deepEqual([lstatSync(link).isSymbolicLink(), statSync(link).ino, version()], [true, inode, it.primary.version]);
  const adopted = path.basename(readlinkSync(link));
  assert.match(readFileSync(path.join(project, '.venvs/README'), 'utf8'), new RegExp(`current: +\\.venvs/${adopted}$`, 'm'));
  assert.equal(changesOf(link), 0);
  assert.match((await it.cli('env', 'list')).stdout, new RegExp(`^${it.primary.version} .*plain$`, 'm'));
  assert.equal((await json(0, 'env', 'adopt', project)).outcome, 'not-needed');
  const changed = await json(0, 'run', 'change', project, '--to', it.fallback.version, '--reason', 'from an adopted one', '--yes');
  assert.equal(changed.trees?.from, adopted);
  assert.equal(version(), it.fallback.version);
  assert.equal((await json(0, 'undo', project, '--reason', 'back')).outcome, 'rolled-back');
  assert.equal(readlinkSync(link), `.venvs/${adopted}`);
});

test('env adopt where there is nothing to adopt is refused, with the way out', { timeout: 60_000 }, async () => {
  const [nothing, elsewhere, broken] = [plainProject('nothing', false), plainProject('elsewhere', false), plainProject('broken')];
  symlinkSync('/usr', path.join(elsewhere, '.venv'));
  execFileSync('/bin/rm', ['-r', path.join(broken, '.venv/bin')]);
  for (const [project, expected, wayOut] of [
    [nothing, /an environment to return to/, /runbook env create/],
    [elsewhere, /a directory, or a link into \.venvs/, /move/],
    [broken, /its interpreter to run/, /repair its interpreter/],
  ] as const) {
    const { outcome, objections } = await json(1, 'env', 'adopt', project);
    assert.equal(outcome, 'refused', project);
    assert.match(objections[0]!.expected, expected);
    assert.match(objections[0]!.wayOut, wayOut);
  }
  assert.ok(lstatSync(path.join(broken, '.venv')).isDirectory());
  const unknown = await it.cli('env', 'adopt', '/nonexistent');
  assert.equal(unknown.code, 64);
  assert.match(unknown.stderr, /nothing was started/);
});
