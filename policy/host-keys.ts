/** The key a host signs its verdicts with: what it told last, what was accepted, and how the two stand to each other. */
import type { StoredEntry } from './records.js';
import { fingerprintOf } from './ssh-key.js';

/** Run id under which news of a host stand in the records. */
export const watchRun = (host: string): string => `watch-${host}`;

export interface HostKey {
  /** `changed`: told is another than what was accepted; `none`: the agent told none (an earlier version, or no ssh-keygen). */
  state: 'accepted' | 'not accepted' | 'changed' | 'none';
  /** The public line its agent told last, and its fingerprint. */
  told: { key: string; fingerprint: string } | null;
  accepted: { key: string; fingerprint: string; by: string; at: string } | null;
}

/** By the newest entries of the host's watch: `check-in`, `changed` and `host-accepted`. */
export function hostKeyOf(checkIn: StoredEntry | null, changed: StoredEntry | null, accepted: StoredEntry | null): HostKey {
  const newest = [checkIn, changed].filter((it) => it !== null).sort((a, b) => b.seq - a.seq)[0];
  const key = text(newest?.entry.data['key']);
  const told = key === null ? null : { key, fingerprint: fingerprintOf(key) };
  const own = text(accepted?.entry.data['key']);
  const known = accepted && own !== null ? { key: own, fingerprint: fingerprintOf(own), by: accepted.entry.actor, at: accepted.entry.at } : null;
  return { state: stateOf(told?.fingerprint, known?.fingerprint), told, accepted: known };
}

function stateOf(told: string | undefined, known: string | undefined): HostKey['state'] {
  if (told === undefined) return 'none';
  if (known === undefined) return 'not accepted';
  return told === known ? 'accepted' : 'changed';
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
