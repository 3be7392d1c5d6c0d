/** Accepting the key of a host: what it told is shown, compared by a person, and put on record by a run. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ulid } from 'ulid';
import { hostKeyOf, type HostKey } from '../../policy/host-keys.js';
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { acceptHost } from '../../workflows/accept-host.js';
import type { Instance } from './instance.js';
import { CliError, EXIT, type Io } from './io.js';
import { recordsOf } from './known-runs.js';

/** A new watch has its first news within a second or two. */
const NEWS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 200;

/** What the records say of a host's key. */
export function knownKey(instance: Instance, host: string): HostKey {
  const records = recordsOf(instance);
  try {
    const newest = (event: 'check-in' | 'changed' | 'host-accepted') => records?.newestOfHost(event, host) ?? null;
    return hostKeyOf(newest('check-in'), newest('changed'), newest('host-accepted'));
  } finally {
    records?.close();
  }
}

/** The same, waiting a little for the first news of a host whose agent answers. */
export async function keyOnceTold(instance: Instance, host: string): Promise<HostKey> {
  for (const end = performance.now() + NEWS_WITHIN_MS; ; await sleep(LOOK_EVERY_MS)) {
    const key = knownKey(instance, host);
    if (key.told !== null || performance.now() > end) return key;
  }
}

export interface AcceptOptions {
  fingerprint?: string;
  reason?: string;
}

/** Accepts the key the host told last, once somebody said that it is the host's. Returns the exit code. */
export async function acceptKey(io: Io, client: Client, instance: Instance, host: string, key: HostKey, { fingerprint, reason }: AcceptOptions): Promise<number> {
  const { told, accepted, state } = key;
  if (told === null) {
    io.talk(`${host} has told no key: its agent is not there yet, or has no ssh-keygen; what it verifies is believed unsigned. Later: runbook host accept ${host}`);
    return EXIT.yes;
  }
  if (fingerprint !== undefined && fingerprint !== told.fingerprint) throw wrongFingerprint(host, fingerprint, told.fingerprint);
  if (state === 'accepted') {
    io.out(`key ${told.fingerprint} of ${host} is accepted, by ${accepted!.by} at ${accepted!.at}`);
    return EXIT.yes;
  }
  if (state === 'changed') io.talk(`! the key of ${host} is another than the one accepted by ${accepted!.by} at ${accepted!.at}, ${accepted!.fingerprint}: a new agent folder, or another machine`);
  io.talk(`${host} says its key is ${told.fingerprint}; on ${host}, in the agent's folder: ssh-keygen -lf key/agent_ed25519.pub`);
  if (!(await isAgreed(io, host, told.fingerprint, fingerprint))) return EXIT.no;
  await recordAccepted(client, instance, host, told.key, reason ?? 'its fingerprint was compared');
  io.out(`key ${told.fingerprint} of ${host} is accepted`);
  return EXIT.yes;
}

/** By the fingerprint said beforehand, or by an answer. */
async function isAgreed(io: Io, host: string, told: string, said: string | undefined): Promise<boolean> {
  if (said !== undefined) return true;
  if (io.interactive && (await io.ask(`the same there? accept it as the key of ${host}`))) return true;
  io.talk(`not accepted; runbook host accept ${host} --fingerprint ${told}`);
  return false;
}

const wrongFingerprint = (host: string, said: string, told: string): CliError =>
  new CliError(EXIT.no, [
    `refused: key of ${host}: expected ${said}, got ${told}`,
    `  try: on ${host}, in the agent's folder: ssh-keygen -lf key/agent_ed25519.pub; if it is not ${told}, something else answers for ${host}`,
    'nothing was accepted',
  ]);

async function recordAccepted(client: Client, { requester: by }: Instance, host: string, key: string, reason: string): Promise<void> {
  await client.workflow.execute<typeof acceptHost>('acceptHost', { workflowId: `accept/${host}/${ulid()}`, taskQueue: CONTROL_QUEUE, args: [{ host, key, by, reason }], staticSummary: `accept the key of ${host}` });
}
