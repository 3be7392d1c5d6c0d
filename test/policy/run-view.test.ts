import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../policy/records.js';
import { foldEntry } from '../../policy/run-view.js';
import type { RunLookup, RunView } from '../../policy/run-view.js';
import { entry, wholeRun } from '../support/record-entries.js';

/** Rows after all entries, newest run first. */
function fold(entries: AuditEntry[]): RunView[] {
  const rows = new Map<string, RunView>();
  const all = () => [...rows.values()].sort((a, b) => b.firstSeq - a.firstSeq);
  const lookup: RunLookup = {
    byChain: (chain) => rows.get(chain) ?? null,
    byRun: (run) => all().find((row) => row.run === run) ?? null,
    unsettledOf: (host, link) => all().filter((row) => row.host === host && row.link === link && row.phase === 'unsettled'),
  };
  entries.forEach((one, at) => foldEntry(lookup, one, at + 1).forEach((row) => rows.set(row.chain, row)));
  return all();
}

const one = (entries: AuditEntry[]): RunView => {
  const rows = fold(entries);
  assert.equal(rows.length, 1, JSON.stringify(rows.map((row) => row.run)));
  return rows[0]!;
};

const undoRun = (outcome: string): AuditEntry[] => {
  const fields = { run: 'rb-0001', kind: 'rollback', chain: 'chain-rb', workflowId: 'rollback/1', justification: 'back' };
  return [entry(20, { ...fields, event: 'run-started' }), entry(21, { ...fields, event: 'outcome', data: { outcome, message: 'as asked', from: null, to: '3.12.1' } })];
};

test('a run is told by its entries: opened, planned, stepped, ended', () => {
  const entries = wholeRun();
  const open = one(entries.slice(0, 3));
  assert.equal(open.endedAt, null);
  assert.deepEqual([open.from, open.to, open.approval, open.changed], ['3.12.1', '3.11.7', 'policy pre-approved', 'no']);
  const done = one(entries);
  assert.deepEqual([done.phase, done.outcome, done.endedAt, done.lastSeq], ['ended', 'done', entries[4]!.at, 5]);
  assert.deepEqual(done.steps.map(({ step, ok }) => [step, ok]), [['arm', true], ['switch', true]]);
  assert.deepEqual([done.changed, done.changedAt], ['yes', entries[3]!.at], 'changed at the switch, not at the end');
});

test('tree names that steps call from and to are not versions', () => {
  const switched = entry(4, { event: 'step-done', data: { step: 'switch', from: 'a4f1', to: 'fb-7k2m-1' } });
  assert.deepEqual([one([...wholeRun().slice(0, 3), switched]).from, one([...wholeRun().slice(0, 3), switched]).to], ['3.12.1', '3.11.7']);
});

test('an undo within a run leaves the environment as it was: not changed', () => {
  const undone = entry(6, { event: 'undo', data: { from: '3.11.7', to: '3.12.1', verified: true } });
  const ended = entry(7, { event: 'outcome', data: { outcome: 'rolled-back', message: 'back' } });
  const run = one([...wholeRun().slice(0, 4), undone, ended]);
  assert.deepEqual([run.changed, run.changedAt, run.from, run.to], ['no', null, '3.12.1', '3.11.7']);
});

test('what tidies up changes no interpreter: a run that ends on its version, or knows none, and did not switch', () => {
  const started = wholeRun().slice(0, 1);
  const ended = (from: string | null, to: string | null): AuditEntry => entry(9, { event: 'outcome', data: { outcome: 'done', message: 'tidied', from, to } });
  for (const version of [null, '3.12.1']) assert.deepEqual([one([...started, ended(version, version)]).changed, one([...started, ended(version, version)]).changedAt], ['no', null]);
  const rebuilt = [...wholeRun().slice(0, 4), ended('3.12.1', '3.12.1')];
  assert.equal(one(rebuilt).changed, 'yes', 'another tree of the same version stands there');
});

test('an undo that did not come to a verified end leaves it uncertain', () => {
  assert.equal(one([...wholeRun().slice(0, 4), entry(7, { event: 'outcome', data: { outcome: 'rollback-incomplete', message: 'no' } })]).changed, 'uncertain');
});

test('a rollback changes the environment; keeping what stands does not', () => {
  assert.deepEqual(fold(undoRun('rolled-back')).map((row) => [row.changed, row.to]), [['yes', '3.12.1']]);
  assert.equal(one(undoRun('done')).changed, 'no');
  assert.equal(one(undoRun('not-needed')).changed, 'no');
});

test('an undo without the server is a run of its own, whole in one entry', () => {
  const run = one([entry(1, { event: 'undo', kind: 'rollback', run: 'rb-local', data: { from: '3.11.7', to: '3.12.1', verified: true } })]);
  assert.deepEqual([run.outcome, run.changed, run.to], ['rolled-back', 'yes', '3.12.1']);
});

test('the entries of an ordered change with a chain of its own belong to the run that ordered it', () => {
  const entries = wholeRun().map((each, at) => (at > 0 && at < 4 ? { ...each, chain: 'child', key: `child/${at}`, workflowId: 'change/1', runId: 'execution-2' } : each));
  const run = one(entries);
  assert.deepEqual([run.chain, run.executionRunId, run.steps.length], ['chain-1', 'execution-1', 2]);
});

test('another run with the same short id is another row, and an ended one takes no strangers', () => {
  const later = wholeRun({ chain: 'chain-2' });
  const rows = fold([...wholeRun(), ...later]);
  assert.deepEqual(rows.map((row) => [row.chain, row.firstSeq, row.lastSeq]), [['chain-2', 6, 10], ['chain-1', 1, 5]]);
});

test('news of hosts makes no run', () => {
  assert.deepEqual(fold([entry(1, { event: 'check-in', run: 'watch-laptop', kind: 'watch', link: '' }), entry(2, { event: 'host-unreachable', run: '', link: '' })]), []);
});

test('unsettled is told by the host\'s watch and shown at the run; a settle by undo or keep ends it', () => {
  const watch = entry(9, { event: 'unsettled', chain: 'watch', workflowId: 'watch/laptop', actor: 'agent@laptop' });
  const waiting = one([...wholeRun().slice(0, 4), watch]);
  assert.deepEqual([waiting.phase, waiting.waitsFor, waiting.endedAt, waiting.changed, waiting.workflowId], ['unsettled', ['settle'], null, 'yes', entry(1).workflowId]);
  for (const outcome of ['rolled-back', 'done'] as const) {
    const [rollback, settled] = fold([...wholeRun().slice(0, 4), watch, ...undoRun(outcome)]) as [RunView, RunView];
    assert.deepEqual([settled.run, settled.phase, settled.outcome, settled.waitsFor], ['fb-7k2m', 'ended', outcome, []]);
    assert.match(settled.message, /settled by rb-0001/);
    assert.equal(rollback.run, 'rb-0001');
  }
  const [, still] = fold([...wholeRun().slice(0, 4), watch, ...undoRun('rollback-incomplete')]) as [RunView, RunView];
  assert.equal(still.phase, 'unsettled');
  assert.deepEqual(fold([watch]), [], 'a run that no entry tells of is not invented');
});

test('a lease freed before the switch ends a run that was ended from outside', () => {
  const freed = entry(9, { event: 'lease-freed', chain: 'watch', workflowId: 'watch/laptop' });
  const run = one([...wholeRun().slice(0, 3), freed]);
  assert.deepEqual([run.outcome, run.changed, run.endedAt], ['rolled-back', 'no', freed.at]);
  assert.equal(one([...wholeRun(), freed]).outcome, 'done', 'an outcome that was said stays');
});
