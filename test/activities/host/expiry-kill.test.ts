import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { configure } from '../../../activities/host/configure.js';
import { dueChanges } from '../../../activities/host/ends.js';
import { expireDue } from '../../../activities/host/expiry.js';
import { takeManifest } from '../../../activities/host/manifest.js';
import type { EndRecord } from '../../../activities/host/store-ends.js';
import { undo } from '../../../activities/host/undo.js';
import { answers, litter, ordersOf, type Prepared } from '../../support/environments.js';
import { byClock, chainOf, exception } from '../../support/exceptions.js';
import { someInterpreter, testHost, testScope, type TestHost } from '../../support/host.js';
import { inProcess } from '../../support/run-host-process.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

/** Its end came a minute ago, by the clock of every process; when it was armed it was to come. */
async function ended(name: string): Promise<Prepared> {
  const clock = { now: Date.now() - 3_600_000 };
  const ctx = byClock(host, clock);
  const p = await exception(host, ctx, new Date(Date.now() - 60_000).toISOString(), { name, until: 'switched', files: { 'app.cfg': 'python_version=3.11\n' } });
  await configure(ctx, testScope(), p.order('configure'), [{ path: 'app.cfg', format: 'keyvalue', set: { python_version: '3.12.1' } }]);
  return p;
}

const isOver = (p: Prepared): void => {
  assert.match(answers(p.project), /^3\.11\./);
  assert.equal(readFileSync(join(p.project.path, 'app.cfg'), 'utf8'), 'python_version=3.11\n');
  const { state, holder, switched } = host.ctx.store.leases.get(p.place.link);
  assert.deepEqual([state, holder, switched, dueChanges(host.ctx), litter(p.project)], ['free', null, false, [], []]);
  assert.equal(host.ctx.store.ends.record(chainOf(p))?.outcome, 'restored');
  assert.equal(host.ctx.store.journal.verify().ok, true);
};

describe('invariants 7 and 10: the host is killed while it goes back at the end, and started again', () => {
  for (const point of ['taken', 'intent', 'renamed', 'acted']) {
    test(`killed at ${point}: the next start finishes it`, async () => {
      const p = await ended(`kill-${point}`);
      const killed = await inProcess(host, 'expireDue', [], { dieAt: `expire:${point}` });
      assert.equal(killed.signal, 'SIGKILL', JSON.stringify(killed));
      assert.equal(dueChanges(host.ctx).length, 1);
      const again = await inProcess<EndRecord[]>(host, 'expireDue', []);
      assert.deepEqual(again.answer?.map(({ run, outcome, problem }) => [run, outcome, problem]), [[p.run, 'restored', '']]);
      isOver(p);
    });
  }

  test('killed right after the receipt: nothing is left to do, and nothing is held', async () => {
    const p = await ended('kill-receipt');
    assert.equal((await inProcess(host, 'expireDue', [], { dieAt: 'expire:receipt' })).signal, 'SIGKILL');
    isOver(p);
    assert.deepEqual((await inProcess<EndRecord[]>(host, 'expireDue', [])).answer, []);
    // The run of the exception hears of it all the same.
    const orders = await ordersOf(host, p.project, 'rb-receipt', 'expiry');
    const undone = await undo(host.ctx, testScope(), orders('undo'), { chain: chainOf(p) });
    assert.deepEqual([undone.verified, /the host went back by itself/.test(undone.problem)], [true, true]);
  });

  test('killed while it holds the lease: another process\'s order is not kept out by the dead one', async () => {
    const p = await ended('kill-dead');
    assert.equal((await inProcess(host, 'expireDue', [], { dieAt: 'expire:intent' })).signal, 'SIGKILL');
    const [record] = await expireDue(host.ctx, new AbortController().signal);
    assert.deepEqual([record?.outcome, record?.tries], ['restored', 2]);
    isOver(p);
  });

  test('two processes at the end: it is done once', async () => {
    const p = await ended('two');
    const ends = await Promise.all([1, 2, 3].map(() => inProcess<EndRecord[]>(host, 'expireDue', [])));
    assert.deepEqual(ends.map(({ failure }) => failure), [undefined, undefined, undefined]);
    isOver(p);
    const taken = host.ctx.store.journal.entries(p.place.link).filter((entry) => (entry.body as { undo?: unknown } | null)?.undo === 'end');
    assert.equal(taken.length, 1);
  });
});

describe('invariant 7: what runs from the environment', () => {
  const unitScript = resolve(import.meta.dirname, '../../../../test/support/unit.py');

  /** A service of `unit.py` that runs from the exception's tree, whose own command restarts it. */
  async function served(name: string): Promise<{ p: Prepared; state: string; starts: () => string[] }> {
    const { realpath } = await someInterpreter(host.ctx, '3.11');
    const link = join(host.folder, 'srv', name, '.venv');
    const state = join(host.folder, `${name}.json`);
    const script = join(host.folder, 'unit.py');
    copyFileSync(unitScript, script);
    const command = (verb: string) => [realpath, script, verb, link, state];
    const now = Date.now();
    const ctx = byClock(host, { now: now - 3_600_000 });
    const p = await exception(host, ctx, new Date(now - 60_000).toISOString(), { name, onSwitch: 'restart', units: [{ name: 'svc', restart: command('restart') as [string], health: command('health') as [string], restartWindowSeconds: 20 }] });
    for (const tree of [p.old, p.next]) addAlpha(join(p.project.venvs, tree));
    // What it imports came after the manifest was taken: armed anew with it.
    const { digest, files } = await takeManifest(host.ctx, { tree: join(p.project.venvs, p.old), owner: p.place.owner, scope: 'all', record: false });
    host.ctx.store.armed.update({ ...host.ctx.store.armed.get(chainOf(p))!, manifestDigest: digest, files });
    return { p, state, starts: () => readFileSync(`${state}.starts`, 'utf8').trim().split('\n') };
  }

  /** As its supervisor does at boot; stopped after the test. */
  function start(p: Prepared, t: TestContext): void {
    const [python, script, , ...args] = p.place.unit.units[0]!.restart as [string, string, string, ...string[]];
    t.after(() => execFileSync(python, [script, 'stop', ...args]));
    execFileSync(python, [script, 'restart', ...args]);
  }

  function addAlpha(tree: string): void {
    const line = readFileSync(join(tree, 'pyvenv.cfg'), 'utf8').match(/^version = (3\.\d+)/m)![1]!;
    const folder = join(tree, `lib/python${line}/site-packages/alpha`);
    chmodSync(join(folder, '..'), 0o755);
    mkdirSync(folder);
    writeFileSync(join(folder, '__init__.py'), '');
    execFileSync(join(tree, 'bin/python'), ['-I', '-m', 'compileall', '-q', folder]);
  }

  test('a service is restarted with it, and runs from the interpreter that is approved', async (t) => {
    const { p, state, starts } = await served('restarts');
    start(p, t);
    const [record] = await expireDue(host.ctx, new AbortController().signal);
    assert.deepEqual([record?.outcome, record?.problem], ['restored', '']);
    assert.deepEqual(starts().map((one) => one.split(' ')[1]!.split('/').at(-1)), [p.next, p.old]);
    assert.match(readFileSync(state, 'utf8'), new RegExp(`/${p.old}"`));
  });

  test('at boot nothing is restarted: its first start is on the interpreter that is approved', async (t) => {
    const { p, starts } = await served('boot');
    const [record] = await expireDue(host.ctx, new AbortController().signal, { isBoot: true });
    assert.deepEqual([record?.outcome, record?.problem], ['restored', '']);
    assert.throws(starts, { code: 'ENOENT' });
    start(p, t);
    assert.deepEqual(starts().map((one) => one.split(' ')[1]!.split('/').at(-1)), [p.old]);
  });

  test('a service that runs at boot all the same is restarted', async (t) => {
    const { p, starts } = await served('early');
    start(p, t);
    assert.equal((await expireDue(host.ctx, new AbortController().signal, { isBoot: true }))[0]?.outcome, 'restored');
    assert.deepEqual(starts().map((one) => one.split(' ')[1]!.split('/').at(-1)), [p.next, p.old]);
  });
});
