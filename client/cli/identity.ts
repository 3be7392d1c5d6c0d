/** Who somebody is: the person of the policy whose key they sign with. */
import type { Command } from 'commander';
import type { Signers } from '../../policy/files/people.js';
import { judgeKey, rolesAt } from '../../policy/signers.js';
import { readPolicy } from './files.js';
import type { Instance } from './instance.js';
import { refusal, type Io } from './io.js';
import { findKey, requireKey, type SigningKey } from './signing-key.js';
import { tilde } from './words.js';

export interface KeyOptions {
  /** `--key`. */
  key?: string;
  /** `--as`: the person it must be. */
  as?: string;
}

/** `--key` and `--as` of whatever signs. */
export const keyOptions = (command: Command): Command =>
  command.option('--key <file>', 'key to sign with; default: RUNBOOK_KEY, git\'s signing key, ~/.ssh').option('--as <name>', 'who you are; refused where the key is somebody else\'s');

/** A person with the key they sign with. */
export interface Identity {
  person: string;
  key: SigningKey;
}

/** Refuses a key the policy does not know or does not allow now, and one that is not of whom `--as` names. */
export function personOf(signers: Signers, key: SigningKey, as: string | undefined, t: string): string {
  const judged = judgeKey(signers, key.fingerprint, t);
  const what = `${keyName(key)} (${key.namedBy})`;
  if (judged.person === null) throw refusal([{ what, expected: 'a key of one of the people of the policy', got: `${key.fingerprint}, ${judged.reason}`, wayOut: 'name yours with --key; runbook policy show lists people and keys; whoever keeps the policy adds yours' }]);
  if (as !== undefined && judged.person !== as) throw refusal([{ what: `--as ${as}`, expected: `${judged.person}, whose key ${keyName(key)} is`, got: as, wayOut: `name the key of ${as} with --key, or leave --as out` }]);
  if (!judged.valid) throw refusal([{ what, expected: `a key that ${judged.person} may use now`, got: judged.reason, wayOut: 'name another with --key, or have the policy changed' }]);
  return judged.person;
}

/** Who signs, by flag, environment, git or the usual places; says it. `signers`: other people than those of the policy's file. */
export async function identify(io: Io, instance: Instance, { key, as }: KeyOptions, signers?: Signers): Promise<Identity> {
  const found = await requireKey(key);
  const person = personOf(signers ?? readPolicy(instance.paths).policy, found, as, io.now().toISOString());
  io.talk(`signing as ${person} with ${keyName(found)} (${found.namedBy})`);
  return { person, key: found };
}

/** Roles of whoever has this machine's key, for telling what is theirs; null where nobody can be told by a key. */
export async function whoAmI(io: Io, instance: Instance, { key }: KeyOptions): Promise<{ person: string; roles: string[] } | null> {
  const found = await findKey(key);
  const { policy } = readPolicy(instance.paths);
  const t = io.now().toISOString();
  const person = found && judgeKey(policy, found.fingerprint, t).person;
  return person === null ? null : { person, roles: rolesAt(policy, person, t).map(({ role }) => role) };
}

/** What is asked before a signature. */
export const signQuestion = (what: string, { person, key }: Identity): string => `${what} as ${person}${key.touch ? ' (touch the key)' : ''}?`;

/** A file by its path, a public key line by its fingerprint. */
const keyName = ({ key, fingerprint }: SigningKey): string => (key.startsWith('/') ? tilde(key) : fingerprint);
