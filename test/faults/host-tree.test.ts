/** Interpreters that are missing or lie, trees that are half built or were tampered with, an agent with a narrow umask. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, lstatSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { armUndo } from '../../activities/host/arm.js';
import { closeChange } from '../../activities/host/close.js';
import { agentOwner } from '../../activities/host/owner.js';
import { prepare } from '../../activities/host/prepare.js';
import { switchLink } from '../../activities/host/switch.js';
import { undo } from '../../activities/host/undo.js';
import { verifyLink } from '../../activities/host/verify-link.js';
import { verifyTree } from '../../activities/host/verify.js';
import type { Interpreter, Owner, Plan } from '../../policy/model.js';
import type { CommandFailure } from '../../policy/names.js';
import { answers, prepared, seal, type Prepared } from '../support/environments.js';
import { someInterpreter, testHost, testScope, type TestHost } from '../support/host.js';
import { testIndex, type TestIndex } from '../support/index.js';
import { asPresent, byHand, commonUv, goLive, watcher, type Live } from '../support/live.js';
import { fakeExecutable } from '../support/processes.js';

const isRoot = process.getuid?.() === 0;
let index: TestIndex;
let host: TestHost;
let python: Interpreter;
let line: string;
let runs = 0;

before(async () => {
  index = await testIndex([{ name: 'alpha', version: '1.0', files: { 'alpha/__init__.py': 'VALUE = 1\n' } }]);
  host = testHost({ index: { url: index.url } });
  host.ctx.agentFile.uv = await commonUv(host);
  python = await someInterpreter(host.ctx);
  line = python.version.split('.').slice(0, 2).join('.');
});
after(() => {
  index.close();
  host.close();
});

const live = (run = `ch-t${++runs}`): Promise<Live> => goLive({ host, project: host.project(run, { 'requirements.txt': 'alpha==1.0\n' }), run, python, files: [index.file('alpha', '1.0')] });

describe('the planned interpreter at the time of the build', () => {
  /** By its text alone each tool's failure has a class of its own; all are final and name the interpreter. */
  const bad: [string, () => string, RegExp][] = [
    ['is gone', () => join(host.folder, 'gone/bin/python3'), /^(INTERPRETER_MISSING|UNKNOWN)$/],
    ['fails', () => fakeExecutable(join(host.folder, 'bad'), 'fails', '#!/bin/sh\necho "cannot start" >&2\nexit 1\n'), /^(INTERPRETER_\w+|VENV_BASE_GONE|UNKNOWN)$/],
    ['prints nonsense', () => fakeExecutable(join(host.folder, 'bad'), 'nonsense', '#!/bin/sh\necho "hello {"\nexit 0\n'), /^INTERPRETER_\w+$/],
    ['has become a pyenv shim', () => fakeExecutable(join(host.folder, 'shims'), 'python3', '#!/bin/sh\necho "pyenv: python3: command not found" >&2\nexit 127\n'), /^INTERPRETER_SHIM$/],
    ['lacks a library', () => fakeExecutable(join(host.folder, 'bad'), 'library', '#!/bin/sh\necho "error while loading shared libraries: libpython3.so: cannot open shared object file" >&2\nexit 127\n'), /^(INTERPRETER_\w+|VENV_BASE_GONE)$/],
  ];
  for (const installer of ['uv', 'pip'] as const) {
    for (const [what, make, kind] of bad) {
      test(`${what}, with ${installer}: final, in words, nothing left, the live environment untouched`, async () => {
        const at = await live();
        const realpath = make();
        const plan: Plan = { ...host.plan(at.project, { ...python, realpath }, [index.file('alpha', '1.0')], { installer }), present: asPresent(at, python), undoTarget: at.id };
        const error = await prepare(host.ctx, testScope(), (await host.orders(at.project, `ch-bad${++runs}`))('prepare'), plan).then(() => assert.fail('expected it to fail'), (e: unknown) => e as ApplicationFailure);
        const facts = error.details?.[0] as CommandFailure;
        assert.deepEqual([error.type, error.nonRetryable], ['CommandFailed', true], error.stack);
        assert.match(facts.class, kind, facts.tail);
        // The command names it, or for an interpreter that answered and lied, the remedy says what it answered.
        assert.ok(facts.command.includes(realpath) || /expected it to report/.test(facts.remedy), facts.command);
        assert.deepEqual(readdirSync(at.project.venvs).filter((name) => !name.startsWith('.') && name !== 'README' && name !== 'state.json'), [at.id]);
        assert.equal(answers(at.project), python.version);
      });
    }
  }
});

/** The usual situation, but for the present tree's base interpreter: a path that can be taken away. */
async function onRemovableBase(name: string): Promise<Prepared & { base: string }> {
  const p = await prepared(host, { name, lines: [line, line] });
  const [tree, base] = [join(p.project.venvs, p.old), join(host.folder, `base-${name}`)];
  symlinkSync(python.realpath, base);
  for (const folder of [tree, join(tree, 'bin')]) chmodSync(folder, 0o755);
  unlinkSync(join(tree, 'bin/python'));
  symlinkSync(base, join(tree, 'bin/python'));
  const manifestDigest = await seal(host, tree, 'old', python.version);
  p.plan.present = { ...p.plan.present!, manifestDigest };
  return { ...p, base };
}

test('the base interpreter of the undo target removed: arming refuses with the way out, and nothing was changed', async () => {
  const p = await onRemovableBase('base-arm');
  rmSync(p.base);
  await assert.rejects(armUndo(host.ctx, testScope(), p.order('arm'), p.plan), (error: ApplicationFailure) => {
    assert.deepEqual([error.type, error.nonRetryable], ['UndoNotProven', true]);
    assert.match(error.message, /way back to .*old-1: expected its interpreter to run, got .*bin\/python does not run: .*ENOENT; repair its interpreter, or take it away \(unlink .*\.venv\) and runbook env create/);
    return true;
  });
  await assert.rejects(switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next }), { type: 'UndoNotProven' });
  assert.deepEqual(host.ctx.store.armed.of(p.place.link), []);
});

test('the base interpreter removed after arming: the watch names it, the undo goes back and says that it is not proven; with it back, it is', async () => {
  const p = await onRemovableBase('base-undo');
  const watch = watcher({ ...host.ctx }, 10_000);
  await watch.next('check-in');
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  rmSync(p.base);
  const event = await watch.next('changed');
  assert.match(event.drift!.find(({ link }) => link === p.project.env.link)!.what, /the interpreter that bin\/python leads to is gone/);
  await switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  const order = p.order('undo');
  const undone = await undo(host.ctx, testScope(1), order, { chain: order.chain });
  assert.deepEqual([undone.outcome, undone.verified], ['restored', false]);
  assert.match(undone.problem, /bin\/python does not run: .*ENOENT/);
  symlinkSync(python.realpath, p.base);
  const again = await undo(host.ctx, testScope(2), order, { chain: order.chain });
  assert.deepEqual([again.outcome, again.verified, again.problem], ['restored', true, '']);
});

test('the half-built attempt of an earlier run is never switched to, and goes when a later run closes', async () => {
  const at = await live();
  const plan = { ...at.plan, present: asPresent(at, python), undoTarget: at.id };
  const early = await host.orders(at.project, 'ch-early');
  await armUndo(host.ctx, testScope(), early('arm'), plan);
  const { id } = await prepare(host.ctx, testScope(), early('prepare'), plan);
  await assert.rejects(switchLink(host.ctx, testScope(), early('switch'), { plan, tree: id }), { type: 'HostRefused', message: /a verified tree, sealed by \.complete, got one without a seal/ });
  // Its run died; the next one has the lease.
  const later = await goLive({ host, project: at.project, run: 'ch-later', python, files: [index.file('alpha', '1.0')], present: asPresent(at, python) });
  assert.equal(existsSync(join(at.project.venvs, id)), false);
  assert.deepEqual([existsSync(at.tree), existsSync(later.tree)], [true, true]);
});

describe('a tree tampered with between its verification and its use', () => {
  const hands: [string, (site: string) => void, RegExp][] = [
    ['a .pth', (site) => writeFileSync(join(site, 'planted.pth'), 'import planted\n'), /planted\.pth appeared/],
    ['a .pyc beside its source', (site) => appendFileSync(join(site, `alpha/__pycache__/__init__.cpython-${line.replace('.', '')}.pyc`), 'x'), /__init__\.cpython-\d+\.pyc was changed/],
    ['a .pyc without a source', (site) => writeFileSync(join(site, 'planted.pyc'), ''), /planted\.pyc appeared/],
  ];
  for (const [what, plant, words] of hands) {
    test(`${what}: the look through the link says no and names it, and undo leads back to what was proven`, async () => {
      const at = await live();
      const order = await host.orders(at.project, `ch-tamper${++runs}`);
      const plan = { ...at.plan, present: asPresent(at, python), undoTarget: at.id, digest: 'e'.repeat(64) };
      await armUndo(host.ctx, testScope(), order('arm'), plan);
      const { id, path } = await prepare(host.ctx, testScope(), order('prepare'), plan);
      const { ok, manifestDigest } = await verifyTree(host.ctx, testScope(), order('verify'), { plan, tree: id, seal: true });
      assert.equal(ok, true);
      const site = join(path, 'lib', `python${line}`, 'site-packages');
      // As its owner, who may give himself the right.
      for (const file of [site, ...readdirSync(join(site, 'alpha/__pycache__')).map((name) => join(site, 'alpha/__pycache__', name))]) chmodSync(file, lstatSync(file).mode | 0o200);
      plant(site);
      chmodSync(site, 0o555);
      await switchLink(host.ctx, testScope(), order('switch'), { plan, tree: id });
      const seen = await verifyLink(host.ctx, testScope(), order('verify link'), { plan, tree: id, manifestDigest });
      assert.equal(seen.ok, false);
      assert.match(seen.problem, words);
      const back = order('undo');
      const undone = await undo(host.ctx, testScope(), back, { chain: back.chain });
      assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
      await closeChange(host.ctx, testScope(), order('close'), { keepPin: false });
    });
  }
});

test('an agent with umask 077: what it builds is for the service\'s user to read, its own files are not', { skip: isRoot ? false : 'needs a second user' }, async () => {
  const owner: Owner = { uid: 65534, gid: 65534, name: 'nobody' };
  const service: Owner = { uid: 64321, gid: 64321, name: '64321' };
  const theirs = await someInterpreter(host.ctx, undefined, owner);
  const before = process.umask(0o077);
  try {
    const project = host.project('umask', { 'requirements.txt': 'alpha==1.0\n' }, owner);
    for (const path of [project.path, join(project.path, 'requirements.txt')]) chmodSync(path, path === project.path ? 0o755 : 0o644);
    const first = await goLive({ host, project, run: 'ch-u1', python: theirs, files: [index.file('alpha', '1.0')] });
    await goLive({ host, project, run: 'ch-u2', python: theirs, files: [index.file('alpha', '1.0')], present: asPresent(first, theirs) });
    const seen = await byHand(service, '/', join(project.env.link, 'bin/python'), '-I', '-c', 'import alpha, os; print(alpha.VALUE, os.getuid())');
    assert.deepEqual([seen.code, seen.text.trim()], [0, '1 64321'], seen.text);
    assert.equal(lstatSync(project.venvs).mode & 0o777, 0o755);
    for (const path of [host.ctx.store.path, join(host.ctx.stateDir, 'manifests')]) assert.equal(lstatSync(path).mode & 0o077, 0, path);
    assert.equal(process.umask(), 0o077, 'the agent\'s own umask is as it was');
  } finally {
    process.umask(before);
  }
  assert.equal(agentOwner().uid, 0);
});
