/** What a run puts on record: noted as it happens, written before the next step begins. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { RunKind } from '../../policy/model.js';
import type { AuditEntry, Head } from '../../policy/records.js';
import type { LeaseHolder } from '../../activities/host/contract.js';
import { endedEntry } from './ended.js';
import { control } from './host.js';
import type { RunInput } from './run.js';

export class RunRecords {
  private noted = 0;
  private unrecorded: AuditEntry[] = [];
  private evidence: string[] = [];

  constructor(private readonly input: RunInput, private readonly kind: RunKind) {}

  /** Puts an entry on the list that the next `write` writes. `evidence`: texts it names by their digests. */
  note(event: AuditEntry['event'], data: AuditEntry['data'], evidence: string[] = [], actor = this.input.requester): void {
    this.evidence.push(...evidence);
    this.unrecorded.push(this.entry(event, data, actor));
  }

  /** Notes that another run ended without closing, which this one found out. */
  noteEnded(holder: LeaseHolder, result: 'freed' | 'unsettled'): void {
    this.unrecorded.push(endedEntry(this.entry('lease-freed', {}, this.input.requester), holder, this.input.env, result));
  }

  private entry(event: AuditEntry['event'], data: AuditEntry['data'], actor: string): AuditEntry {
    const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
    const { run, reason: justification, env } = this.input;
    // By execution, not by chain: what a reset does again is another entry.
    return { key: `${runId}/${++this.noted}`, run, kind: this.kind, event, at: new Date().toISOString(), workflowId, runId, chain, actor, host: env.host, link: env.link, justification, data };
  }

  /** Writes what was noted, and tells where the trail ends then; null: nothing was noted. Forward waits until it is written: no records, no further step (invariant 10). */
  async write(): Promise<Head | null> {
    // Copies: what is noted while this batch is on its way (an abort) belongs to the next one.
    const [entries, evidence] = [[...this.unrecorded], [...this.evidence]];
    if (entries.length === 0) return null;
    const { head } = await control.appendRecords({ entries, ...(evidence.length > 0 ? { evidence } : {}) });
    this.unrecorded = this.unrecorded.filter((entry) => !entries.includes(entry));
    this.evidence = this.evidence.filter((text) => !evidence.includes(text));
    return head;
  }

  /** For the undo: tries for 10 s and goes on; what could not be written is kept for the end. */
  async writeOrGoOn(): Promise<void> {
    await CancellationScope.withTimeout('10 seconds', () => this.write()).catch(() => null);
  }
}

/** Of a plan: it changes nothing, and leaves nothing on record that would have to end. */
export class NoRecords extends RunRecords {
  override note(): void {}
}
