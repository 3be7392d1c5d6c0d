import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exceptionRow, inOrder, type ExceptionRow } from '../../policy/exception-rows.js';
import { clockLines, remainingText, reviewAmong, reviewRunOf } from '../../policy/exception-text.js';
import type { AuditEntry } from '../../policy/records.js';
import { openRecords } from '../../records/store.js';
import { EXPIRES, active, asked, byHost, denied, granted, outcome, overdue, permanent, revertedByRun, reviewed, rootCause } from '../support/exception-entries.js';
import { recordsFile } from '../support/record-entries.js';

const DURING = '2026-11-21T11:19:00.000Z';

function rowOf(t: Parameters<typeof recordsFile>[0], entries: AuditEntry[], now = DURING): ExceptionRow & { lines: string[] } {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  records.append(entries);
  const view = records.listRuns({ kind: 'exception' })[0]!;
  const lines = clockLines({ exception: view.exception!, requester: view.requester, outcome: view.outcome, now, formatTime: (iso) => iso.slice(11, 16) }).map(([name, words]) => `${name}: ${words}`);
  return { ...exceptionRow(view, reviewAmong(records.runsNamed([reviewRunOf(view.run)!]), view), now), lines };
}

test('EE-12: the clock in lines: declared, convened in time, granted by whom, expires and remaining', (t) => {
  const { lines, remainingMs, state, grantedBy } = rowOf(t, active());
  assert.deepEqual(lines, [
    'declared: 10:02 by bob: security-vulnerability, 24 h',
    'convened: 10:20, in time (by 12:02)',
    'granted: 10:31 by alice, carol',
    `expires: 10:31 (${EXPIRES}), 23 h 12 min left`,
    'root cause: not handed in',
  ]);
  assert.deepEqual([state, remainingMs, grantedBy], ['active', Date.parse(EXPIRES) - Date.parse(DURING), ['alice', 'carol']]);
});

test('EE-12: before the grant: not convened yet, overdue, or nothing to convene any more', (t) => {
  assert.deepEqual(rowOf(t, asked()).lines.slice(1), ['convened: not yet, by 12:02', 'granted: not yet']);
  assert.deepEqual(rowOf(t, [...asked(), overdue()], '2026-11-21T12:02:00.000Z').lines[1], 'convened: overdue since 12:02', 'at the limit it is over');
  assert.deepEqual(rowOf(t, [...asked(), outcome('expired', 'nobody voted')]).lines.slice(1), ['convened: no', 'granted: no']);
});

test('every state of an exception has its word', (t) => {
  const end = [...revertedByRun(), outcome('expired', 'over')];
  const cases: [string, AuditEntry[], string?][] = [
    ['waiting', asked()], ['granted', granted()], ['active', active()], ['overdue', active(), EXPIRES], ['reverted', [...active(), ...end], EXPIRES], ['reverted', [...active(), ...byHost()], EXPIRES],
    ['not-reverted', [...active(), ...byHost(undefined, { verified: false, problem: 'x' })], EXPIRES], ['made-permanent', [...active(), ...permanent()]], ['denied', denied()], ['withdrawn', [...asked(), outcome('rolled-back', 'stopped by bob')]],
  ];
  for (const [expected, entries, now] of cases) assert.equal(rowOf(t, entries, now).state, expected);
});

test('what is over has nothing remaining, what stays does not expire', (t) => {
  assert.deepEqual([rowOf(t, [...active(), ...byHost()]).remainingMs, rowOf(t, [...active(), ...permanent()]).expiresAt], [null, null]);
});

test('root cause and final review stand in the row, with what the review waits for', (t) => {
  const handed = [...active(), rootCause('9'.repeat(64))];
  assert.deepEqual(rowOf(t, handed).review, null);
  assert.deepEqual(rowOf(t, [...handed, ...reviewed().slice(0, 2)]).review, { run: 'ic-3p9d', state: 'waits for root-cause of technical-review' });
  assert.deepEqual(rowOf(t, [...handed, ...reviewed('denied')]).review, { run: 'ic-3p9d', state: 'denied' });
  const elsewhere = reviewed().map((one) => ({ ...one, link: '/srv/other/.venv' }));
  assert.equal(rowOf(t, [...handed, ...elsewhere]).review, null, 'another environment has its own of that name');
});

test('those that are not over come first, and of the others as many as asked for', () => {
  const row = (run: string, state: ExceptionRow['state']): ExceptionRow => ({ run, state }) as ExceptionRow;
  const rows = [row('a', 'reverted'), row('b', 'active'), row('c', 'denied'), row('d', 'not-reverted'), row('e', 'withdrawn')];
  assert.deepEqual(inOrder(rows, 2).map(({ run }) => run), ['b', 'd', 'a', 'c']);
});

test('time that is left is rounded down, time that is over is told as such', () => {
  const at = (ms: number): string => remainingText('2026-01-01T00:00:00.000Z', new Date(Date.parse('2026-01-01T00:00:00.000Z') - ms).toISOString());
  assert.deepEqual([at(72 * 3_600_000), at(3_599_999), at(59_999), at(0), at(-90_000)], ['72 h 0 min left', '59 min left', '59 s left', 'over since 0 s', 'over since 1 min']);
});
