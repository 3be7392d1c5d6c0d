import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { whoAmI } from '../identity.js';
import type { OpenDecision } from '../../../policy/model-approval.js';
import { inboxLine, inboxRows } from '../inbox-lines.js';
import { findInstance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { withClient } from '../temporal.js';

/** `runbook inbox`: every open decision, mine first, the nearest deadline first. */
export function inboxCommand(program: Command, io: Io): void {
  program
    .command('inbox')
    .option('--key <file>', 'whose inbox: the key they sign with')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook inbox')
    .action(async (options: { key?: string; json?: boolean }) => {
      const instance = findInstance();
      const me = await whoAmI(io, instance, options);
      const rows = inboxRows(await withClient(instance, openDecisions), me);
      process.exitCode = EXIT.yes;
      if (options.json) return io.out(JSON.stringify({ person: me?.person ?? null, decisions: rows }, null, 2));
      for (const row of rows) io.out(inboxLine(row, io.now()));
      const mine = rows.filter((row) => row.mine);
      if (rows.length === 0) io.talk('nothing waits for a decision');
      else if (me === null) io.talk('no key tells who you are: which are yours is not known; --key FILE names one\nnext: runbook approve RUN · runbook reject RUN · runbook show RUN --to-sign');
      else if (mine.length === 0) io.talk(`none of these waits for ${me.person} (${me.roles.join(', ') || 'no role'})`);
      else io.talk(`${mine.length} of ${rows.length} for you, ${me.person}\nnext: runbook approve ${mine[0]!.run} · runbook reject ${mine[0]!.run}`);
    });
}

/**
 * Open decisions by what each keeps in visibility; a moment behind what they know themselves. By the service itself: the client's own
 * list takes as long again for a thousand of them.
 */
export async function openDecisions(client: Client): Promise<OpenDecision[]> {
  const { namespace, loadedDataConverter: { payloadConverter } } = client.options;
  const open: OpenDecision[] = [];
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await client.workflowService.listWorkflowExecutions({ namespace, query: `WorkflowType='decision' AND ExecutionStatus='Running'`, nextPageToken: nextPageToken ?? null });
    for (const { memo: kept } of page.executions) {
      const memo = Object.fromEntries(Object.entries(kept?.fields ?? {}).map(([name, payload]) => [name, payloadConverter.fromPayload<unknown>(payload)]));
      // The namespace may hold runs of others.
      if (typeof memo['run'] === 'string' && typeof memo['deadline'] === 'string') open.push(asDecision(memo));
    }
    ({ nextPageToken } = page);
  } while (nextPageToken?.length);
  return open;
}

/** A memo keeps neither null nor an empty list. */
const asDecision = (memo: Record<string, unknown>): OpenDecision =>
  ({ purpose: '', kind: '', where: '', from: null, to: '', hours: null, requester: '', progress: '', roles: [], voted: [], conveneBy: null, ...memo }) as unknown as OpenDecision;
