/** Facts, people and verdicts for tests of the pure approval core. Keys are well-formed and nobody's: signatures are judged elsewhere. */
import { createHash } from 'node:crypto';
import type { SignerKey, Signers } from '../../policy/files/people.js';
import type { ApprovalFacts, ApprovalRules, DecisionRequest, DecisionState, SignatureVerdict, VoteInput, VoteVerdict } from '../../policy/model-approval.js';
import { judgeVote, takeVote } from '../../policy/approval.js';
import { allowedSignersLine, fingerprintOf, judgeKey, rolesAt, signersDigest } from '../../policy/signers.js';
import { approvalText } from '../../policy/signed-texts.js';

const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 0xff]), bytes]);
export const blobOf = (...fields: (string | Buffer)[]): string => Buffer.concat(fields.map((it) => field(Buffer.from(it)))).toString('base64');

/** A line of a `.pub` file, another for each name. */
export const keyLine = (name: string): string => `ssh-ed25519 ${blobOf('ssh-ed25519', createHash('sha256').update(name).digest())} ${name}`;

export const keyOf = (name: string, more: Partial<SignerKey> = {}): SignerKey => ({ key: keyLine(name), compromised: false, ...more });

/** People with a key each, named after them, and roles. */
export function signersOf(roles: Record<string, string[]>, more: Partial<Signers> = {}): Signers {
  const people = Object.fromEntries([...new Set(Object.values(roles).flat())].map((name) => [name, { keys: [keyOf(name)] }]));
  return { people: { ...people, ...more.people }, roles, deputies: more.deputies ?? [] };
}

/** What the judge of signatures says of a good signature with the key of that name. */
export function verdictOf(signers: Signers, key: string, t: string): SignatureVerdict {
  const fingerprint = fingerprintOf(keyLine(key));
  const judged = judgeKey(signers, fingerprint, t);
  const { person } = judged;
  return {
    valid: judged.valid, person, roles: person === null ? [] : rolesAt(signers, person, t), fingerprint, reason: judged.reason,
    signer: person === null || judged.key === null ? null : allowedSignersLine(person, judged.key, ['runbook.approval']), signersDigest: signersDigest(signers),
  };
}

export const OPENED = '2026-03-02T08:00:00.000Z';
export const DEADLINE = '2026-03-05T08:00:00.000Z';
/** Milliseconds after the opening. */
export const at = (ms: number): string => new Date(Date.parse(OPENED) + ms).toISOString();

export const FACTS: ApprovalFacts = {
  request: 'req-1', run: 'ch-7k2m', kind: 'change', purpose: 'change', namespace: 'default', env: { host: 'web-01', link: '/srv/p/.venv' }, environments: [], from: '3.12.1', to: '3.12.4', hours: null,
  requester: 'bob', reason: 'security fix', planDigest: 'a'.repeat(64), policyDigest: 'b'.repeat(64), evidence: [], useBy: '2026-03-06T08:00:00.000Z', head: { seq: 41, hash: 'c'.repeat(64) },
};

export function requestOf(rules: Partial<ApprovalRules> & Pick<ApprovalRules, 'stages'>, more: Partial<DecisionRequest> = {}): DecisionRequest {
  return {
    facts: FACTS, rules: { inOrder: true, veto: [], ...rules }, workflowId: 'change/web-01/x/y', asked: null, openedAt: OPENED, deadline: DEADLINE, convene: null,
    escalateTo: [], reminders: [], lines: [], ...more,
  };
}

export const inputOf = (verdict: VoteVerdict, facts: ApprovalFacts = FACTS, signature = `signature of ${verdict}`): VoteInput => ({ text: approvalText(facts, verdict), signature, carrier: 'anybody' });

/** One vote from its coming to its answer, by the holder of a key. */
export function cast(state: DecisionState, signers: Signers, key: string, verdict: VoteVerdict, t = at(1000), input = inputOf(verdict, state.request.facts, `signature of ${key}`)): { state: DecisionState; message: string; counted: boolean } {
  const taken = takeVote(state, input, t);
  const judged = judgeVote(taken.state, taken.vote.seq, verdictOf(signers, key, t));
  const { message, counted } = judged.answers.find(({ seq }) => seq === taken.vote.seq)!.answer;
  return { state: judged.state, message, counted };
}
