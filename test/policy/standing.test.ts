import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEntry } from '../../policy/records.js';
import { whyLine } from '../../policy/run-text.js';
import { standingOf } from '../../policy/standing.js';
import { openRecords } from '../../records/store.js';
import { EXPIRES, active, byHost, orphanDone, outcome, permanent, revertedByRun, reviewed } from '../support/exception-entries.js';
import { recordsFile, wholeRun } from '../support/record-entries.js';

const [HOST, LINK] = ['web-01', '/srv/pricer/.venv'];
const DURING = '2026-11-22T09:00:00.000Z';
const AFTER = '2026-11-22T12:00:00.000Z';
const formatTime = (iso: string): string => iso.slice(5, 16);

/** A real records file with an earlier change of the environment and then these entries. */
function recorded(t: Parameters<typeof recordsFile>[0], entries: AuditEntry[]) {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  records.append(wholeRun({ chain: 'chain-0', run: 'ch-0001', kind: 'change', host: HOST, link: LINK, justification: 'patch' }, '3.12.1', '3.12.11'));
  records.append(entries);
  const verdict = records.verify();
  assert.ok(verdict.ok, JSON.stringify(verdict));
  const history = records.historyOf(HOST, LINK);
  return { history, views: records.listRuns({ host: HOST, link: LINK }), why: (now: string, live?: string | null) => whyLine({ history, now, formatTime, ...(live === undefined ? {} : { live }) }) };
}

test('EE-11: under an exception: its version, flagged, with its end; one line of why says who signed, until when, and then what', (t) => {
  const { views, why } = recorded(t, active());
  assert.deepEqual(standingOf(views, DURING), { state: 'exception', version: '3.13.9', since: '2026-11-21T10:32:00.000Z', run: 'ex-3p9d', end: EXPIRES });
  assert.equal(why(DURING, '3.13.9'), '3.13.9 since 11-21T10:32 by ex-3p9d (bob; alice, carol) to 11-22T10:31, then 3.12.11');
});

test('EE-11: an end that came without a way back on record is overdue, and not told as one to come', (t) => {
  const { views, why } = recorded(t, active());
  assert.equal(standingOf(views, EXPIRES).state, 'overdue', 'half open: at its end it is over');
  assert.match(why(AFTER), /^3\.13\.9 since .*; its end was 11-22T10:31, and no way back to 3\.12\.11 is on record: runbook show ex-3p9d$/);
});

test('EE-09: after the way back, by run or host alone, the old version stands again and why says since when', (t) => {
  for (const end of [[...revertedByRun(), outcome('expired', 'over')], byHost('2026-11-22T10:31:01.000Z')]) {
    const { views, why, history } = recorded(t, [...active(), ...end]);
    assert.deepEqual(standingOf(views, AFTER), { state: 'settled', version: '3.12.11', since: '2026-11-22T10:31:01.000Z', run: 'ex-3p9d', end: null });
    assert.equal(why(AFTER, '3.12.11'), '3.12.11 since 11-22T10:31, when ex-3p9d (bob; alice, carol) ended; before it 3.13.9 since 11-21T10:32');
    assert.match(why(AFTER, '3.13.9'), /^3\.13\.9, which no run on record put there; the last on record: 3\.12\.11 since/);
    assert.deepEqual(history.map(({ run }) => run), ['ex-3p9d', 'ch-0001']);
  }
});

test('EE-09: what is undone by hand before the end is no exception any more', (t) => {
  const back = wholeRun({ chain: 'chain-rb', run: 'rb-0001', kind: 'rollback', host: HOST, link: LINK }, null, '3.12.11').map((one) => ({ ...one, at: one.at.replace('2025-11-22T11:30', '2026-11-21T20:00') }));
  const undone = back.map((one) => (one.event === 'outcome' ? { ...one, data: { ...one.data, outcome: 'rolled-back' } } : one));
  const { views, history } = recorded(t, [...active(), ...undone]);
  assert.deepEqual([standingOf(views, DURING).state, standingOf(views, DURING).version, history[0]?.run], ['settled', '3.12.11', 'rb-0001']);
});

test('EE-09: a way back that is not verified is not certain, whoever tells it', (t) => {
  const { views, why } = recorded(t, [...active(), ...byHost(undefined, { verified: false, version: null, problem: 'not healthy' })]);
  assert.equal(standingOf(views, AFTER).state, 'uncertain');
  assert.match(why(AFTER), /^not certain since 11-21T10:32: ex-3p9d \(bob; alice, carol\) could not go back from 3\.13\.9 to 3\.12\.11/);
});

test('EE-08: what was made permanent stays, and why names the review that approved it', (t) => {
  const { views, why } = recorded(t, [...active(), ...reviewed(), ...permanent()]);
  assert.deepEqual(standingOf(views, AFTER), { state: 'settled', version: '3.13.9', since: '2026-11-21T10:32:00.000Z', run: 'ex-3p9d', end: null });
  assert.equal(why(AFTER), '3.13.9 since 11-21T10:32 by ex-3p9d (bob; alice, carol; for good by ic-3p9d); before it 3.12.11');
});

test('AP-13: a review that approved another version changes nothing of how the environment stands', (t) => {
  const { views, history } = recorded(t, reviewed());
  assert.deepEqual([standingOf(views, AFTER).version, standingOf(views, AFTER).run, history.map(({ run }) => run)], ['3.12.11', 'ch-0001', ['ch-0001']]);
});

test('a refused run that saw the exception does not outlive it as the version that stands', (t) => {
  const refusedRun = wholeRun({ chain: 'chain-no', run: 'ch-0002', kind: 'change', host: HOST, link: LINK }, '3.13.9', '3.14.0').filter(({ event }) => event !== 'step-done')
    .map((one) => ({ ...one, at: one.at.replace('2025-11-22T11:30', '2026-11-21T20:00'), data: one.event === 'outcome' ? { ...one.data, outcome: 'refused' } : one.data }));
  assert.deepEqual([standingOf(recorded(t, [...active(), ...refusedRun]).views, DURING).state, standingOf(recorded(t, [...active(), ...refusedRun]).views, DURING).version], ['exception', '3.13.9']);
  assert.equal(standingOf(recorded(t, [...active(), ...refusedRun, ...byHost()]).views, AFTER).version, '3.12.11');
});

test('a change whose exception was terminated is flagged like any other; nothing on record is unknown', (t) => {
  assert.equal(standingOf(recorded(t, [...active(), orphanDone()]).views, DURING).state, 'exception');
  assert.deepEqual(standingOf([], AFTER), { state: 'unknown', version: null, since: null, run: null, end: null });
});
