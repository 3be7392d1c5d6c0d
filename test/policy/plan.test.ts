import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../policy/canonical.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { HostLook, Plan } from '../../policy/model.js';
import { chooseTarget, makePlan, objectionsTo, planDigest, planText } from '../../policy/plan.js';
import { INTERPRETER, lookOf, requestFor, VERDICT } from '../support/fake-host.js';

const policy = policyFileSchema.parse({ interpreters: { fallback: { version: '3.11.7', justification: 'test' } } });
const request = requestFor('web-01');
const plan = (look: Partial<HostLook> = {}): Plan => makePlan({ request, look: { ...lookOf('web-01'), ...look }, interpreter: INTERPRETER, verdict: VERDICT, policyDigest: 'p' });

test('the digest covers identities and decisions, never measurements', () => {
  const { digest } = plan();
  const look = lookOf('web-01');
  assert.equal(plan({ disk: { freeBytes: 1, freeInodes: 1, needBytes: 1 }, riders: [{ kind: 'process', id: '1', what: 'x' }] }).digest, digest);
  const others: Partial<HostLook>[] = [
    { lock: { ...look.lock, sha256: 'other' } }, { current: { ...look.current!, manifestDigest: 'other' } }, { current: { ...look.current!, id: 'other' } },
    { onSwitch: 'idle' }, { units: ['other'] }, { linkState: 'directory' }, { settings: { ...look.settings, tests: ['-c', '1'] } },
  ];
  for (const other of others) assert.notEqual(plan(other).digest, digest, JSON.stringify(other));
});

test('the digest changes with each file\'s hash, the interpreter\'s build, the policy and the target', () => {
  const base = plan();
  const others: Plan[] = [
    { ...base, files: [{ ...base.files[0]!, sha256: 'other' }] }, { ...base, interpreter: { ...base.interpreter, build: 'other' } }, { ...base, policyDigest: 'other' },
    { ...base, env: { ...base.env, host: 'other' } }, { ...base, end: '2026-01-01T00:00:00.000Z' }, { ...base, undoTarget: 'other' }, { ...base, serviceActions: [] }, { ...base, rungs: [] },
  ];
  for (const other of others) assert.notEqual(planDigest(other), base.digest);
  assert.equal(planDigest({ ...base, facts: { ...base.facts, freeBytes: 5 } }), base.digest);
});

test('WF-05: too little space for both environments is refused with both figures', () => {
  const look = { ...lookOf('h'), disk: { freeBytes: 10 * 2 ** 20, freeInodes: 1e6, needBytes: 300 * 2 ** 20 } };
  const [objection] = objectionsTo(look, INTERPRETER, VERDICT);
  assert.equal(objection!.expected, '300 MiB free');
  assert.equal(objection!.got, '10 MiB');
});

test('WF-02, DIS-17: an interpreter is chosen by the version it reports; one that is not there is refused with what was found', () => {
  const look = { ...lookOf('h'), interpreters: [{ ...INTERPRETER, path: '/usr/bin/python3.12', version: '3.11.7' }] };
  assert.equal('version' in chooseTarget(look, '3.11.7', policy, false), true);
  const missing = chooseTarget(look, '3.12.x', policy, false);
  assert.ok('wayOut' in missing);
  assert.match(missing.got, /3\.11\.7/);
});

test('PV-03, PV-04, PV-05: what the policy prohibits is refused with its reason', () => {
  for (const [version, reason] of [['3.13.0', 'not-yet-approved'], ['3.9.18', 'too-old'], ['3.12.1rc1', 'pre-release'], ['3.11.9', 'not-listed']] as const) {
    const look = { ...lookOf('h'), interpreters: [{ ...INTERPRETER, version }] };
    const answer = chooseTarget(look, version, policy, false);
    assert.ok('wayOut' in answer, version);
    assert.match(answer.got, new RegExp(reason));
  }
});

test('onSwitch idle refuses while something runs, and while something can\'t be inspected; restart does not', () => {
  for (const kind of ['process', 'unknown'] as const) {
    const riders = [{ kind, id: '42', what: 'python -m svc' }];
    assert.match(objectionsTo({ ...lookOf('h'), onSwitch: 'idle', riders }, INTERPRETER, VERDICT)[0]!.got, /42 python -m svc/);
    assert.deepEqual(objectionsTo({ ...lookOf('h'), riders }, INTERPRETER, VERDICT), []);
  }
  assert.deepEqual(objectionsTo({ ...lookOf('h'), onSwitch: 'idle', riders: [{ kind: 'cron', id: '/etc/cron.d/x', what: 'x' }] }, INTERPRETER, VERDICT), []);
});

test('an index that did not answer is "could not tell", not a missing wheel', () => {
  const [objection] = objectionsTo(lookOf('h'), INTERPRETER, { ...VERDICT, missing: [], error: { class: 'NET_REFUSED', text: 'refused' } });
  assert.match(objection!.got, /NET_REFUSED/);
  assert.doesNotMatch(JSON.stringify(objection), /without/);
});

test('the plan in words names versions, files, undo, restarts and the window', () => {
  const text = planText(plan()).join('\n');
  for (const words of ['3.12.1 → 3.11.7', '1 wheel by hash from the index; nothing is compiled', 'by uv, as user p', 'restart p, at most 5 s without an answer', 'undo to .venvs/old-1']) assert.ok(text.includes(words), words);
});

test('EE-02, EE-05, DIS-04: under an exception an exact final version is a target although the policy does not approve it; nothing below the minimum is', () => {
  const at = (version: string) => ({ ...lookOf('h'), interpreters: [{ ...INTERPRETER, version }] });
  for (const version of ['3.14.1', '3.12.9', '3.11.2']) assert.ok('path' in chooseTarget(at(version), version, policyFileSchema.parse({ minPatch: { '3.11': 5 } }), false, 'exception'), version);
  for (const [found, spec] of [['3.10.14', '3.10.14'], ['3.14.1', '3.14'], ['3.14.1', '3.14.x'], ['3.14.0rc1', '3.14.0rc1'], ['3.14.1', '3.14.2']] as const) assert.ok('wayOut' in chooseTarget(at(found), spec, policy, false, 'exception'), spec);
});

test('EE-05: the hours of an exception are in its plan, its digest and its words; no other plan has them', () => {
  const input = { look: lookOf('web-01'), interpreter: INTERPRETER, verdict: VERDICT, policyDigest: 'p' };
  const exception = (hours: number) => makePlan({ ...input, request: { ...request, kind: 'exception', hours } });
  assert.equal(exception(24).hours, 24);
  assert.notEqual(exception(24).digest, exception(25).digest);
  assert.ok(planText(exception(24)).includes('  ends by itself 24 h after its grant, on the host'));
  assert.equal('hours' in makePlan({ ...input, request: { ...request, hours: 24 } }), false);
  // As every release before exceptions made it.
  const { digest, facts: _facts, settings, ...covered } = plan();
  assert.equal(digest, digestOf({ ...covered, settings: digestOf(settings) }));
  assert.deepEqual(Object.keys(covered), ['kind', 'env', 'policyDigest', 'present', 'adopt', 'interpreter', 'lock', 'files', 'rungs', 'serviceActions', 'onSwitch', 'undoTarget', 'end']);
});
