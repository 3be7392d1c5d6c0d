/**
 * Decision 13: a run terminated by Temporal's own command line can't undo anything itself. Before its switch the agent
 * clears up after it; after it nothing is touched until a person settles it.
 */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { StoredEntry } from '../../policy/records.js';
import type { Started } from '../../client/cli/runs.js';
import { poll, startInstance, type TestInstance } from '../support/instance.js';
import { terminate } from './temporal.js';

let it: TestInstance;
before(async () => (it = await startInstance({ leaseQuietSeconds: 2 })), { timeout: 240_000 });
after(() => it?.stop());

const other = (): string => (it.version() === it.primary.version ? it.fallback.version : it.primary.version);
const treesOf = (run: string): string[] => readdirSync(path.join(it.project, '.venvs')).filter((name) => name.startsWith(`${run}-`));
/** Process id and tree of the running service. */
const service = (): { pid: number; tree: string } => JSON.parse(readFileSync(path.join(it.project, 'unit.json'), 'utf8')) as { pid: number; tree: string };
const liveTree = (): string => path.join(it.project, readlinkSync(it.link));

/** Starts a change, holds it at a point, terminates it there and lets the agent go on. */
async function terminateAt(point: string, to: string): Promise<Started> {
  it.barrier.arm(point);
  const started = await it.start('change', { to });
  await it.barrier.reached(point);
  await terminate(it, started.workflowId);
  it.barrier.release(point);
  return started;
}

/** Waits until the records tell of this run by an entry of that event. */
function told(run: string, event: 'lease-freed' | 'unsettled'): Promise<StoredEntry> {
  return poll(() => {
    const records = it.records();
    const found = records.entriesByEvent(event).find(({ entry }) => entry.run === run);
    records.close();
    return found ?? null;
  }) as Promise<StoredEntry>;
}

const eventsOf = (run: string): string[] => {
  const records = it.records();
  const events = records.entriesOf(run).map(({ entry }) => entry.event);
  records.close();
  return events;
};

test('terminated before the switch: attempt and lease go, the record says so, and the next change goes through', { timeout: 120_000 }, async () => {
  const [was, to] = [readlinkSync(it.link), other()];
  const running = service();
  const started = await terminateAt('prepare:started', to);
  const { entry } = await told(started.run, 'lease-freed');
  assert.equal(entry.workflowId, `watch/${it.handle.host}`, 'told by the agent, through the watch of its host');
  assert.equal(readlinkSync(it.link), was);
  assert.deepEqual(treesOf(started.run), []);
  assert.deepEqual(service(), running, 'what runs there was left alone');
  const shown = await it.cli('show', started.run);
  assert.match(shown.stdout, /^rolled-back .*ended from outside before its switch/m);
  assert.match((await it.cli('list')).stdout, new RegExp(`${started.run} .*rolled-back`));
  const next = await it.cli('run', 'change', it.project, '--to', to, '--yes');
  assert.equal(next.code, 0, next.stdout + next.stderr);
  assert.equal(it.version(), to);
});

test('terminated while another run waits in line: that one finds out, says so on record, and goes through', { timeout: 120_000 }, async () => {
  const to = other();
  it.barrier.arm('prepare:started');
  const first = await it.start('change', { to });
  await it.barrier.reached('prepare:started');
  const second = await it.start('change', { to });
  await poll(async () => (await it.cli('show', second.run)).stdout.includes(`waits for ${first.run}`));
  await terminate(it, first.workflowId);
  it.barrier.release('prepare:started');
  const result = await it.result(second);
  assert.equal(result.outcome, 'done', result.message);
  await told(first.run, 'lease-freed');
  assert.deepEqual(treesOf(first.run), []);
  assert.equal(it.version(), to);
});

test('terminated after the switch: unsettled, untouched, others refused; settle --undo goes back, verified', { timeout: 180_000 }, async () => {
  const [was, from, to] = [readlinkSync(it.link), it.version(), other()];
  const started = await terminateAt('restart:intent', to);
  await told(started.run, 'unsettled');
  assert.equal(it.version(), to, 'the link stays where the run left it');
  const stands = readlinkSync(it.link);
  assert.equal(treesOf(started.run)[0], path.basename(stands));
  await assertRefused(started.run, from, to);
  assert.match((await it.cli('list')).stdout, new RegExp(`${started.run} .*unsettled`));
  assert.match((await it.cli('show', started.run)).stdout, new RegExp(`^unsettled: .*after its switch.*\nto act: runbook settle ${started.run} --keep or --undo`, 'm'));
  assert.match((await it.cli('why', it.project)).stdout, new RegExp(`^${to} since .* by ${started.run} .*unsettled: runbook settle ${started.run}`));
  assert.equal(readlinkSync(it.link), stands, 'asking changed nothing');
  const { code, stdout, stderr } = await it.cli('settle', started.run, '--undo', '--reason', 'terminated by hand');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^rolled-back .*verified/);
  assert.equal(readlinkSync(it.link), was);
  assert.equal(it.version(), from);
  await assertSettled(started.run, 'rolled-back');
});

test('terminated after the switch: settle --keep verifies it, restarts the service on it, and keeps it', { timeout: 180_000 }, async () => {
  const to = other();
  // Held before its restart is ordered: the service still runs on the old environment when the run is gone.
  const started = await terminateAt('configure:acted', to);
  await told(started.run, 'unsettled');
  const stale = service();
  assert.notEqual(stale.tree, liveTree(), 'the service is on the environment it was started on');
  const { code, stdout, stderr } = await it.cli('settle', started.run, '--keep', '--reason', 'it is what we wanted');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`^done .*stays on ${to}`));
  assert.equal(it.version(), to);
  assert.equal(service().tree, liveTree());
  assert.notEqual(service().pid, stale.pid);
  await assertSettled(started.run, 'done');
});

test('settle --keep of an environment that was changed since it was sealed keeps nothing: incomplete, and still unsettled', { timeout: 180_000 }, async () => {
  const [from, to] = [it.version(), other()];
  const started = await terminateAt('configure:acted', to);
  await told(started.run, 'unsettled');
  const file = path.join(liveTree(), `lib/python${to.split('.').slice(0, 2).join('.')}/site-packages/alpha/__init__.py`);
  tamper(file);
  const kept = await it.cli('settle', started.run, '--keep', '--reason', 'it is what we wanted');
  assert.equal(kept.code, 4, kept.stdout + kept.stderr);
  assert.match(kept.stdout, /differs from what was sealed: .*runbook settle .*--undo/);
  const back = await it.cli('settle', started.run, '--undo', '--reason', 'somebody changed it');
  assert.equal(back.code, 0, back.stdout + back.stderr);
  assert.equal(it.version(), from);
  await assertSettled(started.run, 'rolled-back');
});

/** A plan, a change away from it and a change to what stands there: each is refused and names the way out. */
async function assertRefused(run: string, from: string, to: string): Promise<void> {
  const before = it.records().listRuns().length;
  for (const words of [['plan', 'change', it.project, '--to', from], ['run', 'change', it.project, '--to', from, '--yes'], ['run', 'change', it.project, '--to', to, '--yes'], ['run', 'fallback', it.project, '--yes']]) {
    const { code, stderr } = await it.cli(...words);
    assert.equal(code, 64, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, new RegExp(`ended after the switch without closing\n {2}try: runbook settle ${run} --keep or --undo`));
    assert.match(stderr, /nothing was started/);
  }
  assert.equal(it.records().listRuns().length, before);
  // One that was started before the environment became unsettled finds the same at the lease.
  const late = await it.result(await it.start('change', { to: from }));
  assert.equal(late.outcome, 'refused');
  assert.match(JSON.stringify(late.objections), new RegExp(`runbook settle ${run}`));
}

/** The run is no longer waited for, the service is on what stands, nobody was on a mix, and the next run may begin. */
async function assertSettled(run: string, outcome: string): Promise<void> {
  assert.match((await it.cli('list')).stdout, new RegExp(`${run} .*${outcome}`));
  assert.doesNotMatch((await it.cli('why', it.project)).stdout, /unsettled/);
  assert.equal(service().tree, liveTree());
  assert.equal(it.mixed(), '');
  assert.ok(!eventsOf(run).includes('outcome'), 'a terminated run says nothing itself');
  assert.equal((await it.cli('plan', 'change', it.project, '--to', other())).code, 0);
  const verdict = it.records().verify();
  assert.equal(verdict.ok, true, JSON.stringify(verdict));
}

/** As somebody would who edits an installed file by hand. */
function tamper(file: string): void {
  chmodSync(path.dirname(file), 0o755);
  // As editors do: a new file in its place. Written in place it would be other trees' file too, which share its inode.
  rmSync(file);
  writeFileSync(file, 'VERSION = "edited by hand"\n');
}
