import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryProblem, type AuditEntry } from '../../policy/records.js';
import { foldEntry, type RunLookup, type RunView } from '../../policy/run-view.js';
import { EXPIRES, GRANTED, active, asked, byHost, denied, granted, late, orphanDone, outcome, overdue, permanent, refusedVote, rehearsed, revertedByRun, reviewed, rootCause } from '../support/exception-entries.js';

/** Rows by short id after all entries. */
function fold(entries: AuditEntry[]): Map<string, RunView> {
  const rows = new Map<string, RunView>();
  const all = () => [...rows.values()].sort((a, b) => b.firstSeq - a.firstSeq);
  const lookup: RunLookup = { byChain: (chain) => rows.get(chain) ?? null, byRun: (run) => all().find((row) => row.run === run) ?? null, unsettledOf: (host, link) => all().filter((row) => row.host === host && row.link === link && row.phase === 'unsettled') };
  entries.forEach((one, at) => {
    assert.equal(entryProblem(one), null, JSON.stringify(one));
    foldEntry(lookup, one, at + 1).forEach((row) => rows.set(row.chain, row));
  });
  return new Map([...rows.values()].map((row) => [row.run, row]));
}

function only(entries: AuditEntry[]): RunView & { exception: NonNullable<RunView['exception']> } {
  const rows = fold(entries);
  assert.deepEqual([...rows.keys()], ['ex-3p9d']);
  return rows.get('ex-3p9d') as ReturnType<typeof only>;
}

test('EE-12: the clock of an exception follows its entries: declared, convened, granted, expires', () => {
  const waiting = only(asked());
  assert.deepEqual([waiting.phase, waiting.waitsFor, waiting.approval, waiting.changed], ['waiting', ['approval: 2 of cab'], 'asked', 'no']);
  assert.deepEqual([waiting.exception.ground, waiting.exception.hours, waiting.exception.declaredAt, waiting.exception.conveneBy, waiting.exception.convenedAt, waiting.exception.grantedAt], ['security-vulnerability', 24, '2026-11-21T10:02:00.000Z', '2026-11-21T12:02:00.000Z', null, null]);
  const { exception, approval, waitsFor, end, from, to } = only(granted());
  assert.deepEqual([exception.convenedAt, exception.grantedAt, exception.grantedBy, exception.expiresAt], ['2026-11-21T10:20:00.000Z', GRANTED, ['alice', 'carol'], EXPIRES]);
  assert.deepEqual([approval, waitsFor, end, from, to], ['alice, carol', [], EXPIRES, '3.12.11', '3.13.9']);
});

test('EE-04: a board that did not convene in time is told as overdue, and the wait goes on', () => {
  const { exception, message, phase, waitsFor } = only([...asked(), overdue()]);
  assert.deepEqual([exception.overdueAt, exception.convenedAt, phase, waitsFor], ['2026-11-21T12:02:00.000Z', null, 'waiting', ['approval: 2 of cab']]);
  assert.match(message, /cab did not convene by 2026-11-21T12:02/);
});

test('a vote that did not count convenes nobody and says nothing of the run', () => {
  const before = only(asked());
  const after = only([...asked(), refusedVote()]);
  assert.deepEqual({ ...after, lastSeq: 0 }, { ...before, lastSeq: 0 });
});

test('EE-10: denied: no change, and the row says so', () => {
  const run = only(denied());
  assert.deepEqual([run.outcome, run.changed, run.changedAt, run.approval, run.end, run.exception.grantedAt], ['denied', 'no', null, 'denied', null, null]);
});

test('EE-11: while it stands the row has its end, its waits, and what it changed; a rehearsal moves none of that', () => {
  const run = only(active());
  assert.deepEqual([run.outcome, run.changed, run.changedAt, run.end, run.phase], [null, 'yes', '2026-11-21T10:32:00.000Z', EXPIRES, 'waiting']);
  assert.match(run.waitsFor[0]!, /^the end of the exception, Sun 22 Nov/);
  assert.deepEqual(run.steps.map(({ step }) => step), ['declare', 'plan', 'grant', 'arm', 'prepare', 'verify', 'switch', 'close']);
  const proven = only([...active(), ...rehearsed(false)]);
  assert.deepEqual([proven.waitsFor, proven.phase, proven.exception.rehearsed], [run.waitsFor, 'waiting', { at: '2026-11-21T22:31:00.000Z', ok: false, problem: 'its interpreter is gone' }]);
});

test('a host that did not answer while the way back was rehearsed is not waited for any more', () => {
  const away = { ...active().at(-1)!, key: 'chain-ex/away', data: { phase: 'waiting', message: 'waits for web-01', waitsFor: ['host web-01'] } };
  assert.deepEqual(only([...active(), away]).waitsFor, ['host web-01']);
  const run = only([...active(), away, ...rehearsed()]);
  assert.deepEqual([run.waitsFor, run.phase], [['the end of the exception'], 'waiting']);
});

test('EE-09: the run goes back at its end: reverted, changed by it no more, and the time of its switch stays known', () => {
  const run = only([...active(), ...revertedByRun(), outcome('expired', 'its 24 hours are over; back on 3.12.11, verified')]);
  assert.deepEqual([run.outcome, run.changed, run.changedAt], ['expired', 'no', '2026-11-21T10:32:00.000Z']);
  assert.deepEqual(run.exception.reverted, { at: '2026-11-22T10:31:01.000Z', to: '3.12.11', verified: true, by: 'run', problem: '' });
});

test('EE-09: the host goes back by itself and nobody else is left: its word ends the row', () => {
  const run = only([...active(), ...byHost()]);
  assert.deepEqual([run.outcome, run.changed, run.endedAt, run.waitsFor, run.phase], ['expired', 'no', '2026-11-22T10:31:02.000Z', [], 'ended']);
  assert.deepEqual([run.exception.reverted?.by, run.exception.reverted?.to], ['host', '3.12.11']);
  assert.match(run.message, /the host went back by itself to 3\.12\.11, verified/);
});

test('EE-09: host and run tell the same end in any order: one row, the same facts, and the run has the last word', () => {
  const end = [...revertedByRun('2026-11-22T10:31:03.000Z'), outcome('expired', 'its 24 hours are over')];
  const orders = [[...byHost(), ...end], [...end, ...byHost('2026-11-22T10:31:09.000Z')], [end[0]!, ...byHost(), ...end.slice(1)]];
  for (const order of orders) {
    const run = only([...active(), ...order, ...late()]);
    assert.deepEqual([run.outcome, run.message, run.changed, run.exception.reverted?.verified, run.exception.reverted?.to, run.phase, run.waitsFor], ['expired', 'its 24 hours are over', 'no', true, '3.12.11', 'ended', []]);
  }
});

test('EE-09: a way back of the host that is not verified yet is uncertain, and its later word heals it, also after the run gave up', () => {
  const trying = byHost('2026-11-22T10:31:02.000Z', { verified: false, version: null, problem: 'pricer.service is not healthy' });
  const open = only([...active(), ...trying]);
  assert.deepEqual([open.outcome, open.changed, open.phase], [null, 'uncertain', 'reverting']);
  assert.match(open.message, /pricer\.service is not healthy/);
  const givenUp = outcome('rollback-incomplete', 'the way back is not verified');
  assert.equal(only([...active(), ...trying, givenUp]).changed, 'uncertain');
  const healed = only([...active(), ...trying, givenUp, ...byHost('2026-11-22T10:40:00.000Z')]);
  assert.deepEqual([healed.outcome, healed.changed, healed.exception.reverted?.verified], ['expired', 'no', true]);
  assert.match(healed.message, /not verified; then its end came: the host went back by itself/);
  const unsettledLater = only([...active(), ...byHost(), ...trying]);
  assert.deepEqual([unsettledLater.changed, unsettledLater.exception.reverted?.verified], ['no', true], 'an older word does not undo a verified one');
});

test('EE-09: a change that outlives its terminated exception stands as an exception until its host goes back', () => {
  const standing = only([...active(), orphanDone()]);
  assert.deepEqual([standing.outcome, standing.endedAt, standing.changed, standing.end], [null, null, 'yes', EXPIRES]);
  assert.equal(only([...active(), orphanDone(), ...byHost()]).outcome, 'expired');
});

test('EE-08: made permanent: no end any more, changed for good, and by which review', () => {
  const run = only([...active(), ...permanent()]);
  assert.deepEqual([run.outcome, run.changed, run.end, run.exception.permanentBy, run.exception.reverted], ['done', 'yes', null, 'ic-3p9d', null]);
});

test('an attempt that undid itself never stood: nothing was reverted', () => {
  const attempt = active().slice(0, -2);
  const own = { ...attempt.at(-1)!, key: 'chain-change/undo', event: 'undo' as const, data: { from: '3.13.9', to: '3.12.11', verified: true, of: 'chain-change' } };
  const run = only([...attempt, own, outcome('rolled-back', 'granted, and not carried out')]);
  assert.deepEqual([run.outcome, run.changed, run.changedAt, run.exception.reverted], ['rolled-back', 'no', null, null]);
});

test('EE-07: root cause by whom, when, by digest', () => {
  assert.deepEqual(only([...active(), rootCause('9'.repeat(64))]).exception.rootCause, { by: 'frank', at: '2026-11-21T14:00:00.000Z', sha256: '9'.repeat(64) });
});

test('votes, decisions and messages that are told after the end make no row and change none, and stay in its trail', () => {
  const whole = [...active(), ...revertedByRun(), outcome('expired', 'over')];
  const before = only(whole);
  const after = only([...whole, ...late()]);
  assert.deepEqual({ ...after, lastSeq: 0 }, { ...before, lastSeq: 0 });
  assert.equal(after.lastSeq, whole.length + late().length);
  assert.deepEqual([...fold(late()).keys()], [], 'nor where no run is known');
  const elsewhere = late().map((one) => ({ ...one, link: '/srv/other/.venv' }));
  assert.equal(only([...whole, ...elsewhere]).lastSeq, whole.length, 'nor for a run of the same name elsewhere');
  assert.deepEqual([...fold(byHost()).keys()], [], 'nor by a host whose run nobody knows');
});

test('AP-13: an interpreter change is a row of its own that changes no environment', () => {
  const rows = fold([...active(), rootCause('9'.repeat(64)), ...reviewed()]);
  assert.deepEqual([...rows.keys()], ['ex-3p9d', 'ic-3p9d']);
  const run = rows.get('ic-3p9d')!;
  assert.deepEqual([run.outcome, run.changed, run.approval, run.from, run.to, run.exception], ['done', 'no', 'frank', '3.12.11', '3.13.9', undefined]);
  const open = fold(reviewed().slice(0, 2)).get('ic-3p9d')!;
  assert.deepEqual([open.phase, open.waitsFor], ['waiting', ['root-cause of technical-review']]);
});
