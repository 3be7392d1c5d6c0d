import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addDays, addMonths, dueItems, isToldBy, reminderId, type DueItem } from '../../policy/due.js';
import { policyWith } from '../support/policies.js';

const brief = (items: DueItem[]): string[] => items.map(({ on, kind, overdue, row, what }) => `${on} ${kind} ${overdue ? 'overdue' : 'to come'} ${row} ${what}`);
const of = (fields: object, now = '2026-01-15T12:00:00.000Z'): DueItem[] => dueItems(policyWith({ header: { review: '2030-01-01' }, timeline: {}, ...fields }), now).filter(({ kind }) => kind !== 'review');

test('PV-10: months are counted to a day that there is', () => {
  const cases: [string, number, string][] = [
    ['2027-10-31', -18, '2026-04-30'], ['2028-10-31', -18, '2027-04-30'], ['2024-02-29', 12, '2025-02-28'], ['2024-02-29', -48, '2020-02-29'], ['2025-12-31', 2, '2026-02-28'],
    ['2023-12-31', 2, '2024-02-29'], ['2026-01-31', -1, '2025-12-31'], ['2026-03-31', -1, '2026-02-28'], ['2024-10-07', 6, '2025-04-07'], ['2025-10-07', -12, '2024-10-07'], ['2026-05-15', 0, '2026-05-15'],
  ];
  for (const [date, months, expected] of cases) assert.equal(addMonths(date, months), expected, `${date} ${months}`);
});

test('PV-10: a month later never skips a month, and never changes a day that both months have', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: -300, max: 300 }), (days, months) => {
    const date = addDays('2000-01-01', days);
    const moved = addMonths(date, months);
    const index = (day: string): number => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
    return index(moved) - index(date) === months && (moved.slice(8) === date.slice(8) || (moved.slice(8) < date.slice(8) && addDays(moved, 1).slice(8) === '01'));
  }));
});

test('PV-07: the primary is supported until the policy\'s date, else until the next line is; its last day is not overdue', () => {
  assert.deepEqual(brief(of({ timeline: { '3.13': { ga: '2024-10-07', supportAfterMonths: 6 } } })).at(-1), '2025-04-07 support overdue PV-07 support period of Python 3.12.x (primary) ends: Python 3.13 is meant to be supported');
  const dated = { interpreters: { primary: { version: '3.12.x', justification: 'j', supportUntil: '2026-01-15' }, fallback: { version: '3.11.13', justification: 'j', supportUntil: '2026-01-14' } } };
  assert.deepEqual(brief(of(dated)), ['2026-01-14 support overdue PV-07 support period of Python 3.11.13 (fallback) ends', '2026-01-15 support to come PV-07 support period of Python 3.12.x (primary) ends']);
  assert.deepEqual(of({}), [], 'without dates there is nothing to say');
});

test('PV-08, PV-09: support targets and planning of lines that are still to come; an approved or an older line needs none', () => {
  const timeline = { '3.12': { ga: '2023-10-02', supportAfterMonths: 6, planningBeforeMonths: 12 }, '3.10': { ga: '2021-10-04', supportAfterMonths: 6 }, '3.13': { ga: '2024-10-07', supportAfterMonths: 6 }, '3.14': { ga: '2025-10-07', planningBeforeMonths: 12 } };
  assert.deepEqual(brief(of({ timeline })).filter((line) => !line.includes(' support ')), ['2024-10-07 planning overdue PV-09 planning for Python 3.14 begins', '2025-04-07 support-target overdue PV-08 Python 3.13 is meant to be supported']);
  const approved = of({ timeline, interpreters: { primary: { version: '3.13.x', justification: 'j' } } });
  assert.deepEqual(approved.map(({ kind, what }) => `${kind} ${what}`), ['planning planning for Python 3.14 begins']);
});

test('PV-10: end of life is announced 18 months before; of a line that is approved its last day is due as well', () => {
  const timeline = { '3.12': { eol: '2028-10-31' }, '3.9': { eol: '2025-10-31' }, '3.13': { eol: '2029-10-31', eolNoticeMonths: 6 } };
  assert.deepEqual(brief(of({ timeline }, '2028-11-01T00:00:00.000Z')), [
    '2027-04-30 eol-notice overdue PV-10 announce that Python 3.12 (approved here) ends on 2028-10-31', '2028-10-31 eol overdue PV-10 Python 3.12 (approved here) ends', '2029-04-30 eol-notice to come PV-10 announce that Python 3.13 (not approved here) ends on 2029-10-31',
  ]);
  assert.match(brief(of({ timeline }, '2025-10-31T23:59:59.000Z'))[0]!, /^2024-04-30 eol-notice overdue PV-10 announce that Python 3\.9/, 'until its last day');
});

test('PV-31: the review date is due, and one that is no date is overdue with what stands there', () => {
  const review = (header: object) => dueItems(policyWith({ timeline: {}, header }), '2025-03-02T08:00:00.000Z').filter(({ row }) => row === 'PV-31');
  assert.deepEqual(brief(review({})), ['2025-03-02 review to come PV-31 review of policy revision 1.0.0 by platform team']);
  assert.equal(dueItems(policyWith(), '2025-03-03T00:00:00.000Z').find(({ kind }) => kind === 'review')!.overdue, true);
  for (const text of ['soon', '2025-02-30', '02.03.2025']) assert.deepEqual(review({ review: text }).map(({ on, overdue, what }) => [on, overdue, what.endsWith(`is no date: ${text}`)]), [['2024-12-02', true, true]]);
});

test('PF-29: the preflight checklist has a review of its own, by its owner', () => {
  const reviews = (checks: object) => dueItems(policyWith({ timeline: {}, checks }), '2025-03-03T00:00:00.000Z').filter(({ row }) => row === 'PF-29');
  assert.deepEqual(brief(reviews({})), ['2025-03-02 review overdue PF-29 review of preflight checklist 1.0.0 by operations team']);
  assert.deepEqual(reviews({ checklist: { review: '2026-06-01', owner: 'sre' } }).map(({ on, overdue }) => [on, overdue]), [['2026-06-01', false]]);
});

test('the documents\' policy has all its dates, in order; what waits is among them', () => {
  const items = dueItems(policyWith(), '2026-11-21T19:00:00.000Z', { waiting: [{ what: 'exception ex-7k2m ends', at: '2026-11-22T10:31:00.000Z', row: 'EE-09' }] });
  assert.deepEqual(items.map(({ on, kind }) => `${on} ${kind}`), [
    '2024-10-07 planning', '2025-03-02 review', '2025-03-02 review', '2025-04-07 support-target', '2025-04-07 support', '2026-04-30 eol-notice', '2026-11-22 waiting', '2027-04-30 eol-notice', '2027-10-31 eol', '2028-04-30 eol-notice', '2028-10-31 eol', '2029-04-30 eol-notice',
  ]);
});

test('reminders begin before the day where somebody must prepare, on the day for notices; their names are stable and apart', () => {
  const item = (kind: DueItem['kind'], overdue = false): DueItem => ({ kind, on: '2026-03-31', what: 'Übung: Python 3.13 "x"', overdue, row: 'PV-07' });
  assert.deepEqual([isToldBy(item('support'), '2026-02-28'), isToldBy(item('support'), '2026-03-01')], [false, true]);
  assert.deepEqual([isToldBy(item('eol-notice'), '2026-03-30'), isToldBy(item('eol-notice'), '2026-03-31')], [false, true]);
  assert.equal(reminderId(item('eol')), 'due/eol/2026-03-31/bung-python-3.13-x/near');
  assert.notEqual(reminderId(item('eol')), reminderId(item('eol', true)));
  assert.match(reminderId({ ...item('waiting'), what: 'ä'.repeat(500) + 'x'.repeat(500) }), /^[\x21-\x7e]{1,200}$/);
});
