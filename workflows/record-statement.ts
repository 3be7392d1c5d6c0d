/** Puts on record what a person signed about checks: only a workflow writes the trail, and only a signature says who. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { sha256Hex } from '../policy/canonical.js';
import { readStatement } from '../policy/checks/statement.js';
import { watchRun } from '../policy/host-keys.js';
import type { EnvironmentRef } from '../policy/model.js';
import { FAILURE } from '../policy/names.js';
import { documentProblem } from './lib/documents.js';
import { control, verifyVote } from './lib/host.js';
import { now } from './lib/time.js';

export interface RecordStatementInput {
  kind: 'manual-preflight' | 'accept-warnings';
  env: EnvironmentRef;
  /** What was signed, exactly. */
  text: string;
  signature: string;
  /** The form or the verification that the text names by its digest. */
  document: string;
  reason: string;
}

const EVENT = { 'manual-preflight': 'preflight-signed', 'accept-warnings': 'warnings-accepted' } as const;

export async function recordStatement(input: RecordStatementInput): Promise<{ taken: boolean; message: string }> {
  const { kind, env, text, signature, document, reason } = input;
  const t = now();
  const problem = inputProblem(input);
  if (problem !== null) throw ApplicationFailure.nonRetryable(problem, FAILURE.BadInput);
  const { digest } = readStatement(text)!;
  const verdict = await verifyVote({ text, signature, t }, 'runbook.statement');
  if (!verdict.valid || verdict.person === null) return { taken: false, message: verdict.reason };
  const { acceptedBy } = await control.statementRoles();
  const role = verdict.roles.find((one) => acceptedBy.includes(one.role));
  if (!role) return { taken: false, message: `${verdict.person} has none of the roles that may: ${acceptedBy.join(', ')}` };
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  await control.appendRecords({
    entries: [{
      key: `${runId}/1`, run: watchRun(env.host), kind: 'watch', event: EVENT[kind], at: t, workflowId, runId, chain, actor: verdict.person, host: env.host, link: env.link, justification: reason,
      data: { digest, by: verdict.person, role: role.role, signed: { text, signature } },
    }],
    evidence: [document],
  });
  return { taken: true, message: `on record for ${verdict.person}` };
}

/** What the text says and what came with it must be one thing. */
function inputProblem({ kind, env, text, document, reason }: RecordStatementInput): string | null {
  const facts = readStatement(text);
  if (facts === null) return 'the signed text: expected a statement about checks, got something else';
  if (facts.kind !== kind || facts.env.host !== env.host || facts.env.link !== env.link) return `the signed text: expected ${kind} of ${env.host}:${env.link}, got ${facts.kind} of ${facts.env.host}:${facts.env.link}`;
  if (facts.namespace !== workflowInfo().namespace) return `the signed text is for namespace ${facts.namespace}`;
  if (facts.reason !== reason) return 'the signed text gives another reason';
  const unfit = documentProblem(document);
  if (unfit !== null) return unfit;
  return facts.document === sha256Hex(document) ? null : `the document: expected sha256:${facts.document}, got another`;
}
