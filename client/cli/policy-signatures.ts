/** The signatures under a policy revision: a file beside the policy, `policy.yaml.signatures` (AP-11). */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LoadedPolicy } from '../../policy/files/load.js';
import type { Signers } from '../../policy/files/people.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import { SIGNATURE_NAMESPACE, type ApprovalStage } from '../../policy/model-approval.js';
import { canFill } from '../../policy/quorum.js';
import { readSignedRevision, type SignedRevision } from '../../policy/revision.js';
import { policyText } from '../../policy/signed-texts.js';
import { judgeKey, rolesAt } from '../../policy/signers.js';
import { readIfThere } from './instance.js';
import { refusal } from './io.js';
import { signerOf } from './signing.js';

export const signaturesFileOf = (policyFile: string): string => `${policyFile}.signatures`;

/** null where there is none; refuses one that can't be read. */
export function readSignatures(file: string): SignedRevision | null {
  const text = readIfThere(file);
  const read = readSignedRevision(text);
  if (read || text === '') return read;
  throw refusal([{ what: file, expected: 'signatures as runbook policy sign writes them', got: 'something else', wayOut: 'move it away and sign again: runbook policy sign' }]);
}

/** What the control worker has in force, from where it keeps it; null where none ran here yet. */
export function policyInForce(folder: string): LoadedPolicy | null {
  const digest = readIfThere(path.join(folder, 'current')).trim();
  if (!/^[0-9a-f]{64}$/.test(digest)) return null;
  const parsed = policyFileSchema.safeParse(JSON.parse(readFileSync(path.join(folder, `${digest}.json`), 'utf8')));
  return parsed.success ? { policy: parsed.data, digest } : null;
}

/** Whole or not at all: the control worker reads it too. */
export function writeSignatures(file: string, content: SignedRevision): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

export interface PolicySigner {
  person: string;
  roles: string[];
}

/** Whose signatures there are, each checked by ssh-keygen against the text it must be of; others count for nothing. */
export async function signersOf(people: Signers, { revision, digest, replaces, signatures }: SignedRevision, t: string): Promise<PolicySigner[]> {
  const text = policyText(revision, digest, replaces);
  const found: PolicySigner[] = [];
  for (const signed of signatures) {
    const fingerprint = signed.text === text ? await signerOf(SIGNATURE_NAMESPACE.policy, text, signed.signature) : null;
    const { valid, person } = fingerprint === null ? { valid: false, person: null } : judgeKey(people, fingerprint, t);
    if (valid && person !== null && !found.some((known) => known.person === person)) found.push({ person, roles: rolesAt(people, person, t).map(({ role }) => role) });
  }
  return found;
}

/** What is still missing of each stage, one person counting in one place: `1 of cab`. Empty: it is signed. */
export function missingStages(stages: ApprovalStage[], signers: readonly PolicySigner[]): ApprovalStage[] {
  const of = (role: string): string[] => signers.filter(({ roles }) => roles.includes(role)).map(({ person }) => person);
  // Filled as far as it goes: each stage keeps the largest quorum that all before it leave possible.
  const filled: ApprovalStage[] = [];
  return stages.flatMap(({ role, quorum }) => {
    let have = quorum;
    while (have > 0 && !canFill([...filled, { role, quorum: have }], of)) have -= 1;
    if (have > 0) filled.push({ role, quorum: have });
    return have < quorum ? [{ role, quorum: quorum - have }] : [];
  });
}
