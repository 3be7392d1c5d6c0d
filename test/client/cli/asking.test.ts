/** Who must allow a run, what an exception's words must be, and what is never signed or believed. Pure. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { permissionWords, stagesFor } from '../../../client/cli/asking.js';
import { decisionId, mismatches } from '../../../client/cli/decisions.js';
import { waitTeller } from '../../../client/cli/follow.js';
import { findInstance } from '../../../client/cli/instance.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { changeRequest, type ChangeWords } from '../../../client/cli/request.js';
import { printCast, readVoteText } from '../../../client/cli/vote.js';
import type { RunState } from '../../../policy/describe.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';
import type { ApprovalFacts, DecisionState } from '../../../policy/model-approval.js';
import { workflowIdOf } from '../../../policy/ids.js';
import { approvalText } from '../../../policy/signed-texts.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-asking-'));
after(() => rmSync(dir, { recursive: true }));
Object.assign(process.env, { XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: path.join(dir, 'home') });

const ENV = { host: 'web-01', link: '/srv/pricer/.venv' };
const ULID = '01JD4Q2V7WXYZ0123456783P9D';
const FACTS: ApprovalFacts = {
  request: '0b0e6d2a-8a55-4b1c-9f3d-1f5f2a7f2c11', run: 'ex-3p9d', kind: 'exception', purpose: 'grant', namespace: 'default', env: ENV, environments: [], from: '3.12.11', to: '3.13.9', hours: 24,
  requester: 'bob', reason: 'CVE', planDigest: `9c41d2e7${'0'.repeat(56)}`, policyDigest: 'b'.repeat(64), evidence: [], useBy: '2025-11-26T11:31:00.000Z', head: { seq: 1842, hash: '7'.repeat(64) },
};
const LINES = ['plan 9c41d2e7  exception  web-01:/srv/pricer/.venv', '  3.12.11 → 3.13.9  /usr/bin/python3.13'];
const NAMED = { run: 'ex-3p9d', runWorkflowId: workflowIdOf('exception', ENV, ULID), workflowId: decisionId(FACTS.request), namespace: 'default' };
const wrong = (facts: Partial<ApprovalFacts>, lines = LINES): string[] => mismatches({ request: { facts: { ...FACTS, ...facts }, lines } } as DecisionState, NAMED).map(({ what }) => what.replace(' of the decision of ex-3p9d', ''));

test('AP-13: a text is signed only if run, host, version, plan and namespace in it are those that were named and shown', () => {
  assert.deepEqual(wrong({}), []);
  assert.deepEqual(wrong({ run: 'ex-0000' }), ['run']);
  assert.deepEqual(wrong({ env: { host: 'web-02', link: ENV.link } }), ['environment']);
  assert.deepEqual(wrong({ env: { host: 'web-01', link: '/srv/other/.venv' } }), ['environment']);
  assert.deepEqual(wrong({ namespace: 'other' }), ['namespace']);
  assert.deepEqual(wrong({ request: 'another' }), ['request']);
  assert.deepEqual(wrong({ to: '3.13.8' }), ['version shown']);
  assert.deepEqual(wrong({ planDigest: '1'.repeat(64) }), ['plan shown']);
  assert.deepEqual(wrong({}, ['no plan at all']), ['plan shown', 'version shown']);
  assert.deepEqual(wrong({ planDigest: null }, []), [], 'a review has no plan');
  assert.deepEqual(wrong({ requester: 'bob: and carol' }), ['text'], 'a text that can be read in two ways is none');
});

test('AP-01, DIS-19: who must allow it: the class of the host by kind; an exception always; the policy\'s own fallback nobody', () => {
  const policy = policyFileSchema.parse({ hostClasses: { production: { hosts: ['web-*'], approvals: { change: 2 } }, desk: { hosts: ['desk-1'], approvals: { change: [{ role: 'security', quorum: 1 }] } } } });
  const on = (host: string) => ({ host, link: ENV.link });
  assert.deepEqual(stagesFor(policy, 'change', on('web-01')), [{ role: 'cab', quorum: 2 }]);
  assert.deepEqual(stagesFor(policy, 'change', on('desk-1')), [{ role: 'security', quorum: 1 }]);
  assert.deepEqual(stagesFor(policy, 'change', on('laptop')), []);
  assert.deepEqual(stagesFor(policy, 'fallback', on('web-01')), []);
  assert.deepEqual(stagesFor(policy, 'rollback', on('web-01')), []);
  assert.deepEqual(stagesFor(policy, 'exception', on('laptop')), [{ role: 'cab', quorum: 2 }]);
  assert.equal(permissionWords([]), '(policy: pre-approved)');
  assert.equal(permissionWords([{ role: 'cab', quorum: 2 }]), '(asks 2 of cab)');
});

test('EE-01, EE-05, EE-06: an exception has one of three grounds, an exact version, a reason, and at most 72 hours', () => {
  const whole: ChangeWords = { to: '3.13.9', reason: 'CVE-2026-12345', ground: 'security-vulnerability', hours: '24' };
  const asked = (words: ChangeWords, kind: 'exception' | 'change' = 'exception') => changeRequest(findInstance(), kind, ENV, words).request;
  assert.deepEqual([asked(whole).hours, asked(whole).ground, asked(whole).run.slice(0, 3)], [24, 'security-vulnerability', 'ex-']);
  const { hours: _, ...withoutHours } = whole;
  assert.equal(asked(withoutHours).hours, 72);
  const refused = (words: ChangeWords, said: RegExp, kind?: 'change') => assert.throws(() => asked(words, kind), (error: unknown) => error instanceof CliError && error.code === 64 && said.test(error.message));
  refused({ ...whole, ground: 'impatience' }, /--ground: expected security-vulnerability, critical-compatibility, vendor-requirement, got impatience/);
  refused({ to: '3.13.9', reason: 'x' }, /--ground: expected .*, got none/);
  for (const hours of ['0', '-1', '73', 'NaN', 'soon', '']) refused({ ...whole, hours }, /--hours: expected more than 0, at most 72/);
  refused({ ...whole, reason: ' ' }, /--reason: expected why/);
  refused({ reason: 'x', ground: 'vendor-requirement' }, /--to: expected the exact version/);
  refused({ to: '3.12', hours: '24' }, /--hours for kind change: expected it with kind exception only/, 'change');
  refused({ to: '3.12', ground: 'vendor-requirement' }, /--ground for kind change/, 'change');
});

test('a text carried back names its request and its run, also with the carriage returns that the decision will refuse', () => {
  const text = approvalText(FACTS, 'approve');
  const expected = { request: FACTS.request, namespace: 'default', run: 'ex-3p9d' };
  assert.deepEqual(readVoteText(text, 'v.txt'), expected);
  assert.deepEqual(readVoteText(approvalText(FACTS, 'reject').replaceAll('\n', '\r\n'), 'v.txt'), expected);
  for (const other of ['', '-----BEGIN SSH SIGNATURE-----\nU1NI\n', text.replace(/^request .*$/m, ''), text.replace(FACTS.request, '../../x')]) {
    assert.throws(() => readVoteText(other, 'v.txt'), (error: unknown) => error instanceof CliError && error.code === 64 && /v\.txt: expected a text of runbook show RUN --to-sign/.test(error.message));
  }
});

function told(at: string): { io: Io; out: string[]; talk: string[] } {
  const [out, talk]: [string[], string[]] = [[], []];
  return { out, talk, io: { out: (line) => void out.push(line), talk: (line) => void talk.push(line), interactive: false, ask: () => Promise.resolve(false), now: () => new Date(at) } };
}

test('decision 1: a vote sent in time that got there late is said to be late; one sent late is not excused', () => {
  const deadline = '2026-11-21T12:00:00.000Z';
  const printed = (sentAt: string, at: string, counted: boolean) => {
    const { io, out, talk } = told(at);
    const code = printCast(io, { counted, message: counted ? 'counted: 1 of 2' : 'too late', outcome: null, refused: !counted }, { run: 'ex-3p9d', deadline, sentAt });
    return { code, out: out.join(), talk: talk.join() };
  };
  const late = printed('2026-11-21T11:59:58.000Z', '2026-11-21T12:00:03.000Z', false);
  assert.deepEqual([late.code, late.out], [1, 'not counted: too late']);
  assert.match(late.talk, /^late: sent 2026-11-21T11:59:58\.000Z, before the deadline/);
  assert.equal(printed('2026-11-21T12:00:00.000Z', '2026-11-21T12:00:03.000Z', false).talk, '');
  assert.deepEqual(printed('2026-11-21T11:59:58.000Z', '2026-11-21T12:00:03.000Z', true), { code: 0, out: 'counted: 1 of 2', talk: '' });
});

test('EE-04: while it waits, a run says once for each count of votes who must decide, and until when', () => {
  const { io, talk } = told('2026-11-21T11:00:00Z');
  const tell = waitTeller(io);
  const state = (progress: string, more: Partial<RunState> = {}): RunState => ({
    run: 'ex-3p9d', kind: 'exception', where: 'web-01:/srv/pricer', requester: 'bob', reason: 'CVE', from: null, to: null, step: 'grant', steps: [], aborting: null, outcome: null, message: '',
    waitsFor: { what: 'approval: 2 of cab', until: '2026-11-24T11:00:00.000Z', command: null }, decision: { request: 'r', workflowId: 'decision/r', purpose: 'grant', outcome: null, progress }, ...more,
  });
  const exception = { convenedAt: null, conveneBy: '2026-11-21T13:00:00.000Z' } as never;
  for (const seen of [state('0 of 2 of cab', { exception }), state('0 of 2 of cab', { exception }), state('1 of 2 of cab'), state('1 of 2 of cab', { waitsFor: null })]) tell(seen);
  assert.equal(talk.length, 2);
  assert.match(talk[0]!, /^ex-3p9d waits for 2 of cab, convene by [^.]*\d\d:\d\d\. Ctrl-C detaches$/);
  assert.match(talk[1]!, /^ex-3p9d has 1 of 2 of cab, by [^.]*\d\d:\d\d\. Ctrl-C detaches$/);
});
