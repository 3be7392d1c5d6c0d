/** Whose key a signature is of, whether it counts at a time, and for which roles. Pure: people and keys are given, and so is the time. */
import { digestOf } from './canonical.js';
import type { SignerKey, Signers } from './files/people.js';
import { fingerprintOf, keyPartsOf } from './ssh-key.js';

export { fingerprintOf } from './ssh-key.js';
export { signersProblems } from './signers-problems.js';

/** What is to be said of a key at a time. */
export interface KeyJudgement {
  valid: boolean;
  /** Whose it is; also where it may not be used. Null: nobody's, or it can't be told. */
  person: string | null;
  /** Words; empty when valid. */
  reason: string;
  key: SignerKey | null;
}

/**
 * Whether a key's signatures count at `t` (ISO). Valid from `validFrom` up to, and not at, `validUntil` and `revoked`; a compromised
 * key never. A key that stands twice is as good as its worst entry, and under two people it is nobody's.
 */
export function judgeKey(signers: Signers, fingerprint: string, t: string): KeyJudgement {
  const found = entriesOf(signers, fingerprint);
  const [first] = found;
  if (first === undefined) return { valid: false, person: null, reason: `nobody here has the key ${fingerprint}`, key: null };
  const people = [...new Set(found.map(({ person }) => person))];
  if (people.length > 1) return { valid: false, person: null, reason: `the key ${fingerprint} stands under ${people.join(' and ')}`, key: null };
  const judged = found.map(({ person, key }) => ({ person, key, reason: reasonAgainst(person, key, t) }));
  const worst = judged.find(({ reason }) => reason !== '') ?? judged[0]!;
  return { valid: worst.reason === '', ...worst };
}

function entriesOf(signers: Signers, fingerprint: string): { person: string; key: SignerKey }[] {
  const all = Object.entries(signers.people).flatMap(([person, { keys }]) => keys.map((key) => ({ person, key })));
  return all.filter(({ key }) => fingerprintOf(key.key) === fingerprint);
}

/** Worst first: who had a key that is compromised and expired must hear of the compromise. */
function reasonAgainst(person: string, key: SignerKey, t: string): string {
  const at = Date.parse(t);
  const own = `${person}'s key ${fingerprintOf(key.key)}`;
  if (Number.isNaN(at)) return `${own} can't be judged without a time, got ${JSON.stringify(t)}`;
  if (key.compromised) return `${own} is marked compromised`;
  if (key.revoked !== undefined && !(at < Date.parse(key.revoked))) return `${own} was revoked at ${key.revoked}`;
  if (key.validUntil !== undefined && !(at < Date.parse(key.validUntil))) return `${own} expired at ${key.validUntil}`;
  if (key.validFrom !== undefined && !(at >= Date.parse(key.validFrom))) return `${own} is not valid before ${key.validFrom}`;
  return '';
}

/**
 * Roles of a person at `t` (ISO): their own first, then those they stand in for, from `from` up to, and not at, `until`. Who is
 * stood in for must have the role themselves: a deputy has no deputies.
 */
export function rolesAt(signers: Signers, person: string, t: string): { role: string; deputyFor: string | null }[] {
  if (!Object.hasOwn(signers.people, person)) return [];
  const at = Date.parse(t);
  const own = Object.keys(signers.roles).filter((role) => hasRole(signers, person, role));
  const stoodIn = signers.deputies.filter((it) => it.by === person && it.for !== person && hasRole(signers, it.for, it.role) && at >= Date.parse(it.from) && at < Date.parse(it.until));
  return [...own.map((role) => ({ role, deputyFor: null })), ...stoodIn.map((it) => ({ role: it.role, deputyFor: it.for }))];
}

const hasRole = (signers: Signers, person: string, role: string): boolean =>
  Object.hasOwn(signers.people, person) && Object.hasOwn(signers.roles, role) && signers.roles[role]!.includes(person);

/**
 * A line of an `allowed_signers` file (ssh-keygen(1), "ALLOWED SIGNERS") for stock `ssh-keygen -Y verify`. A revoked key ends at its
 * revocation; that a key is compromised can't be said there, so such a line says that it never began.
 */
export function allowedSignersLine(person: string, key: SignerKey, namespaces: string[]): string {
  const ends = [key.validUntil, key.revoked, key.compromised ? EPOCH : undefined].filter((end) => end !== undefined);
  const end = ends.sort((a, b) => Date.parse(a) - Date.parse(b))[0];
  const options = [`namespaces="${namespaces.join(',')}"`, ...(key.validFrom === undefined ? [] : [`valid-after="${utc(key.validFrom)}"`]), ...(end === undefined ? [] : [`valid-before="${utc(end)}"`])];
  const { type, blob } = keyPartsOf(key.key);
  return `${person} ${options.join(',')} ${type} ${blob}`;
}

const EPOCH = '1970-01-02T00:00:00Z';

/** `20251122113208Z`: whole seconds, UTC whatever the machine's zone. */
const utc = (instant: string): string => `${new Date(Date.parse(instant)).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;

/** sha256 over people, roles, deputies and keys: kept with every vote. */
export const signersDigest = ({ people, roles, deputies }: Signers): string => digestOf({ people, roles, deputies });
