import assert from 'node:assert/strict';
import { chmodSync, renameSync, unlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { HostContext } from '../../../activities/host/context.js';
import { rehearse } from '../../../activities/host/rehearse.js';
import { readLink } from '../../../activities/host/paths.js';
import { answers, type Prepared } from '../../support/environments.js';
import { byClock, chainOf, exception, inSeconds } from '../../support/exceptions.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
let ctx: HostContext;
const clock = { now: Date.now() };
before(() => {
  host = testHost();
  ctx = byClock(host, clock);
});
after(() => host.close());

const ask = (p: Prepared) => rehearse(ctx, testScope(), { env: p.project.env, chain: chainOf(p) });

test('EE-09: the way back of a standing exception is proven again, and nothing is changed by it', async () => {
  const end = inSeconds(clock, 3600);
  const p = await exception(host, ctx, end, { name: 'whole' });
  const [head, link] = [ctx.store.journal.head(), readLink(p.place)];
  const { workMs, version, ...told } = await ask(p);
  assert.deepEqual([told, workMs > 0], [{ known: true, ok: true, problem: '', end }, true]);
  assert.match(version!, /^3\.11\./);
  assert.deepEqual([ctx.store.journal.head(), readLink(p.place)], [head, link]);
  assert.match(answers(p.project), /^3\.12\./);
});

test('what would keep the undo from a verified end is said: a changed file, no interpreter, no tree', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'broken' });
  const tree = join(p.project.venvs, p.old);
  chmodSync(tree, 0o755);
  writeFileSync(join(tree, 'injected.pth'), '');
  const changed = await ask(p);
  assert.deepEqual([changed.known, changed.ok], [true, false]);
  assert.match(changed.problem, /old-1: expected manifest [0-9a-f]{12}, as armed, got/);
  unlinkSync(join(tree, 'injected.pth'));
  chmodSync(join(tree, 'bin'), 0o755);
  renameSync(join(tree, 'bin/python'), join(tree, 'bin/python-gone'));
  const dead = await ask(p);
  assert.equal(dead.ok, false);
  assert.match(dead.problem, /bin\/python/);
  renameSync(tree, `${tree}-gone`);
  assert.match((await ask(p)).problem, /expected the environment to go back to, got nothing there/);
});

test('what runs from it: with idle it must not, with restart its commands must be there', async (t) => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'riders', onSwitch: 'idle' });
  assert.equal((await ask(p)).ok, true);
  const child = spawn(join(p.project.env.link, 'bin/python'), ['-c', 'print("up", flush=True)\nimport time\ntime.sleep(600)'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  t.after(() => process.kill(-child.pid!, 'SIGKILL'));
  await once(child.stdout, 'data');
  assert.match((await ask(p)).problem, new RegExp(`onSwitch is idle, and ${child.pid} .* runs from it`));
  p.place.unit.onSwitch = 'restart';
  assert.match((await ask(p)).problem, /no unit is named in the agent file that could be restarted/);
  p.place.unit.units.push({ name: 'svc', restart: [join(host.folder, 'nosuch'), 'restart'], restartWindowSeconds: 5 });
  assert.match((await ask(p)).problem, /unit svc: expected an executable .*nosuch, got none/);
  p.place.unit.units[0]!.restart = ['/bin/true'];
  assert.equal((await ask(p)).ok, true);
});

test('no such change, one without an end, one that is not where it set the link: not known', async () => {
  const p = await exception(host, ctx, inSeconds(clock, 3600), { name: 'unknown' });
  assert.deepEqual([(await rehearse(ctx, testScope(), { env: p.project.env, chain: 'nosuch' })).known], [false]);
  const armed = await exception(host, ctx, inSeconds(clock, 3600), { name: 'armed', until: 'armed' });
  assert.equal((await ask(armed)).known, false);
  unlinkSync(p.project.env.link);
  symlinkSync(`.venvs/${p.old}`, p.project.env.link);
  const moved = await ask(p);
  assert.deepEqual([moved.known, moved.ok], [false, false]);
  assert.match(moved.problem, /does not lead to what ex-unknown made any more/);
});
