/** What a person signs about checks, and how it comes on record: shown, asked, signed, taken by a run. */
import type { Client } from '@temporalio/client';
import { ulid } from 'ulid';
import { sha256Hex } from '../../policy/canonical.js';
import { readStatement, statementText, type Statement } from '../../policy/checks/statement.js';
import { formatEnvironment } from '../../policy/ids.js';
import { SIGNATURE_NAMESPACE } from '../../policy/model-approval.js';
import type { EnvironmentRef } from '../../policy/model.js';
import { CONTROL_QUEUE, FAILURE } from '../../policy/names.js';
import { rolesAt } from '../../policy/signers.js';
import type { recordStatement, RecordStatementInput } from '../../workflows/record-statement.js';
import { agreed } from './agreeing.js';
import { readPolicy } from './files.js';
import { identify, signQuestion, type KeyOptions } from './identity.js';
import type { Instance } from './instance.js';
import { CliError, EXIT, couldNotTell, refusal, type Io } from './io.js';
import { recordsOf } from './known-runs.js';
import { signText } from './signing.js';
import { requireControlWorker, withClient } from './temporal.js';

/** A signature is verified meanwhile; a control worker that was restarted is back within seconds. */
const ANSWER_LIMIT_MS = 30_000;

export interface StatementOptions extends KeyOptions {
  /** Sign without being asked. */
  yes?: boolean;
  json?: boolean;
}

/** What is signed for. */
export interface Said {
  kind: Statement['kind'];
  env: EnvironmentRef;
  /** Hex. */
  digest: string;
  document: string;
  reason: string;
}

/** What came of it: `taken` false with `code` 1 is a no of the person or of the run. */
export interface Recorded {
  taken: boolean;
  message: string;
  by: string;
}

/** Shows the text, asks, signs it with the person's key and puts it on record; null: the person did not agree. */
export async function signAndRecord(io: Io, instance: Instance, { document, ...said }: Said, options: StatementOptions): Promise<Recorded | null> {
  requireReason(said.reason);
  const text = statementText({ ...said, document: sha256Hex(document), namespace: instance.namespace, at: io.now().toISOString() });
  requireReadable(text, said);
  return withClient(instance, async (client) => {
    await requireControlWorker(client, instance.namespace, CONTROL_QUEUE);
    const talk = options.json ? { ...io, talk: () => undefined } : io;
    const me = await identify(talk, instance, options);
    requireRole(instance, me.person, io.now().toISOString());
    for (const line of text.trimEnd().split('\n')) talk.talk(`  ${line}`);
    if (!options.yes && !(await agreed(io, signQuestion('Sign these lines', me)))) return null;
    const signature = await signText(me.key.key, SIGNATURE_NAMESPACE.statement, text);
    const answer = await record(client, { kind: said.kind, env: said.env, reason: said.reason, text, signature, document });
    return { ...answer, by: me.person };
  });
}

/** Refuses a record that would not say why, before anything is measured or signed. */
export function requireReason(reason: string): void {
  if (reason.trim() === '') throw refusedReason('nothing');
}

const refusedReason = (got: string): CliError => refusal([{ what: '--reason', expected: 'a reason of one line that fits into a signed text', got, wayOut: '--reason "known since Monday, ticket 4711"' }]);

/** Words that the text can't carry are refused before anybody signs it. */
function requireReadable(text: string, { reason, env }: Omit<Said, 'document'>): void {
  const read = readStatement(text);
  if (read?.reason === reason && read.env.link === env.link) return;
  throw refusedReason('another');
}

/** The run says no to anybody else; better said before they sign. */
function requireRole(instance: Instance, person: string, t: string): void {
  const { policy } = readPolicy(instance.paths);
  const roles = rolesAt(policy, person, t).map(({ role }) => role);
  const { acceptedBy } = policy.checks;
  if (roles.some((role) => acceptedBy.includes(role))) return;
  throw refusal([{ what: `signature of ${person}`, expected: `somebody of ${acceptedBy.join(' or ')} (checks.acceptedBy)`, got: roles.length === 0 ? 'no role' : roles.join(', '), wayOut: `ask one of them; runbook policy show lists who has which role` }]);
}

async function record(client: Client, input: RecordStatementInput): Promise<{ taken: boolean; message: string }> {
  const { kind, env } = input;
  const send = () => client.workflow.execute<typeof recordStatement>('recordStatement', {
    workflowId: `statement/${env.host}/${encodeURIComponent(env.link)}/${ulid()}`,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowExecutionTimeout: ANSWER_LIMIT_MS * 10,
    staticSummary: `${kind} of ${formatEnvironment(env)}`,
  });
  try {
    return await client.withDeadline(Date.now() + ANSWER_LIMIT_MS, send);
  } catch (error) {
    const { name, message } = error as Error;
    if (isBadInput(error)) throw new CliError(EXIT.badInput, [`refused: ${causeOf(error) ?? message}`, '  try: measure and sign anew', 'nothing is on record']);
    if (/^(ServiceError|WorkflowFailedError)$/.test(name)) throw couldNotTell('the statement', `an answer within ${ANSWER_LIMIT_MS / 1000} s`, causeOf(error) ?? message, 'runbook doctor; then the same again: a statement that did arrive stands twice and says the same');
    throw error;
  }
}

/** The words themselves will never do; the same again gets the same answer. An activity's failure wraps its own. */
function isBadInput(error: unknown): boolean {
  for (let it = error as { type?: string; cause?: unknown } | undefined; it; it = it.cause as typeof it) if (it.type === FAILURE.BadInput) return true;
  return false;
}

/** What was said first, at the innermost. */
function causeOf(error: unknown): string | undefined {
  const { cause } = error as { cause?: { message?: string } };
  return cause === undefined ? undefined : (causeOf(cause) ?? cause.message);
}

/** Digests of the warnings that were accepted for an environment, by the records of this instance; none where there are none. */
export function acceptedWarnings(instance: Instance, env: EnvironmentRef): { digest: string; by: string; at: string }[] {
  const records = recordsOf(instance);
  try {
    return (records?.entriesByEvent('warnings-accepted') ?? [])
      .filter(({ entry }) => entry.host === env.host && entry.link === env.link)
      .map(({ entry }) => ({ digest: String(entry.data['digest']), by: String(entry.data['by']), at: entry.at }));
  } finally {
    records?.close();
  }
}

/** Says what came of it; returns the exit code. */
export function tellRecorded(io: Io, recorded: Recorded | null, { json, next }: { json: boolean; next: string }): number {
  if (recorded === null) return EXIT.no;
  const { taken, message } = recorded;
  if (json) io.out(JSON.stringify(recorded));
  else {
    io.out(taken ? message : `not taken: ${message}`);
    io.talk(`next: ${next}`);
  }
  return taken ? EXIT.yes : EXIT.no;
}
