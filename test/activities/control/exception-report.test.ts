import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExceptionReportActivities } from '../../../activities/control/exception-report.js';
import { sha256Hex } from '../../../policy/canonical.js';
import type { ExceptionClock } from '../../../policy/model-approval.js';
import type { Outcome } from '../../../policy/model.js';
import type { AuditEntry } from '../../../policy/records.js';
import { openRecords } from '../../../records/store.js';
import { EXPIRES, GRANTED, ROOT_CAUSE, active, asked, denied, permanent, refusedVote, revertedByRun, reviewed, rootCause } from '../../support/exception-entries.js';
import { recordsFile } from '../../support/record-entries.js';

const SHA = sha256Hex(ROOT_CAUSE);
const CLOCK: ExceptionClock = {
  ground: 'security-vulnerability', hours: 24, declaredAt: '2026-11-21T10:02:00.000Z', conveneBy: '2026-11-21T12:02:00.000Z', convenedAt: '2026-11-21T10:20:00.000Z', grantedAt: GRANTED, expiresAt: EXPIRES,
  expiresLocal: 'Sun 22 Nov 11:31 CET (Europe/Berlin)', rootCause: { by: 'frank', at: '2026-11-21T14:00:00.000Z', sha256: SHA }, review: { run: 'ic-3p9d', workflowId: 'interpreter-change/x', outcome: 'denied' }, ending: 'reverted',
};
const NOT_GRANTED: ExceptionClock = { ...CLOCK, convenedAt: null, grantedAt: null, expiresAt: null, expiresLocal: null, rootCause: null, review: null, ending: 'withdrawn' };

async function render(t: Parameters<typeof recordsFile>[0], entries: AuditEntry[], clock: ExceptionClock, outcome: Outcome, message: string, evidence: string[] = []): Promise<Record<string, string>> {
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  records.append(entries, evidence);
  const { documents } = await createExceptionReportActivities(records).renderException({ run: 'ex-3p9d', clock, terms: null, outcome, message, from: '3.12.11', to: '3.13.9', at: '2026-11-22T10:31:04.000Z' });
  assert.deepEqual(documents.map(({ path, mode }) => [path, mode]), [['exception_report.md', 'replace'], ['incident.log', 'append']]);
  return Object.fromEntries(documents.map(({ path, text }) => [path, text]));
}

const contains = (text: string, expected: string[]): void => { for (const part of expected) assert.ok(text.includes(part), `${part}\n${text}`); };

test('EE-13: the report of a reverted exception: ground, clock, votes with keys, root cause, review with its steps, how it ended, how to verify', async (t) => {
  const written = await render(t, [...active(), rootCause(SHA), ...reviewed('denied'), ...revertedByRun()], CLOCK, 'expired', 'its 24 hours are over; back on 3.12.11, verified', [ROOT_CAUSE]);
  contains(written['exception_report.md']!, [
    '# Emergency exception ex-3p9d', '`web-01:/srv/pricer/.venv`, Python 3.12.11 → 3.13.9: expired, reverted. its 24 hours are over', '- Ground: security-vulnerability', '- Declared by bob: CVE-2026-12345', `- Plan: sha256 \`${'a'.repeat(64)}\``,
    '- convened: 2026-11-21 10:20:00 UTC, in time (by 2026-11-21 12:02:00 UTC)', '- granted: 2026-11-21 10:31:00 UTC by alice, carol', '- expires, local time: Sun 22 Nov 11:31 CET (Europe/Berlin)', '- reverted: 2026-11-22 10:31:01 UTC to 3.12.11, verified',
    '| 2026-11-21 10:20:00 UTC | alice | cab | approve, counted | `SHA256:alice` |', '| 2026-11-21 10:25:00 UTC | bob | — | not counted: bob asked for this run | — |',
    `By frank, 2026-11-21 14:00:00 UTC, sha256 \`${SHA}\``, 'the parser of 3.12.11 reads beyond its buffer', '- run: `ic-3p9d`', '- outcome: denied', '✓ technical-review', '| frank | engineering, for erin | approve, counted |',
    '| ✓ switch | 2026-11-21 10:32:00 UTC |', '| 2026-11-21 10:02:05 UTC | asked | cab | mail |', '`runbook audit export --run ex-3p9d`', 'ssh-keygen -Y verify', 'Nothing is left to undo.',
  ]);
  assert.match(written['incident.log']!, /^2026-11-22T10:31:04\.000Z: Emergency exception from 3\.12\.11 to 3\.13\.9, security-vulnerability, granted 2026-11-21T10:31:00\.000Z to 2026-11-22T10:31:00\.000Z: expired, reverted; its 24 hours are over[^\n]*\(ex-3p9d, web-01:\/srv\/pricer, CVE-2026-12345\)\n$/);
});

test('EE-13: a denied one is reported too: nothing was changed, nobody granted, no root cause and no review', async (t) => {
  const written = await render(t, denied().slice(0, -1), { ...NOT_GRANTED, ending: 'denied' }, 'denied', 'denied by alice (cab)');
  contains(written['exception_report.md']!, ['denied, nothing was changed', '- granted: no', '| alice | cab | reject, counted |', 'None was handed in.', 'None was begun.', 'Nothing is left to undo.']);
  assert.doesNotMatch(written['exception_report.md']!, /- expires/);
  assert.match(written['incident.log']!, /not granted: denied, denied, nothing was changed;/);
});

test('EE-13: one that was made permanent, one that was withdrawn before anybody voted, and one whose way back failed say so', async (t) => {
  const good = await render(t, [...active(), rootCause(SHA), ...reviewed(), ...permanent().slice(0, -1)], { ...CLOCK, ending: 'made-permanent' }, 'done', '3.13.9 stays: approved by ic-3p9d');
  contains(good['exception_report.md']!, ['done, made permanent', '- permanent: 2026-11-22 09:00:00 UTC by ic-3p9d', 'The records do not keep its text.', 'runbook undo web-01:/srv/pricer --reason …']);
  const gone = await render(t, asked(), NOT_GRANTED, 'rolled-back', 'stopped by bob: patched otherwise');
  contains(gone['exception_report.md']!, ['ended before it was granted, nothing was changed', '- convened: no', 'No vote came in.']);
  const bad = await render(t, active(), CLOCK, 'rollback-incomplete', 'the way back is not verified');
  contains(bad['exception_report.md']!, ['not reverted yet: somebody has to look', 'runbook undo /srv/pricer/.venv --local --reason …']);
});

test('EE-13: foreign words write no line, no heading and no table cell of their own, in report and log', async (t) => {
  const wild = 'a\n# heading\n| cell | `x` \u2028 <b>';
  const entries = [...active(), refusedVote()].map((one) => ({ ...one, justification: wild, ...(one.event === 'vote-refused' ? { data: { ...one.data, vote: { seq: 9, t: one.at, person: 'bob', reason: wild, digest: 'e'.repeat(64) } } } : {}) }));
  const written = await render(t, [...entries, rootCause(SHA)], CLOCK, 'expired', wild, [ROOT_CAUSE]);
  assert.equal(written['incident.log']!.split('\n').length, 2);
  const report = written['exception_report.md']!;
  assert.doesNotMatch(report, /^# heading/m);
  assert.doesNotMatch(report, /\u2028|<b>(?!\\)/);
  assert.match(report, /\n````\n[^]*no fence of ours[^]*\n````\n/, 'a fence longer than any in the root cause');
});

test('EE-13: the largest root cause and a flood of refused votes fit into what a run may keep as evidence', async (t) => {
  const long = 'é'.repeat(120_000);
  const flood = Array.from({ length: 100 }, (_, at) => ({ ...refusedVote(), key: `flood/${at}`, data: { request: 'req-grant', message: 'no', vote: { seq: at, t: GRANTED, person: 'bob', reason: 'é'.repeat(400), digest: 'e'.repeat(64) } } }));
  const entries = [...active(), ...flood, rootCause(sha256Hex(long))];
  const written = await render(t, entries, { ...CLOCK, rootCause: { by: 'frank', at: GRANTED, sha256: sha256Hex(long) } }, 'expired', 'over', [long]);
  const report = written['exception_report.md']!;
  assert.ok(Buffer.byteLength(report) < 256 * 1024, String(Buffer.byteLength(report)));
  assert.match(report, /and 100000 more characters|cut here; all of it: runbook show ex-3p9d --report md/);
});

test('no record of the run: nothing is reported; records that do not answer are asked again', async (t) => {
  const records = openRecords(recordsFile(t));
  const input = { run: 'ex-3p9d', clock: NOT_GRANTED, terms: null, outcome: 'refused' as const, message: '', from: null, to: null, at: GRANTED };
  const { renderException } = createExceptionReportActivities(records);
  assert.deepEqual(await renderException(input), { documents: [] });
  const broken = { ...records, run: () => { throw Object.assign(new Error('database disk image is malformed'), { code: 'SQLITE_CORRUPT' }); } };
  await assert.rejects(createExceptionReportActivities(broken).renderException(input), (error: { type?: string; nonRetryable?: boolean }) => error.type === 'RecordsUnavailable' && error.nonRetryable === false);
  records.close();
});
