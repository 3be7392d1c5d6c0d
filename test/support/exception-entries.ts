/** What the runs of an exception put on record, in the order they do it: the exception, its decision, its change, its host's watch, its review. */
import { expiredEntry } from '../../policy/exception-view.js';
import type { AuditEntry, AuditEvent } from '../../policy/records.js';

export const GRANTED = '2026-11-21T10:31:00.000Z';
export const EXPIRES = '2026-11-22T10:31:00.000Z';
export const ROOT_CAUSE = 'CVE-2026-12345: the parser of 3.12.11 reads beyond its buffer.\n```\nno fence of ours\n';

const WHERE = { host: 'web-01', link: '/srv/pricer/.venv' };
const RUN = { ...WHERE, run: 'ex-3p9d', kind: 'exception', actor: 'bob', justification: 'CVE-2026-12345' };
const ULID = '01KAM4Q8WV8G7Q3X5N0B2C3P9D';
export const REQUEST = 'req-grant';

let n = 0;
const entry = (who: Pick<AuditEntry, 'chain' | 'workflowId'> & Partial<AuditEntry>, at: string, event: AuditEvent, data: AuditEntry['data'] = {}, more: Partial<AuditEntry> = {}): AuditEntry =>
  ({ ...RUN, key: `${who.chain}/${++n}`, event, at, runId: `run-of-${who.chain}`, data, ...who, ...more });

const life = { chain: 'chain-ex', workflowId: `exception/web-01/%2Fsrv%2Fpricer%2F.venv/${ULID}` };
const decision = { chain: 'chain-decision', workflowId: `decision/${REQUEST}` };
const change = { chain: 'chain-change', workflowId: `change/web-01/%2Fsrv%2Fpricer%2F.venv/${ULID}` };
const page = { chain: 'chain-page', workflowId: 'notify/1', };
const watch = { chain: 'chain-watch', workflowId: 'watch/web-01', run: 'watch-web-01', kind: 'watch', link: '', actor: 'agent@web-01', justification: 'host watch' };
const review = { ...WHERE, chain: 'chain-review', workflowId: `interpreter-change/web-01/%2Fsrv%2Fpricer%2F.venv/${ULID}`, run: 'ic-3p9d', kind: 'interpreter-change' };

const step = (who: typeof life, at: string, name: string, fact: string, more: AuditEntry['data'] = {}): AuditEntry =>
  entry(who, at, more['ok'] === false ? 'step-failed' : 'step-done', { step: name, ok: true, fact, workMs: 0, startedAt: at, endedAt: at, ...more });

/** Declared, planned, asked; nobody has voted. */
export const asked = (): AuditEntry[] => [
  entry(life, '2026-11-21T10:02:00.000Z', 'run-started', { policyDigest: 'b'.repeat(64), approval: 'not yet' }),
  step(life, '2026-11-21T10:02:01.000Z', 'declare', 'security-vulnerability, for 24 h, declared by bob', { ground: 'security-vulnerability', hours: 24 }),
  step(life, '2026-11-21T10:02:02.000Z', 'plan', '41 wheels by hash'),
  entry(life, '2026-11-21T10:02:02.000Z', 'planned', { from: '3.12.11', to: '3.13.9', planDigest: 'a'.repeat(64) }),
  entry(life, '2026-11-21T10:02:03.000Z', 'phase', { phase: 'waiting', message: 'asks for grant', request: REQUEST, approval: 'asked' }),
  entry(life, '2026-11-21T10:02:03.000Z', 'phase', { phase: 'waiting', message: 'waits for approval: 2 of cab', waitsFor: ['approval: 2 of cab'] }),
  entry(decision, '2026-11-21T10:02:04.000Z', 'approval-asked', {
    request: REQUEST, purpose: 'grant', facts: { evidence: [], hours: 24 }, rules: { stages: [{ role: 'cab', quorum: 2, eligible: 3 }], inOrder: true, veto: [] },
    deadline: '2026-11-24T10:02:03.000Z', asked: { text: 'I ask', signature: 'sig' }, convene: { role: 'cab', by: '2026-11-21T12:02:00.000Z' },
  }),
  entry(page, '2026-11-21T10:02:05.000Z', 'notified', { event: 'asked', role: 'cab', channels: ['mail'], failed: [] }),
];

const vote = (at: string, person: string, seq: number, more: object = {}): AuditEntry =>
  entry(decision, at, 'vote', { request: REQUEST, message: `counted: ${seq} of 2 of cab`, vote: { seq, t: at, person, role: 'cab', deputyFor: null, verdict: 'approve', fingerprint: `SHA256:${person}`, signer: person, signersDigest: 'd', text: 'I approve', signature: 'sig', ...more } }, { actor: person });

export const refusedVote = (at = '2026-11-21T10:25:00.000Z'): AuditEntry =>
  entry(decision, at, 'vote-refused', { request: REQUEST, message: 'not counted: bob asked for this run', vote: { seq: 9, t: at, person: 'bob', reason: 'bob asked for this run', digest: 'e'.repeat(64) } });

export const overdue = (at = '2026-11-21T12:02:00.000Z'): AuditEntry => entry(decision, at, 'overdue', { request: REQUEST, role: 'cab', by: '2026-11-21T12:02:00.000Z' });

const decided = (outcome: string, message: string, by: string[], at = GRANTED): AuditEntry => entry(decision, at, 'decided', { request: REQUEST, purpose: 'grant', outcome, message, by, decidedAt: at });

export const denied = (): AuditEntry[] => [
  ...asked(), vote('2026-11-21T10:20:00.000Z', 'alice', 1, { verdict: 'reject' }), decided('denied', 'denied by alice (cab): one rejection of cab is enough', ['alice: reject']),
  outcome('denied', 'denied by alice (cab): one rejection of cab is enough; nothing was changed', '2026-11-21T10:31:01.000Z'),
];

/** Granted by alice and carol, and not begun yet. */
export const granted = (): AuditEntry[] => [
  ...asked(),
  vote('2026-11-21T10:20:00.000Z', 'alice', 1), refusedVote(), vote(GRANTED, 'carol', 2),
  decided('approved', 'approved by alice (cab), carol (cab)', ['alice: approve', 'carol: approve']),
  step(life, '2026-11-21T10:31:01.000Z', 'grant', 'approved by alice (cab), carol (cab)'),
  entry(life, '2026-11-21T10:31:01.000Z', 'phase', { phase: 'approved', message: 'allowed by alice, carol', approval: 'alice, carol' }),
  entry(life, '2026-11-21T10:31:01.000Z', 'granted', { hours: 24, grantedAt: GRANTED, expiresAt: EXPIRES, end: EXPIRES, from: '3.12.11', to: '3.13.9' }),
];

/** It stands, and its end is waited for. */
export const active = (): AuditEntry[] => [
  ...granted(),
  entry(change, '2026-11-21T10:31:02.000Z', 'planned', { from: '3.12.11', to: '3.13.9', planDigest: 'a'.repeat(64), undoTarget: 'c02e', end: EXPIRES }),
  ...['arm', 'prepare', 'verify'].map((name, at) => step(change, `2026-11-21T10:31:0${3 + at}.000Z`, name, `${name} done`)),
  step(change, '2026-11-21T10:32:00.000Z', 'switch', '0.2 ms', { from: 'c02e', to: 'ex-3p9d-1' }),
  step(change, '2026-11-21T10:32:01.000Z', 'close', 'closed'),
  entry(life, '2026-11-21T10:32:02.000Z', 'phase', { phase: 'waiting', message: 'waits for the end of the exception', waitsFor: ['the end of the exception, Sun 22 Nov 11:31 CET (Europe/Berlin)'] }),
];

export const rehearsed = (ok = true): AuditEntry[] => [
  step(life, '2026-11-21T22:31:00.000Z', 'rehearse', 'way back to 3.12.11 is whole'),
  entry(life, '2026-11-21T22:31:00.000Z', 'rehearsed', { ok, problem: ok ? '' : 'its interpreter is gone', version: '3.12.11', role: 'primary' }),
];

export const rootCause = (sha256: string): AuditEntry => entry(life, '2026-11-21T14:00:00.000Z', 'root-cause', { by: 'frank', sha256, signed: { text: 't', signature: 's' } }, { actor: 'frank' });

/** The run itself goes back at its end. */
export const revertedByRun = (at = '2026-11-22T10:31:01.000Z'): AuditEntry[] => [
  step(life, at, 'undo', '3.12.11 again, verified'),
  entry(life, at, 'undo', { from: '3.13.9', to: '3.12.11', verified: true, of: 'chain-change' }),
  step(life, at, 'close', 'closed'),
];

/** What the host's watch writes when the host went back by itself. */
export const byHost = (at = '2026-11-22T10:31:02.000Z', more: Partial<Parameters<typeof expiredEntry>[1]> = {}): AuditEntry[] => {
  const told = { link: WHERE.link, run: 'ex-3p9d', chain: 'chain-change', end: EXPIRES, verified: true, version: '3.12.11', problem: '', ...more };
  const news = entry(watch, at, 'changed', { kind: 'changed', cursor: 12, expired: [told] });
  return [news, expiredEntry(news, told)];
};

export function outcome(what: string, message: string, at = '2026-11-22T10:31:05.000Z', more: AuditEntry['data'] = {}): AuditEntry {
  return entry(life, at, 'outcome', { outcome: what, message, from: '3.12.11', to: '3.13.9', planDigest: 'a'.repeat(64), report: null, objections: [], ...more });
}

/** The change ends by itself, whose exception was terminated meanwhile. */
export const orphanDone = (): AuditEntry => entry(change, '2026-11-21T10:32:03.000Z', 'outcome', { outcome: 'done', message: 'answers from 3.13.9', from: '3.12.11', to: '3.13.9', planDigest: 'a'.repeat(64), report: null, objections: [] });

export const permanent = (): AuditEntry[] => [
  step(life, '2026-11-22T09:00:00.000Z', 'make permanent', 'it does not end by itself any more'),
  entry(life, '2026-11-22T09:00:00.000Z', 'made-permanent', { review: 'ic-3p9d', from: '3.12.11', to: '3.13.9' }),
  outcome('done', '3.13.9 stays: approved by ic-3p9d', '2026-11-22T09:00:02.000Z'),
];

/** What is told after the run's own end, by parts that outlive it. */
export const late = (): AuditEntry[] => [
  refusedVote('2026-11-22T10:40:00.000Z'), vote('2026-11-22T10:40:01.000Z', 'dave', 10), decided('withdrawn', 'nobody waits', [], '2026-11-22T10:40:02.000Z'),
  entry(page, '2026-11-22T10:40:03.000Z', 'notified', { event: 'reverted', role: 'cab', channels: ['mail'], failed: [] }),
  entry(page, '2026-11-22T10:40:04.000Z', 'undelivered', { event: 'reverted', roles: ['operations'], problem: 'no channel' }),
];

/** The final review: one step with evidence, decided by frank. */
export const reviewed = (end = 'done'): AuditEntry[] => {
  const part = { ...review, chain: 'chain-review-decision', workflowId: 'decision/req-review' };
  return [
    entry(review, '2026-11-21T14:00:01.000Z', 'run-started', { policyDigest: 'b'.repeat(64), approval: 'not yet' }),
    entry(review, '2026-11-21T14:00:02.000Z', 'phase', { phase: 'waiting', message: 'waits for root-cause of technical-review', waitsFor: ['root-cause of technical-review'] }),
    entry(review, '2026-11-21T15:00:00.000Z', 'evidence', { step: 'technical-review', name: 'root-cause', sha256: 'f'.repeat(64), by: 'frank' }),
    entry(part, '2026-11-21T15:00:01.000Z', 'approval-asked', { request: 'req-review', purpose: 'technical-review', facts: { evidence: [{ name: 'root-cause', sha256: 'f'.repeat(64) }], env: WHERE, environments: [], from: '3.12.11', to: '3.13.9' }, rules: { stages: [{ role: 'engineering', quorum: 1, eligible: 1 }], inOrder: true, veto: [] }, deadline: '2026-11-24T15:00:00.000Z', asked: null }),
    entry(part, '2026-11-21T15:10:00.000Z', 'vote', { request: 'req-review', message: 'counted: 1 of 1 of engineering', vote: { seq: 1, t: '2026-11-21T15:10:00.000Z', person: 'frank', role: 'engineering', deputyFor: 'erin', verdict: 'approve', fingerprint: 'SHA256:frank', signer: 'frank', signersDigest: 'd', text: 't', signature: 's' } }),
    entry(part, '2026-11-21T15:10:00.000Z', 'decided', { request: 'req-review', purpose: 'technical-review', outcome: 'approved', message: 'approved by frank (engineering, for erin)', by: ['frank: approve'], decidedAt: '2026-11-21T15:10:00.000Z' }),
    step(review, '2026-11-21T15:10:01.000Z', 'technical-review', 'approved by frank (engineering, for erin)'),
    entry(review, '2026-11-21T15:10:01.000Z', 'phase', { phase: 'approved', message: 'allowed by frank', approval: 'frank' }),
    entry(review, '2026-11-21T15:10:02.000Z', 'outcome', { outcome: end, message: '3.13.9 is approved for web-01:/srv/pricer/.venv', from: '3.12.11', to: '3.13.9', planDigest: null, report: null, objections: [] }),
  ];
};
