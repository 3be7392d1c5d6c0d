/** People with throw-away keys, a host's signers file, and warrants as a decision would give them, signed with stock ssh-keygen. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { makeKey, signText } from '../../activities/ssh-keygen.js';
import { SIGNATURE_NAMESPACE, type ApprovalFacts, type RequestFacts, type SignatureNamespace, type SignedText, type Warrant } from '../../policy/model-approval.js';
import type { Plan } from '../../policy/model.js';
import { planDigest } from '../../policy/plan.js';
import { approvalText, policyText, requestText } from '../../policy/signed-texts.js';

/** The fields of a key that a test sets. */
export interface KeyFields {
  validFrom?: string;
  validUntil?: string;
  revoked?: string;
  compromised?: boolean;
}

/** A key pair: its private file, and its public line. */
export interface Key {
  file: string;
  line: string;
}

export interface Board {
  /** Path of the signers file. */
  file: string;
  keys: Record<string, Key>;
  /** Writes the signers file; each of `people` may have further keys, and fields for its keys. */
  write(fields?: object, people?: Record<string, { keys: ({ key: string } & KeyFields)[] }>): void;
  sign(key: Key | string, namespace: SignatureNamespace, text: string): Promise<SignedText>;
  /** A new key beside the people's own. */
  key(name: string): Promise<Key>;
  warrant(plan: Plan, run: string, wish?: WarrantWish): Promise<Warrant>;
}

export interface WarrantWish {
  voters?: (Key | string)[];
  facts?: Partial<ApprovalFacts>;
  /** What voters sign instead of the text of the facts. */
  text?: (text: string) => string;
  namespace?: SignatureNamespace;
  /** Who signs the request; null: nobody. Default: the requester. */
  askedBy?: string | null;
  /** Facts of the request that differ from the warrant's. */
  asked?: Partial<RequestFacts>;
}

/** alice, bob, carol: CAB; dora: engineering; erin: architecture board. */
export const PEOPLE = ['alice', 'bob', 'carol', 'dora', 'erin'] as const;
export const ROLES = { cab: ['alice', 'bob', 'carol'], engineering: ['dora'], 'architecture-board': ['erin'] };
/** Random part of run ids in these tests. */
const ULID = '01J00000000000000000000000';

/** Makes the board in a folder that only its owner may write to. */
export async function board(folder: string): Promise<Board> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const key = async (name: string): Promise<Key> => ({ file: join(folder, name), line: await makeKey(join(folder, name), `${name}@test`) });
  const keys = Object.fromEntries(await Promise.all(PEOPLE.map(async (name) => [name, await key(name)] as const)));
  const file = join(folder, 'signers.yaml');
  const sign: Board['sign'] = async (by, namespace, text) => ({ text, signature: await signText((typeof by === 'string' ? keys[by]! : by).file, namespace, text) });
  const made: Board = {
    file, keys, sign, key,
    write(fields = {}, people = {}) {
      const all = { ...Object.fromEntries(PEOPLE.map((name) => [name, { keys: [{ key: keys[name]!.line }] }])), ...people };
      writeFileSync(file, stringify({ people: all, roles: ROLES, ...fields }));
      chmodSync(file, 0o644);
    },
    warrant: (plan, run, wish = {}) => warrantOf(made, plan, run, wish),
  };
  made.write();
  return made;
}

let requests = 0;

async function warrantOf({ sign }: Board, plan: Plan, run: string, { voters = ['alice', 'carol'], facts: other = {}, text = (it) => it, namespace = SIGNATURE_NAMESPACE.approval, askedBy, asked = {} }: WarrantWish): Promise<Warrant> {
  const facts: ApprovalFacts = {
    request: `request-${++requests}`, run, kind: plan.kind, purpose: plan.kind === 'exception' ? 'grant' : plan.kind, namespace: 'default', env: plan.env, environments: [],
    from: plan.present?.version ?? null, to: plan.interpreter.version, hours: plan.hours ?? null, requester: 'dora', reason: 'wheels', planDigest: planDigest(plan), policyDigest: plan.policyDigest,
    evidence: [], useBy: new Date(Date.now() + 3_600_000).toISOString(), head: { seq: 7, hash: 'e'.repeat(64) }, ...other,
  };
  const { kind, env, hours, reason, requester, planDigest: digest, policyDigest } = facts;
  const request: RequestFacts = { run: facts.run, kind, ulid: ULID, namespace: facts.namespace, env, environments: [], to: facts.to, hours, ground: null, reason, requester, planDigest: digest, policyDigest, at: new Date().toISOString(), source: null, ...asked };
  const votes = await Promise.all(voters.map((voter) => sign(voter, namespace, text(approvalText(facts, 'approve')))));
  const t = new Date().toISOString();
  const by = askedBy === undefined ? requester : askedBy;
  return {
    facts, rules: { stages: [{ role: 'cab', quorum: 2, eligible: 3 }], inOrder: true, veto: [] }, votes: votes.map((vote) => ({ ...vote, t })),
    asked: by === null ? null : await sign(by, SIGNATURE_NAMESPACE.request, requestText(request)), grantedAt: t, policy: null,
  };
}

/** A warrant for a kind that the policy itself approves: nobody voted, and the boards signed the policy. */
export async function policyWarrantOf({ sign, warrant }: Board, plan: Plan, run: string, content: string, digest: string, signers: string[] = ['erin', 'alice']): Promise<Warrant> {
  const signatures = await Promise.all(signers.map((name) => sign(name, SIGNATURE_NAMESPACE.policy, policyText('1.0.0', digest, null))));
  return { ...(await warrant(plan, run, { voters: [], askedBy: null, facts: { requester: 'policy' } })), policy: { content, revision: '1.0.0', signatures } };
}
