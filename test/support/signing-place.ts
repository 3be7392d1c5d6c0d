/** What judges signatures beside the workflows, for real: policy file, policy store, records, people with keys of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { openPolicyStore, type PolicyStore } from '../../activities/control/policy-store.js';
import { createSignatureActivities, type SignatureActivities } from '../../activities/control/signatures.js';
import { signText } from '../../activities/ssh-keygen.js';
import type { SignatureNamespace, SignedText } from '../../policy/model-approval.js';
import { openRecords, type Records } from '../../records/store.js';
import { makePeople, peopleOf } from './people.js';

export const NAMESPACE = 'production';
/** alice and dave: CAB; bob: security; carol: CAB and board; erin: board; frank: nothing. */
export const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const;
export type Name = (typeof NAMES)[number];
const ROLES = { cab: ['alice', 'carol', 'dave'], security: ['bob'], 'architecture-board': ['carol', 'erin'] };

export interface SigningPlace {
  activities: SignatureActivities;
  policies: PolicyStore;
  records: Records;
  policyFile: string;
  policiesDir: string;
  /** Content of the policy file beside people and roles. */
  write(policy: Record<string, unknown>, keyOf?: (name: Name) => Record<string, unknown>): void;
  sign(name: Name, namespace: SignatureNamespace, text: string): Promise<SignedText>;
  /** The same store as another process would open it. */
  reopen(now?: () => Date): PolicyStore;
}

let made: { folder: string; people: ReturnType<typeof makePeople<Name>> } | null = null;

/** Keys are made once a process and go with it. */
function keys(): NonNullable<typeof made> {
  if (made === null) {
    const folder = mkdtempSync(path.join(tmpdir(), 'signing-keys-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    made = { folder, people: makePeople(folder, NAMES) };
  }
  return made;
}

/** Line of the `.pub` file of a person. */
export const publicLine = (name: Name): string => keys().people[name].line;

export function signingPlace(t: TestContext, policy: Record<string, unknown> = {}): SigningPlace {
  const folder = mkdtempSync(path.join(tmpdir(), 'signing-place-'));
  const { people } = keys();
  const [policyFile, policiesDir] = [path.join(folder, 'policy.yaml'), path.join(folder, 'policies')];
  const records = openRecords(path.join(folder, 'records.db'));
  t.after(() => {
    records.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const write: SigningPlace['write'] = (content, keyOf = () => ({})) => {
    const named = Object.fromEntries(Object.entries(peopleOf(people)).map(([name, { keys: [key] }]) => [name, { keys: [{ ...key, ...keyOf(name as Name) }] }]));
    writeFileSync(policyFile, stringify({ people: named, roles: ROLES, ...content }));
  };
  write(policy);
  const reopen = (now?: () => Date): PolicyStore => openPolicyStore(policyFile, policiesDir, now);
  const policies = reopen();
  return {
    policies, records, policyFile, policiesDir, write, reopen,
    activities: createSignatureActivities({ policies, records, namespace: NAMESPACE }),
    sign: async (name, namespace, text) => ({ text, signature: await signText(people[name].file, namespace, text) }),
  };
}
