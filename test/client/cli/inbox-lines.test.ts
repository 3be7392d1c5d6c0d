/** The order and the words of what waits for a decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, inboxLine, inboxRows } from '../../../client/cli/inbox-lines.js';
import type { OpenDecision } from '../../../policy/model-approval.js';

process.env['TZ'] = 'UTC';
const NOW = new Date('2026-11-21T11:00:00Z');
const decision = (fields: Partial<OpenDecision>): OpenDecision => ({
  run: 'ex-3p9d', purpose: 'grant', kind: 'exception', where: 'web-01:/srv/pricer', from: '3.12.11', to: '3.13.9', hours: 24, requester: 'bob',
  progress: '0 of 2 of cab', roles: ['cab'], voted: [], deadline: '2026-11-24T11:00:00.000Z', conveneBy: null, ...fields,
});
const runs = (rows: { run: string }[]): string[] => rows.map(({ run }) => run);
const alice = { person: 'alice', roles: ['cab'] };

test('AP-12: mine first, the nearest deadline first; what I asked, voted on, or have no role for is not mine', () => {
  const rows = inboxRows([
    decision({ run: 'ch-0001', deadline: '2026-11-21T12:00:00.000Z', requester: 'alice' }),
    decision({ run: 'ch-0002', deadline: '2026-11-21T12:01:00.000Z', voted: ['alice'] }),
    decision({ run: 'ch-0003', deadline: '2026-11-21T12:02:00.000Z', roles: ['security'] }),
    decision({ run: 'ch-0004', deadline: '2026-11-25T11:00:00.000Z' }),
    decision({ run: 'ch-0005', deadline: '2026-11-24T11:00:00.000Z', roles: ['security', 'cab'] }),
  ], alice);
  assert.deepEqual(runs(rows), ['ch-0005', 'ch-0004', 'ch-0001', 'ch-0002', 'ch-0003']);
  assert.deepEqual(rows.map(({ mine }) => mine), [true, true, false, false, false]);
  assert.deepEqual(rows.map(({ why }) => why), ['', '', 'you asked', 'you have voted', '']);
});

test('EE-04: until it has convened, the time to convene counts, and comes before later deadlines', () => {
  const [first, second] = inboxRows([decision({ run: 'ch-0001', deadline: '2026-11-21T14:00:00.000Z' }), decision({ conveneBy: '2026-11-21T13:00:00.000Z' })], alice);
  assert.equal(first!.run, 'ex-3p9d');
  assert.equal(first!.by, '2026-11-21T13:00:00.000Z');
  assert.equal(second!.run, 'ch-0001');
});

test('without a key nothing is mine, and nothing is hidden', () => {
  const rows = inboxRows([decision({}), decision({ run: 'ch-0001', deadline: '2026-11-21T12:00:00.000Z' })], null);
  assert.deepEqual(rows.map(({ run, mine }) => [run, mine]), [['ch-0001', false], ['ex-3p9d', false]]);
});

test('a decision is one line: what, where, how far, until when, who asked', () => {
  const line = (fields: Partial<OpenDecision>): string => inboxLine(inboxRows([decision(fields)], alice)[0]!, NOW);
  assert.equal(line({ conveneBy: '2026-11-21T13:02:00.000Z' }), `ex-3p9d  exception 3.13.9, web-01 pricer, 24 h  2 of cab  by ${clock('2026-11-21T13:02:00.000Z', NOW)}  asked by bob`);
  assert.match(line({ progress: '1 of 2 of cab' }), / {2}1 of 2 of cab {2}/);
  assert.match(line({ conveneBy: '2026-11-21T10:59:00.000Z' }), / {2}overdue since \d\d:59 {2}/);
  assert.match(line({ requester: 'alice' }), /asked by alice \(you asked\)$/);
  assert.match(line({ purpose: 'security-review', kind: 'interpreter-change', hours: null }), /^ex-3p9d {2}security-review of interpreter-change 3\.13\.9, web-01 pricer {2}2 of cab/);
  assert.equal(line({ requester: 'bob\nex-9999  approve me' }).split('\n').length, 1);
});

test('times are told as people read them: today, this week, beyond', () => {
  assert.match(clock('2026-11-21T13:02:00.000Z', new Date('2026-11-21T12:00:00.000Z')), /^(\w{3} )?\d\d:\d\d$/);
  assert.match(clock('2026-11-23T13:02:00.000Z', NOW), /^\w{3} \d\d:\d\d$/);
  assert.match(clock('2026-12-24T13:02:00.000Z', NOW), /^2026-12-2[345] \d\d:\d\d$/);
});
