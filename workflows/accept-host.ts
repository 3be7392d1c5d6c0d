/** Puts on record that a person accepted a host's key: one entry, because only a workflow writes the trail. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { watchRun } from '../policy/host-keys.js';
import { FAILURE } from '../policy/names.js';
import { fingerprintOf, keyProblem } from '../policy/ssh-key.js';
import { control } from './lib/host.js';

export interface AcceptHostInput {
  host: string;
  /** The public line, as the host told it. */
  key: string;
  /** Who compared it. */
  by: string;
  reason: string;
}

export async function acceptHost({ host, key, by, reason }: AcceptHostInput): Promise<{ fingerprint: string }> {
  const problem = /^[\x20-\x7e]+$/.test(key) ? keyProblem(key) : 'is not one line of ASCII';
  if (problem !== null) throw ApplicationFailure.nonRetryable(`key of ${host}: expected a line of a .pub file, got one that ${problem}`, FAILURE.BadInput);
  const fingerprint = fingerprintOf(key);
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  await control.appendRecords({
    entries: [{
      key: `${runId}/1`, run: watchRun(host), kind: 'watch', event: 'host-accepted', at: new Date().toISOString(), workflowId, runId, chain,
      actor: by, host, link: '', justification: reason, data: { key, fingerprint },
    }],
  });
  return { fingerprint };
}
