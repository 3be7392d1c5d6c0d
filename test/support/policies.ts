/** Policies with people who can sign, policy stores in folders of their own, and exceptions on record. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { openPolicyStore, type PolicyStore } from '../../activities/control/policy-store.js';
import { parsePolicy } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { EnvironmentRef } from '../../policy/model.js';
import type { AuditEntry } from '../../policy/records.js';

/** A line of a `.pub` file that nobody has the private half of. */
const keyOf = (name: string): string => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${Buffer.from(name.padEnd(32, '.')).toString('base64').replace(/=+$/, '')}`;

const person = (name: string) => ({ keys: [{ key: keyOf(name) }] });

/** Everybody the documents' rules need. */
export const PEOPLE = {
  people: Object.fromEntries(['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace'].map((name) => [name, person(name)])),
  roles: { cab: ['alice', 'carol', 'dave'], security: ['bob', 'erin'], engineering: ['frank'], ci: ['grace'], operations: ['grace'], 'project-owner': ['dave'], 'architecture-board': ['frank'] },
};

/** A policy of these people with other fields beside. */
export function policyWith(fields: object = {}): PolicyFile {
  const loaded = parsePolicy(stringify({ ...PEOPLE, ...fields }), 'policy.yaml');
  if ('objections' in loaded) throw new TypeError(JSON.stringify(loaded.objections));
  return loaded.policy;
}

/** A real store over a file that `write` replaces. */
export function policyStore(t: TestContext, fields: object = {}, now?: () => Date): PolicyStore & { write(fields: object): void; file: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'policies-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'policy.yaml');
  const write = (next: object): void => writeFileSync(file, stringify({ ...PEOPLE, ...next }));
  write(fields);
  return { ...openPolicyStore(file, path.join(folder, 'kept'), now), write, file };
}

export const ENV: EnvironmentRef = { host: 'web-01', link: '/srv/p/.venv' };

const HOUR_MS = 3_600_000;
/** An ISO instant so many hours after the first of November 2026. */
export const at = (hours: number): string => new Date(Date.UTC(2026, 10, 1) + hours * HOUR_MS).toISOString();

/** Entries of an exception of `ENV` that was granted `hours` at hour `from`, and whose change stands from then on. */
export function grantedException(run: string, from: number, hours: number): AuditEntry[] {
  const told = (n: number, event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry => exceptionEntry(run, n, event, from, data);
  return [
    told(1, 'run-started', { from: '3.12.1', to: '3.13.1' }),
    told(2, 'granted', { hours, grantedAt: at(from), expiresAt: at(from + hours), end: at(from + hours), from: '3.12.1', to: '3.13.1' }),
    told(3, 'step-done', { step: 'switch', ok: true, fact: 'switched', workMs: 1, startedAt: at(from), endedAt: at(from) }),
  ];
}

/** An entry of the exception's own chain; `n` makes its key. */
export function exceptionEntry(run: string, n: number, event: AuditEntry['event'], hour: number, data: AuditEntry['data'], fields: Partial<AuditEntry> = {}): AuditEntry {
  return {
    key: `${run}/${n}`, run, kind: 'exception', event, at: at(hour), workflowId: `exception/${run}`, runId: `execution-${run}`, chain: `chain-${run}`,
    actor: 'bob', host: ENV.host, link: ENV.link, justification: 'a hole in ssl', data, ...fields,
  };
}
