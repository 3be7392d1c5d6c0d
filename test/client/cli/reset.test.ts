/** `runbook env reset` and what else ends before it starts, on a real instance. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RunResult } from '../../../policy/model.js';
import { startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
before(async () => (it = await startInstance()), { timeout: 240_000 });
after(() => it?.stop());

const inProject = (name: string): string => path.join(it.project, name);
const tree = (): string => readlinkSync(it.link);
const runs = (): number => {
  const records = it.records();
  const { length } = records.listRuns({ limit: 1000 });
  records.close();
  return length;
};

/** What Python leaves, one file of it tracked by git, one without a source, one that is another environment's own. */
function litter(): void {
  for (const name of ['app/__pycache__/main.cpython-312.pyc', 'svc.egg-info/PKG-INFO', 'old.pyc', 'kept.pyc', 'gone.pyo', 'other-env/pyvenv.cfg', 'other-env/lib/a.pyc']) {
    mkdirSync(path.dirname(inProject(name)), { recursive: true });
    writeFileSync(inProject(name), 'x');
  }
  writeFileSync(inProject('old.py'), '');
  const git = (...args: string[]) => execFileSync('git', ['-C', it.project, ...args], { env: { PATH: process.env['PATH'], HOME: it.home } });
  git('init', '--quiet');
  git('add', '--force', 'kept.pyc');
}

test('a change to what already stands asks nobody, starts nothing, and says so', { timeout: 60_000 }, async () => {
  const known = runs();
  const { code, stdout, stderr } = await it.cli('run', 'change', it.project);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^not-needed: .*already is ${it.primary.version} with this lock, as sealed; nothing was started$`, 'm'));
  const json = JSON.parse((await it.cli('run', 'change', it.project, '--json')).stdout) as RunResult;
  assert.deepEqual([json.outcome, json.run, json.from, json.to], ['not-needed', null, it.primary.version, it.primary.version]);
  assert.equal(runs(), known, 'no run is on record');
});

test('WF-71: a reset shows its plan and the list before it asks; where nobody can be asked, nothing is changed', { timeout: 60_000 }, async () => {
  litter();
  const [before, known] = [tree(), runs()];
  const { code, stdout, stderr } = await it.cli('env', 'reset', it.project);
  assert.equal(code, 64);
  assert.match(stdout, new RegExp(`${it.primary.version} → ${it.primary.version}`), 'on the interpreter that stands');
  assert.match(stdout, /undo to \.venvs\//);
  assert.match(stdout, /removes 4 paths, 4 B, from the project once it is done: app\/__pycache__ gone\.pyo old\.pyc svc\.egg-info$/m);
  assert.match(stdout, /1 file of that kind stays: git tracks it/);
  assert.match(stderr, /! without a source beside it, .*: gone\.pyo/);
  assert.match(stderr, /expected --yes/);
  assert.deepEqual([tree(), runs()], [before, known]);
  assert.ok(existsSync(inProject('app/__pycache__')));
});

test('WF-71, WF-24: a reset builds the same environment anew, keeps the old one as the way back, and cleans the project', { timeout: 120_000 }, async () => {
  const before = tree();
  const { code, stdout, stderr } = await it.cli('env', 'reset', it.project, '--yes', '--json', '--reason', 'imports were odd');
  assert.equal(code, 0, stdout + stderr);
  const result = JSON.parse(stdout) as RunResult;
  assert.equal(result.outcome, 'done');
  assert.deepEqual(result.steps.map(({ step }) => step).slice(-2), ['close', 'clean'], 'the project is cleaned when the change is done');
  assert.match(result.steps.at(-1)!.fact, /^4 paths removed/);
  assert.notEqual(tree(), before);
  assert.ok(existsSync(path.join(it.project, before)), 'the environment before it is kept');
  assert.equal(it.version(), it.primary.version);
  assert.equal(it.mixed(), '');
  for (const name of ['app/__pycache__', 'svc.egg-info', 'old.pyc', 'gone.pyo']) assert.ok(!existsSync(inProject(name)), name);
  for (const name of ['kept.pyc', 'other-env/lib/a.pyc', 'old.py', 'app']) assert.ok(existsSync(inProject(name)), name);
  const undone = await it.cli('undo', it.project, '--reason', 'trying it');
  assert.equal(undone.code, 0, undone.stdout + undone.stderr);
  assert.equal(tree(), before);
});

test('a rollback tells where it came from and where it went, in list and show', async () => {
  const records = it.records();
  const rollback = records.listRuns().find(({ kind }) => kind === 'rollback')!;
  records.close();
  assert.deepEqual([rollback.from, rollback.to], [it.primary.version, it.primary.version]);
  assert.match((await it.cli('show', rollback.run)).stdout, new RegExp(`${it.primary.version} → ${it.primary.version}`));
});

test('WF-71: --keep-files leaves the project alone; --to takes another interpreter, and its undo tells both versions', { timeout: 120_000 }, async () => {
  mkdirSync(inProject('app/__pycache__'), { recursive: true });
  const { code, stdout, stderr } = await it.cli('env', 'reset', it.project, '--to', it.fallback.version, '--keep-files', '--yes');
  assert.equal(code, 0, stdout + stderr);
  assert.doesNotMatch(stdout, /removes/);
  assert.equal(it.version(), it.fallback.version);
  assert.ok(existsSync(inProject('app/__pycache__')));
  const undone = await it.cli('undo', it.project, '--reason', 'back', '--json');
  const { from, to } = JSON.parse(undone.stdout) as RunResult;
  assert.deepEqual([from, to], [it.fallback.version, it.primary.version]);
});

test('WF-71: a reset of what can\'t be reset is refused and starts nothing', { timeout: 60_000 }, async () => {
  const known = runs();
  const bare = path.join(path.dirname(it.project), 'bare');
  mkdirSync(bare);
  writeFileSync(path.join(bare, 'requirements.txt'), 'alpha==1.0\n');
  for (const [words, says] of [[['env', 'reset', bare, '--yes'], /expected an environment to return to, got nothing there/], [['env', 'reset', it.project, '--yes', '--plan', 'zz'], /--plan: expected 8 to 64/], [['env', 'reset', it.project, '--yes', '--to', 'newest'], /--to/]] as const) {
    const { code, stderr } = await it.cli(...words);
    assert.equal(code, 64, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started/);
  }
  assert.equal(runs(), known);
  assert.deepEqual(readdirSync(bare), ['requirements.txt']);
});
