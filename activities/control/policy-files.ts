/** The folder where the control worker keeps policies by digest, their signatures, and which of them is in force. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { digestOf } from '../../policy/canonical.js';
import { policyFileSchema, type PolicyFile } from '../../policy/files/policy-file.js';
import { readSignedRevision, type SignedRevision } from '../../policy/revision.js';

export interface KeptPolicy {
  digest: string;
  /** With the defaults of fields that came after it was kept. */
  policy: PolicyFile;
  /** As it was when its digest was made. */
  raw: unknown;
}

export interface PolicyFolder {
  /** Digest of the policy in force when this was last looked at; null: never. */
  marked(): string | null;
  mark(digest: string): void;
  keep(digest: string, policy: PolicyFile): void;
  /** null where it is not kept, or is not what its name says. */
  kept(digest: string): KeptPolicy | null;
  keepSignatures(signed: SignedRevision): void;
  signatures(digest: string): SignedRevision | null;
}

const DIGEST = /^[0-9a-f]{64}$/;

/** The text of a file; empty where there is none. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** `DIGEST.json`, `DIGEST.signatures.json`, and `current` with the digest of the one in force. */
export function openPolicyFolder(folder: string): PolicyFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = new Map<string, KeptPolicy>();
  const at = (name: string): string => path.join(folder, name);
  return {
    marked() {
      const digest = readIfThere(at('current')).trim();
      return DIGEST.test(digest) ? digest : null;
    },
    mark: (digest) => replace(at('current'), `${digest}\n`),
    keep: (digest, policy) => replace(at(`${digest}.json`), JSON.stringify(policy)),
    kept(digest) {
      if (!DIGEST.test(digest)) return null;
      const found = known.get(digest) ?? readKept(at(`${digest}.json`), digest);
      if (found) known.set(digest, found);
      return found;
    },
    keepSignatures(signed) {
      const text = JSON.stringify(signed);
      const file = at(`${signed.digest}.signatures.json`);
      if (readIfThere(file) !== text) replace(file, text);
    },
    signatures: (digest) => readSignedRevision(readIfThere(at(`${digest}.signatures.json`))),
  };
}

/** Compared first, completed then: a field that a later release added is no part of what was kept, or signed. */
function readKept(file: string, digest: string): KeptPolicy | null {
  let raw: unknown;
  try {
    raw = JSON.parse(readIfThere(file));
  } catch {
    return null;
  }
  if (digestOf(raw) !== digest) return null;
  const parsed = policyFileSchema.safeParse(raw);
  return parsed.success ? { digest, policy: parsed.data, raw } : null;
}

/** Readers see the old text or the new one. */
function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}
