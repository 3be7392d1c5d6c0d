/** Audit entries and record files for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { AuditEntry } from '../../policy/records.js';

/** A whole entry of the run `fb-7k2m`; `n` is its number within the chain and the minute of its time. */
export function entry(n: number, fields: Partial<AuditEntry> = {}): AuditEntry {
  const chain = fields.chain ?? 'chain-1';
  return {
    key: `${chain}/${n}`, run: 'fb-7k2m', kind: 'fallback', event: 'phase',
    at: new Date(Date.UTC(2025, 10, 22, 11, 30) + n * 1000).toISOString(),
    workflowId: 'fallback/laptop/%2Fsrv%2Fpricer%2F.venv/01J', runId: 'execution-1', chain,
    actor: 'bob', host: 'laptop', link: '/srv/pricer/.venv', justification: 'new lock', data: {}, ...fields,
  };
}

/** The entries of one successful run that switched from `from` to `to`. */
export function wholeRun(fields: Partial<AuditEntry> = {}, from: string | null = '3.12.1', to: string | null = '3.11.7'): AuditEntry[] {
  const step = (n: number, name: string): AuditEntry =>
    entry(n, { ...fields, event: 'step-done', data: { step: name, ok: true, fact: `${name} done`, workMs: 12, startedAt: entry(n).at, endedAt: entry(n + 1).at } });
  return [
    entry(1, { ...fields, event: 'run-started', data: { from: null, to: null, approval: 'policy pre-approved' } }),
    entry(2, { ...fields, event: 'planned', data: { from, to, planDigest: 'ab'.repeat(32), end: null } }),
    step(3, 'arm'),
    step(4, 'switch'),
    entry(5, { ...fields, event: 'outcome', data: { outcome: 'done', message: 'answers from the new one', from, to } }),
  ];
}

/** Path of a records file in a folder that goes away with the test. */
export function recordsFile(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'records-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'records.db');
}
