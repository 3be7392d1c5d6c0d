import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createExceptionActivities, type ExceptionActivities } from '../../../activities/control/exceptions.js';
import type { PolicyStore } from '../../../activities/control/policy-store.js';
import type { ChangeRequest, ReviewRequest } from '../../../policy/model.js';
import type { AuditEntry } from '../../../policy/records.js';
import { openRecords, type Records } from '../../../records/store.js';
import { requestFor } from '../../support/fake-host.js';
import { at, ENV, exceptionEntry, grantedException, policyStore } from '../../support/policies.js';
import { recordsFile } from '../../support/record-entries.js';

interface Setting extends ExceptionActivities {
  policies: PolicyStore & { write(fields: object): void };
  records: Records;
  digest: string;
  asking(fields?: Partial<ChangeRequest>): ChangeRequest;
}

function setUp(t: TestContext, fields: object = {}): Setting {
  const policies = policyStore(t, fields);
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  const { digest } = policies.current();
  const asking = (given: Partial<ChangeRequest> = {}): ChangeRequest => ({ ...requestFor('web-01', 'exception'), run: 'ex-new1', env: ENV, policyDigest: digest, to: '3.13.1', hours: 24, ground: 'security-vulnerability', ...given });
  return { ...createExceptionActivities({ policies, records, now: () => Date.parse(at(100)) }), policies, records, digest, asking };
}

const outcome = (run: string, hour: number, told: string, n = 9): AuditEntry => exceptionEntry(run, n, 'outcome', hour, { outcome: told, message: 'over', from: '3.12.1', to: '3.13.1' });

test('EE-03, EE-04, EE-05, AP-12: the terms name who declares, who grants, who convenes, the times and who is told', async (t) => {
  const { exceptionTerms, asking } = setUp(t);
  const answer = await exceptionTerms({ request: asking(), t: at(0) });
  assert.ok(answer.refused === null);
  const { rules, reviewSteps, ...terms } = answer.terms;
  assert.deepEqual(terms, {
    hours: 24, declaredBy: ['security'], conveneRole: 'cab', conveneHours: 2, decideHours: 72, useWithinHours: 24, reminderHours: [4, 1], escalateTo: ['operations', 'project-owner'],
    watchers: ['security', 'engineering', 'operations'], rootCauseRole: 'engineering', reviewEscalateTo: ['operations', 'project-owner'], usedHours: 0,
  });
  assert.deepEqual(rules, { stages: [{ role: 'cab', quorum: 2, eligible: 3 }], inOrder: true, veto: [] });
  assert.deepEqual(reviewSteps.map(({ name }) => name), ['technical-review', 'ci-validation', 'integration', 'security-review', 'document-update', 'cab']);
});

test('EE-01, EE-05, EE-06, DIS-04: what no board may grant is refused with every reason; nothing of it depends on who asks', async (t) => {
  const { exceptionTerms, asking } = setUp(t);
  const refused = async (given: Partial<ChangeRequest>): Promise<string[]> => (await exceptionTerms({ request: asking(given), t: at(0) })).refused?.map(({ what }) => what) ?? [];
  assert.deepEqual(await refused({ hours: 73 }), ['the hours of the exception']);
  assert.deepEqual(await refused({ to: '3.10.14' }), ['Python 3.10.14']);
  assert.deepEqual(await refused({ to: null, ground: undefined, hours: undefined } as never), ['the ground of the exception', 'the hours of the exception', 'the version of the exception']);
});

test('EE-04: where the requester leaves too few to grant, it is refused in words', async (t) => {
  const { exceptionTerms, asking } = setUp(t, { roles: { cab: ['alice', 'bob'], security: ['bob'] } });
  const answer = await exceptionTerms({ request: asking({ requester: 'bob' }), t: at(0) });
  assert.match(answer.refused![0]!.got, /1 of cab \(alice\)/);
});

test('EE-06: hours of an ended exception count, of this environment only', async (t) => {
  const { exceptionTerms, asking, records } = setUp(t);
  records.append([...grantedException('ex-aaaa', 0, 48), outcome('ex-aaaa', 48, 'expired')]);
  const elsewhere = (fields: Partial<AuditEntry>, suffix: string) => grantedException(`ex-${suffix}`, 0, 72).map((entry) => ({ ...entry, ...fields }));
  records.append([...elsewhere({ link: '/srv/q/.venv' }, 'bbbb'), ...elsewhere({ host: 'web-02' }, 'cccc')]);
  const granted = await exceptionTerms({ request: asking({ hours: 24 }), t: at(60) });
  assert.ok(granted.refused === null);
  assert.equal(granted.terms.usedHours, 48);
  const refused = await exceptionTerms({ request: asking({ hours: 25 }), t: at(60) });
  assert.match(refused.refused![0]!.got, /25 asked for, and 48 h of ex-aaaa/);
  assert.equal((await exceptionTerms({ request: asking({ hours: 72 }), t: at(48 + 168) })).refused, null);
});

test('EE-06: restDays of the policy is the rest; 0 lets only what overlaps count', async (t) => {
  const { exceptionTerms, asking, records } = setUp(t, { exception: { restDays: 0 } });
  records.append([...grantedException('ex-aaaa', 0, 72), outcome('ex-aaaa', 72, 'expired')]);
  assert.equal((await exceptionTerms({ request: asking({ hours: 72 }), t: at(72) })).refused, null);
});

test('EE-06: an exception that still stands is one, whatever its clock says, until a way back was verified', async (t) => {
  const { exceptionTerms, asking, records } = setUp(t, { exception: { restDays: 0 } });
  const got = async (hour: number): Promise<string> => (await exceptionTerms({ request: asking(), t: at(hour) })).refused?.[0]?.got ?? 'granted';
  records.append(grantedException('ex-aaaa', 0, 24));
  assert.match(await got(12), /lasts until/);
  assert.match(await got(30), /nobody has told yet/);
  // Given up without a verified way back: it still stands there.
  records.append([outcome('ex-aaaa', 31, 'rollback-incomplete')]);
  assert.match(await got(32), /nobody has told yet/);
  records.append([exceptionEntry('ex-aaaa', 10, 'undo', 33, { from: '3.13.1', to: '3.12.1', verified: false })]);
  assert.match(await got(34), /nobody has told yet/);
  records.append([exceptionEntry('ex-aaaa', 11, 'undo', 35, { from: '3.13.1', to: '3.12.1', verified: true })]);
  assert.equal(await got(36), 'granted');
});

test('EE-08: one that became permanent is over', async (t) => {
  const { exceptionTerms, asking, records } = setUp(t);
  records.append([...grantedException('ex-aaaa', 0, 72), exceptionEntry('ex-aaaa', 9, 'made-permanent', 50, { review: 'ic-aaaa', from: '3.12.1', to: '3.13.1' })]);
  const answer = await exceptionTerms({ request: asking({ hours: 22 }), t: at(60) });
  assert.ok(answer.refused === null, JSON.stringify(answer));
  assert.equal(answer.terms.usedHours, 50);
});

test('EE-06: a way back that was taken before the exception\'s own change does not end it; one that somebody takes by hand afterwards does', async (t) => {
  const { exceptionTerms, asking, records } = setUp(t, { exception: { restDays: 0 } });
  const [started, granted, switched] = grantedException('ex-aaaa', 0, 24);
  const rollback = (n: number, hour: number): AuditEntry[] => ['run-started', 'outcome'].map((event, i) => ({
    ...exceptionEntry(`rb-${n}`, i, event as AuditEntry['event'], hour, event === 'outcome' ? { outcome: 'rolled-back', message: 'back', from: '3.13.1', to: '3.12.1' } : {}), kind: 'rollback',
  }));
  records.append([started!, granted!, ...rollback(1, 0)]);
  records.append([{ ...switched!, at: at(1) }]);
  assert.match((await exceptionTerms({ request: asking(), t: at(2) })).refused![0]!.got, /lasts until/);
  records.append(rollback(2, 3));
  assert.equal((await exceptionTerms({ request: asking(), t: at(4) })).refused, null);
});

test('AP-04 to AP-10: the steps come in the policy\'s order, each with its evidence and rules', async (t) => {
  const { reviewTerms, digest } = setUp(t);
  const request: ReviewRequest = { run: 'ic-aaaa', kind: 'interpreter-change', env: ENV, environments: ['web-01:/srv/p/.venv', 'web-02:/srv/p/.venv'], from: '3.12', to: '3.13', reason: 'r', requester: 'bob', policyDigest: digest };
  const answer = await reviewTerms({ request });
  assert.ok(answer.refused === null, JSON.stringify(answer));
  assert.deepEqual(answer.steps.map(({ name, evidence, policyRevision, rules }) => [name, evidence.join(), policyRevision, rules.stages.map(({ role, quorum }) => `${quorum} ${role}`).join()]), [
    ['technical-review', 'technical-review', false, '1 engineering'], ['ci-validation', 'ci-validation', false, '1 ci'], ['integration', 'integration', false, '1 operations'],
    ['security-review', 'security-review', false, '1 security'], ['document-update', 'document-update', true, '1 project-owner'], ['cab', '', false, '2 cab'],
  ]);
  assert.deepEqual([answer.decideHours, answer.useWithinHours, answer.reminderHours, answer.escalateTo], [72, 24, [4, 1], ['operations', 'project-owner']]);
  const bad: [Partial<ReviewRequest>, RegExp][] = [
    [{ to: '3.13.0rc1' }, /^the version of/], [{ to: '>=3.13' }, /^the version of/], [{ to: '3.10' }, /^Python 3\.10/], [{ from: '3.13.x' }, /two that differ|versions/],
    [{ environments: [] }, /^the environments/], [{ environments: ['web-02:/srv/p/.venv'] }, /^the environments/], [{ environments: ['web-01:/srv/p/.venv', 'web-01:/srv/p/.venv'] }, /^the environments/],
    [{ environments: ['web-01:/srv/p/.venv', '-x'] }, /^the environments/], [{ requester: 'frank' }, /^step technical-review: /],
  ];
  for (const [fields, what] of bad) assert.match((await reviewTerms({ request: { ...request, ...fields } })).refused?.[0]?.what ?? 'taken', what, JSON.stringify(fields));
});

test('EE-12: the end is placed by the policy\'s calendar, across both clock changes, and a shorter one proposed', async (t) => {
  const { placeEnd, digest } = setUp(t, { calendar: { timeZone: 'Europe/Berlin', tradingHours: [{ days: ['MON', 'TUE', 'WED', 'THU', 'FRI'], from: '09:00', to: '17:30' }] } });
  const place = (from: string, hours: number) => placeEnd({ policyDigest: digest, from, hours });
  // Autumn: 24 hours from Saturday noon are 11:00 on Sunday; 49 end on Monday at noon, an hour into the 25-hour day.
  assert.deepEqual(await place('2026-10-24T10:00:00.000Z', 24), { local: 'Sun 25 Oct 11:00 CET (Europe/Berlin)', conflict: null, proposedHours: null });
  const monday = await place('2026-10-24T10:00:00.000Z', 49);
  assert.equal(monday.local, 'Mon 26 Oct 12:00 CET (Europe/Berlin)');
  assert.match(monday.conflict!, /trading hours MON TUE WED THU FRI 09:00 to 17:30 \(Europe\/Berlin\)/);
  assert.equal(monday.proposedHours, 45, '46 hours end at 09:00, which is inside; 45 at 08:00');
  // Spring: 24 hours from Saturday noon are 13:00 on Sunday.
  assert.equal((await place('2026-03-28T11:00:00.000Z', 24)).local, 'Sun 29 Mar 13:00 CEST (Europe/Berlin)');
  const spring = await place('2026-03-28T11:00:00.000Z', 44);
  assert.match(spring.local, /^Mon 30 Mar 09:00 CEST/, 'by winter\'s clock it would be 08:00, and outside');
  assert.deepEqual([spring.conflict === null, spring.proposedHours], [false, 43]);
});

test('EE-12: where every shorter end conflicts, none is proposed; nonsense is bad input', async (t) => {
  const { placeEnd, digest } = setUp(t, { calendar: { freezes: [{ from: '2026-11-01T00:00:00Z', until: '2026-12-01T00:00:00Z', what: 'year end' }] } });
  assert.deepEqual(await placeEnd({ policyDigest: digest, from: at(0), hours: 72 }), { local: 'Wed 4 Nov 00:00 UTC', conflict: 'freeze "year end" until 2026-12-01T00:00:00Z', proposedHours: null });
  await assert.rejects(placeEnd({ policyDigest: digest, from: 'soon', hours: 1 }), { type: 'BadInput' });
  await assert.rejects(placeEnd({ policyDigest: 'f'.repeat(64), from: at(0), hours: 1 }), { type: 'PolicyUnknown' });
});

test('EE-09: an old interpreter is judged by today\'s policy, not by the one of the grant', async (t) => {
  const { standingOf, policies } = setUp(t);
  assert.equal((await standingOf({ version: '3.12.1', host: 'web-01' })).role, 'primary');
  policies.write({ header: { version: '1.1.0' }, interpreters: { primary: { version: '3.13.x', justification: 'newer' }, fallback: { version: '3.12.9', justification: 'older' } } });
  const today = await standingOf({ version: '3.12.1', host: 'web-01' });
  assert.deepEqual([today.role, today.revision], ['prohibited', '1.1.0']);
  assert.match(today.text, /not an approved version/);
});
