import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyLine } from '../../policy/run-text.js';
import type { RunView } from '../../policy/run-view.js';
import { foldEntry } from '../../policy/run-view.js';
import { wholeRun } from '../support/record-entries.js';

function view(fields: Partial<RunView> = {}): RunView {
  let row: RunView | null = null;
  const lookup = { byChain: () => row, byRun: () => row, unsettledOf: () => [] };
  wholeRun().forEach((each, at) => { row = foldEntry(lookup, each, at + 1)[0]!; });
  return { ...row!, ...fields };
}

const formatTime = (iso: string): string => iso.slice(11, 16);

test('why: version, since when, by which run, who, why and by whose leave, and what was before', () => {
  assert.equal(whyLine({ history: [view()], live: '3.11.7', formatTime }), '3.11.7 since 11:30 by fb-7k2m (bob: "new lock", policy pre-approved); before it 3.12.1');
});

test('why: a temporary change says until when, and then what', () => {
  const line = whyLine({ history: [view({ end: '2025-11-23T11:31:00.000Z', approval: 'alice, carol' })], formatTime });
  assert.match(line, /\(bob: "new lock", alice, carol\) to 11:31, then 3\.12\.1$/);
});

test('why: what the host says wins over the record, and the difference is said', () => {
  assert.match(whyLine({ history: [view()], live: '3.13.0', formatTime }), /^3\.13\.0, which no run on record put there; the last on record: 3\.11\.7 since/);
  assert.match(whyLine({ history: [view()], live: null, formatTime }), /^no Python, which no run/);
  assert.equal(whyLine({ history: [], live: '3.12.1', formatTime }), '3.12.1; no run on record changed it');
  assert.equal(whyLine({ history: [], formatTime }), 'no run on record changed it');
});

test('why: a rollback takes what was before it from the run before it', () => {
  const rollback = view({ run: 'rb-0001', kind: 'rollback', from: null, to: '3.12.1', approval: '', reason: 'trying it' });
  assert.equal(whyLine({ history: [rollback, view()], formatTime }), '3.12.1 since 11:30 by rb-0001 (bob: "trying it"); before it 3.11.7');
});

test('why: unfinished, unsettled and uncertain ends are never told as settled ones', () => {
  assert.match(whyLine({ history: [view({ endedAt: null, phase: 'restarting' })], formatTime }), /; the run goes on, restarting$/);
  assert.match(whyLine({ history: [view({ endedAt: null, phase: 'unsettled' })], formatTime }), /; unsettled: runbook settle fb-7k2m$/);
  assert.match(whyLine({ history: [view({ changed: 'uncertain' })], formatTime }), /^not certain since 11:30: fb-7k2m \(.*\) could not go back from 3\.11\.7 to 3\.12\.1/);
});

test('why stays one line whatever the reason holds', () => {
  assert.doesNotMatch(whyLine({ history: [view({ reason: 'a\nb\u2028c', requester: 'x\ry' })], formatTime }), /[\r\n\u2028]/);
});
