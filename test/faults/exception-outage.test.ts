/**
 * Invariant 7 on a real host: an exception ends on time with its run terminated and no server, with the host off at its end, and with
 * nobody but `runbook undo --due --local`; where run and host act both, there is one undo.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import Database from 'libsql';
import { endTable, type EndRecord } from '../../activities/host/store-ends.js';
import { journal, type JournalEntry } from '../../activities/host/store-journal.js';
import type { Started } from '../../client/cli/runs.js';
import { Cab } from '../support/cab.js';
import { poll } from '../support/instance.js';
import { startOutageInstance, type OutageInstance } from '../support/outage.js';
import { terminate } from './temporal.js';

/** First try of an exception's life; doubled where this machine can't change an environment within half of it. */
const LIFE_SECONDS = 15;
const LONGEST_SECONDS = 120;
/** Decision 19: the way back starts within a minute where the agent is up. */
const MINUTE_MS = 60_000;

let it: OutageInstance;
let cab: Cab;
before(async () => {
  it = await startOutageInstance({ leaseQuietSeconds: 2 });
  cab = new Cab(it);
}, { timeout: 240_000 });
after(() => it?.stop());
// What a failed test took away must not fail the next one.
afterEach(() => {
  it.barrier.release('expire:taken');
  it.letBegin('agent');
});

interface Standing {
  started: Started;
  /** Unix milliseconds. */
  end: number;
  /** Trees on which the service was started before it. */
  starts: string[];
}

/** Life of the next exception: what was too short for this machine once is so for every test. */
let seconds = LIFE_SECONDS;

/** An exception that stands, on the fallback interpreter, with its service. */
async function standing(): Promise<Standing> {
  assert.equal(it.version(), it.primary.version);
  for (;; seconds *= 2) {
    const starts = startsOf();
    const started = await cab.begin(await cab.change('exception', { hours: seconds / 3600 }));
    const open = await cab.decision(started.workflowId, 'grant');
    await cab.vote(open, 'alice');
    await cab.vote(open, 'carol');
    const isUp = await cab.standing(started).then(() => true, () => false);
    const { exception } = await cab.status(started.workflowId);
    const end = Date.parse(exception!.expiresAt!);
    if (isUp && Date.now() < end - seconds * 500) return { started, end, starts };
    // What a test does to it needs the other half of its life.
    assert.ok(seconds < LONGEST_SECONDS, `this machine needs more than ${seconds / 2} s for a change`);
    await it.result(started);
  }
}

/** Trees on which the service was started, oldest first. */
const startsOf = (): string[] => readFileSync(path.join(it.project, 'unit.json.starts'), 'utf8').trim().split('\n').map((line) => path.basename(line.split(' ')[1]!));

/** The end has come, and an order of the run waits for the host. */
const overdue = ({ started, end }: Standing): Promise<void> => cab.until(started.workflowId, ({ waitsFor }) => Date.now() >= end && waitsFor?.what === `host ${it.handle.host} to answer`);

/** What the agent keeps, read beside it. */
function kept<T>(read: (db: Database.Database) => T): T {
  const db = new Database(path.join(it.home, 'state/agent/agent.db'), { readonly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

const entries = (): JournalEntry[] => kept((db) => journal(db, (act) => act()).entries(it.link));
const endOf = (run: string): EndRecord | undefined => kept((db) => endTable(db).records(it.link).find((record) => record.run === run));

/** Ways back from this run that were taken, whoever took them. */
const undone = (run: string): JournalEntry[] => entries().filter(({ kind, run: of, op, body }) => kind === 'receipt' && of === run && /\/(undo|expire)$/.test(op) && (body as { outcome?: string }).outcome === 'restored');

/** Back on the primary, verified, once, and the service restarted once each way. */
function assertBack({ started: { run }, starts }: Standing, isLocal = false): void {
  assert.equal(it.version(), it.primary.version);
  const [receipt, ...more] = undone(run);
  assert.deepEqual(more, [], 'undone twice');
  assert.equal((receipt!.body as { verified: boolean }).verified, true);
  const since = startsOf().slice(starts.length);
  assert.equal(since.length, 2, `the service was started ${since.length} times: ${since.join(', ')}`);
  assert.ok(since[0]!.startsWith(`${run}-`) && since[1] === starts.at(-1), `started on ${since.join(', then ')}`);
  assert.equal(it.mixed(), '');
  if (isLocal) assert.equal(endOf(run)!.outcome, 'restored');
  const records = it.records();
  assert.equal(records.verify().ok, true);
  records.close();
}

/** The trail knows of the way back; waits until its host has told. */
const told = (run: string, by: 'host' | 'run'): Promise<unknown> => poll(() => {
  const records = it.records();
  try {
    return records.entriesByEvent('undo').some(({ entry }) => entry.run === run && (entry.data['by'] === 'host') === (by === 'host') && entry.data['verified'] !== false);
  } finally {
    records.close();
  }
});

test('invariant 7: run terminated and the server gone before the end: the agent alone goes back, verified; the trail gets it when there is a server again', { timeout: 300_000 }, async (t) => {
  const stood = await standing();
  const { started: { run, workflowId }, end } = stood;
  await terminate(it, workflowId);
  await it.killServer();
  assert.ok(Date.now() < end, 'the server was gone before the end');
  const record = await poll(() => {
    const found = endOf(run);
    return found?.outcome === 'restored' ? found : null;
  });
  assert.ok(record!.beganAt >= record!.end, 'not before its end');
  const lateMs = Date.parse(record!.beganAt) - end;
  assert.ok(lateMs < MINUTE_MS, `it began ${lateMs} ms after the end`);
  t.diagnostic(`began ${lateMs} ms and was verified ${Date.parse(record!.doneAt!) - end} ms after the end`);
  assertBack(stood, true);
  await it.startServer();
  await told(run, 'host');
  assert.match((await it.cli('why', it.project)).stdout, new RegExp(`^${it.primary.version} since .*, when ${run} .*ended; before it ${it.fallback.version}`));
  assertBack(stood, true);
});

test('invariant 7: host off at the end: the agent goes back when it starts, before it takes any order', { timeout: 300_000 }, async () => {
  const stood = await standing();
  const { started, end } = stood;
  await it.takeAway('agent');
  assert.ok(Date.now() < end, 'the host was off before the end');
  const other = await it.start('change', { to: it.primary.version });
  await overdue(stood);
  assert.equal(it.version(), it.fallback.version, 'nobody was there to go back');
  const before = entries().length;
  it.barrier.arm('expire:taken');
  it.letBegin('agent');
  await it.barrier.reached('expire:taken');
  for (const { workflowId } of [started, other]) {
    const { raw } = await it.client.workflow.getHandle(workflowId).describe();
    // 2: an agent has it.
    assert.deepEqual(raw.pendingActivities?.filter(({ state }) => state === 2), [], 'an order was taken before the way back');
  }
  it.barrier.release('expire:taken');
  const result = await it.result(started);
  assert.equal(result.outcome, 'expired', result.message);
  assert.equal(result.exception!.ending, 'reverted');
  assert.match(entries()[before]!.op, /^expiry-.*\/expire$/, 'the first entry of the new agent is its own way back');
  assertBack(stood, true);
  // Whichever came first: the trail may not have been told of the way back when it was planned.
  assert.match((await it.result(other)).outcome, /^(not-needed|refused)$/);
  assert.match((await it.cli('why', it.project)).stdout, new RegExp(`^${it.primary.version} since .*, when ${started.run} .*ended`));
});

test('invariant 7: no agent at all: runbook undo --due --local goes back; the run finds it done', { timeout: 300_000 }, async () => {
  const stood = await standing();
  const { started, end } = stood;
  await it.takeAway('agent');
  assert.ok(Date.now() < end);
  await overdue(stood);
  assert.equal(it.version(), it.fallback.version, 'nobody was there to go back');
  const { code, stdout } = await it.cli('undo', '--due', '--local');
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${started.run} ended at .*; rolled-back to ${it.primary.version}, verified`));
  assertBack(stood, true);
  assert.equal((await it.cli('undo', '--due', '--local')).stdout, 'nothing is due\n');
  it.letBegin('agent');
  const result = await it.result(started);
  assert.equal(result.outcome, 'expired', result.message);
  assertBack(stood, true);
});

test('invariant 7, EE-09: server and agent up: the timer of the run and the clock of the host come to one undo', { timeout: 300_000 }, async () => {
  const stood = await standing();
  const result = await it.result(stood.started);
  assert.ok(Date.now() >= stood.end);
  assert.equal(result.outcome, 'expired', result.message);
  assert.equal(result.exception!.ending, 'reverted');
  assert.match(result.message, new RegExp(`back on ${it.primary.version}, verified`));
  assertBack(stood);
  const { stdout } = await it.cli('why', it.project);
  assert.match(stdout, new RegExp(`^${it.primary.version} since .*, when ${stood.started.run} .*ended`));
});
