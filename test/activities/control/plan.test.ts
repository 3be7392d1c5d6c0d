import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import Database from 'libsql';
import { createPlanActivities } from '../../../activities/control/plan.js';
import type { ChangeRequest, HostLook, LockVerdict, RunKind } from '../../../policy/model.js';
import { openRecords } from '../../../records/store.js';
import { INTERPRETER, lookOf, requestFor, VERDICT } from '../../support/fake-host.js';
import { at, ENV, exceptionEntry, grantedException, policyStore } from '../../support/policies.js';
import { recordsFile } from '../../support/record-entries.js';

const look = (fields: Partial<HostLook> = {}): HostLook => ({ ...lookOf('web-01'), env: ENV, interpreters: ['3.11.13', '3.12.1', '3.13.1'].map((version) => ({ ...INTERPRETER, version })), ...fields });

function setUp(t: TestContext, fields: object = {}) {
  const policies = policyStore(t, fields);
  const records = openRecords(recordsFile(t));
  t.after(() => records.close());
  const { digest } = policies.current();
  const { chooseInterpreters } = createPlanActivities(policies, { records, now: () => Date.parse(at(10)) });
  const ask = (kind: RunKind, given: Partial<ChangeRequest> = {}, seen: Partial<HostLook> = {}) => chooseInterpreters({ request: { ...requestFor('web-01', kind), env: ENV, policyDigest: digest, ...given }, look: look(seen) });
  return { policies, records, ask };
}

const classOfWeb = (rules: object) => ({ hostClasses: { web: { hosts: ['web-*'], publicIndex: true, ...rules } } });
const WARRANT = { facts: {}, rules: {}, votes: [], asked: null, grantedAt: at(1), policy: null } as never;

test('AP-01, DIS-19: a kind that the class does not pre-approve comes back with whose approval it needs, for how long, and who is told', async (t) => {
  const { ask } = setUp(t, classOfWeb({ approvals: { change: [{ role: 'cab', quorum: 2 }, { role: 'operations', quorum: 1 }], fallback: 0 } }));
  const change = await ask('change');
  assert.ok(change.refused === null, JSON.stringify(change));
  assert.deepEqual(change.approval, {
    rules: { stages: [{ role: 'cab', quorum: 2, eligible: 3 }, { role: 'operations', quorum: 1, eligible: 1 }], inOrder: true, veto: [] },
    decideHours: 72, useWithinHours: 24, reminderHours: [4, 1], escalateTo: ['operations', 'project-owner'],
  });
  for (const kind of ['fallback', 'rollback'] as const) {
    const answer = await ask(kind);
    assert.equal(answer.refused, null, kind);
    assert.equal('approval' in answer, false, `${kind} is pre-approved`);
  }
});

test('AP-01, DIS-19: what goes elsewhere than to the policy\'s fallback is no fallback, whatever it calls itself and whoever granted it', async (t) => {
  const { ask } = setUp(t, classOfWeb({ approvals: { change: 1 } }));
  for (const to of ['3.12.1', '3.12.x', '3.12']) {
    for (const given of [{}, { granted: { warrant: WARRANT, end: at(30) } }]) {
      const [objection, ...others] = (await ask('fallback', { to, ...given })).refused!;
      assert.deepEqual(others, []);
      assert.deepEqual(objection, { what: 'the target of a fallback', expected: "3.11.13, the policy's fallback", got: '3.12.1', wayOut: 'ask for a change: runbook run change --to 3.12.1' });
    }
  }
  for (const to of [null, '3.11.13', '3.11.x']) assert.equal((await ask('fallback', { to })).refused, null, String(to));
  const within = setUp(t, { ...classOfWeb({ approvals: { change: 1 } }), interpreters: { primary: { version: '3.13.x', justification: 'new' }, fallback: { version: '3.12.x', justification: 'old' } } });
  assert.equal((await within.ask('fallback', { to: '3.12.1' })).refused, null, 'a line');
  assert.match((await within.ask('fallback', { to: '3.13.1' })).refused![0]!.what, /target of a fallback/);
  const same = setUp(t, { ...classOfWeb({ approvals: { change: 1 } }), interpreters: { fallback: { version: '3.12.1', justification: 'the last one that works' } } });
  assert.equal((await same.ask('fallback')).refused, null, 'of the primary\'s line, and named as the fallback');
});

test('HM-12, WF-52: operations are told how a fallback ended unless the policy names others; where there is no channel at all, nobody', async (t) => {
  const verdict = (version: string, missing: string[]): LockVerdict => ({ ...VERDICT, version, missing });
  const told = async (fields: object): Promise<string[] | undefined> => {
    const policies = policyStore(t, fields);
    const { decideFallback } = createPlanActivities(policies);
    return (await decideFallback({ request: { ...requestFor('web-01', 'fallback'), policyDigest: policies.current().digest }, look: look(), verdicts: [verdict('3.12.1', ['a']), verdict('3.11.13', [])], imports: null })).tell;
  };
  const notifications = { channels: { chat: { type: 'slack', urlFile: '/etc/chat-url' } } };
  assert.deepEqual(await told({ notifications }), ['operations']);
  assert.deepEqual(await told({ notifications, fallback: { tell: ['engineering', 'security'] } }), ['engineering', 'security']);
  assert.equal(await told({ notifications, fallback: { tell: [] } }), undefined);
  assert.equal(await told({}), undefined);
});

test('AP-12: a plain number means so many of the CAB; what they can\'t reach without the requester is refused before anything starts', async (t) => {
  const { ask } = setUp(t, classOfWeb({ approvals: { fallback: 3 } }));
  const answer = await ask('fallback');
  assert.ok(answer.refused === null);
  assert.deepEqual(answer.approval!.rules.stages, [{ role: 'cab', quorum: 3, eligible: 3 }]);
  const own = await ask('fallback', { requester: 'alice' });
  assert.match(own.refused![0]!.got, /2 of cab \(carol, dave\)/);
});

test('AP-01: what was granted asks nobody again, under the rules it was granted under, also when the policy changed since', async (t) => {
  const { ask, policies } = setUp(t, classOfWeb({ approvals: { change: 2 } }));
  policies.write({ header: { version: '1.1.0' }, interpreters: { primary: { version: '3.13.x', justification: 'newer' } } });
  await assert.rejects(ask('change'), { type: 'PolicyUnknown' });
  const granted = await ask('change', { granted: { warrant: WARRANT, end: at(30) } });
  assert.ok(granted.refused === null, JSON.stringify(granted));
  assert.deepEqual([granted.words, 'approval' in granted], ['3.12.1', false]);
});

test('a class that wants hosts which check signatures themselves refuses one that does not', async (t) => {
  const { ask } = setUp(t, classOfWeb({ requireSignatures: true }));
  for (const kind of ['change', 'fallback', 'exception'] as const) {
    const given = kind === 'exception' ? { to: '3.13.1', hours: 24 } : {};
    for (const seen of [{}, { trust: 'server' as const }]) assert.match((await ask(kind, given, seen)).refused![0]!.wayOut, /trust: signatures/, kind);
    assert.equal((await ask(kind, given, { trust: 'signatures' })).refused, null, kind);
  }
});

test('EE-01, EE-02, DIS-04: an exception may name what the policy does not approve, exactly, and its approvals are not the class\'s', async (t) => {
  const { ask } = setUp(t, { ...classOfWeb({ approvals: { change: 2, fallback: 2 } }), minPatch: { 3.12: 3 } });
  const answer = await ask('exception', { to: '3.13.1', hours: 24 });
  assert.ok(answer.refused === null);
  assert.deepEqual([answer.interpreters[0]!.version, 'approval' in answer], ['3.13.1', false]);
  assert.match(answer.words, /^3\.13\.1 \(Python 3\.13\.1 is not yet tested and approved; /);
  assert.match((await ask('exception', { to: '3.12.1', hours: 24 }) as { words: string }).words, /older than 3\.12\.3/);
  for (const to of [null, '3.13', '3.10.2']) assert.ok((await ask('exception', { to, hours: 24 })).refused, String(to));
  assert.ok((await ask('change', { to: '3.13.1' })).refused, 'a change may not');
});

test('DIS-04: a minimum that was raised since the grant holds', async (t) => {
  const { ask, policies } = setUp(t);
  const granted = { to: '3.11.13', hours: 24, granted: { warrant: WARRANT, end: at(30) } };
  assert.equal((await ask('exception', granted)).refused, null);
  policies.write({ minimum: '3.12' });
  assert.match((await ask('exception', granted)).refused![0]!.expected, /3\.12 or newer/);
});

test('EE-06, EE-09: an environment under an unfinished exception takes no forward change but the exception\'s own', async (t) => {
  const { ask, records } = setUp(t);
  records.append(grantedException('ex-aaaa', 0, 24));
  for (const kind of ['change', 'fallback'] as const) assert.match((await ask(kind)).refused![0]!.what, /^the exception ex-aaaa of this environment$/, kind);
  assert.ok((await ask('exception', { run: 'ex-bbbb', to: '3.13.1', hours: 1 })).refused);
  assert.equal((await ask('exception', { run: 'ex-aaaa', to: '3.13.1', hours: 24 })).refused, null);
  assert.equal((await ask('change', { env: { ...ENV, link: '/srv/other/.venv' } })).refused, null, 'another environment of the host');
  records.append([exceptionEntry('ex-aaaa', 9, 'outcome', 5, { outcome: 'expired', message: 'back', from: '3.12.1', to: '3.13.1' })]);
  assert.equal((await ask('change')).refused, null, 'and afterwards it does');
});

test('EE-09: while the records can\'t be read nothing is taken for free of exceptions', async (t) => {
  const { ask, records } = setUp(t);
  const other = new Database(records.file);
  other.exec('ALTER TABLE entries RENAME TO elsewhere');
  other.close();
  await assert.rejects(ask('change'), { type: 'RecordsUnavailable', nonRetryable: false });
});
