import type { Command } from 'commander';
import { sha256Hex } from '../../../policy/canonical.js';
import { reviewRunOf } from '../../../policy/exception-text.js';
import { parseWorkflowId, shortIdOf } from '../../../policy/ids.js';
import { SIGNATURE_NAMESPACE } from '../../../policy/model-approval.js';
import { rootCauseText } from '../../../policy/signed-texts.js';
import { rootCauseUpdate } from '../../../workflows/messages.js';
import { agreed } from '../agreeing.js';
import { handIn, LONGEST_DOCUMENT_BYTES, printHandedIn } from '../handing-in.js';
import { identify, keyOptions, signQuestion, type KeyOptions } from '../identity.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { findWorkflowId } from '../runs.js';
import { signText } from '../signing.js';
import { withClient } from '../temporal.js';
import { readTextFile } from '../text-file.js';

interface RootCauseOptions extends KeyOptions {
  yes?: boolean;
  json?: boolean;
}

/** `runbook exception root-cause RUN FILE`: root cause and permanent solution, signed (EE-07); the final review begins with it. */
export function rootCauseCommand(exception: Command, io: Io): void {
  keyOptions(exception.command('root-cause <run> <file>'))
    .description('hand in root cause and permanent solution, signed; the final review begins with it')
    .option('--yes', 'sign without being asked')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  runbook exception root-cause ex-3p9d root-cause.md')
    .action(async (run: string, file: string, options: RootCauseOptions) => void (process.exitCode = await handInRootCause(io, findInstance(), { run, file }, options)));
}

/** Shows, asks, signs, sends; returns the exit code. */
async function handInRootCause(io: Io, instance: Instance, { run: named, file }: { run: string; file: string }, options: RootCauseOptions): Promise<number> {
  const document = readTextFile(file, { longestBytes: LONGEST_DOCUMENT_BYTES, wayOut: `runbook exception root-cause ${named} FILE` });
  return withClient(instance, async (client) => {
    const workflowId = await findWorkflowId(instance, client, named);
    const run = shortIdOf(workflowId) ?? named;
    const parsed = parseWorkflowId(workflowId);
    if (parsed?.kind !== 'exception') throw refusal([{ what: `run ${run}`, expected: 'an exception', got: parsed?.kind ?? 'a run of another shape', wayOut: 'runbook exception list' }]);
    const text = rootCauseText(run, parsed.ulid, instance.namespace, sha256Hex(document));
    const talk = options.json ? { ...io, talk: () => undefined } : io;
    const me = await identify(talk, instance, options);
    for (const line of text.trimEnd().split('\n')) talk.talk(`  ${line}`);
    if (!options.yes && !(await agreed(io, signQuestion('Sign these lines', me)))) return EXIT.no;
    const signature = await signText(me.key.key, SIGNATURE_NAMESPACE.statement, text);
    const answer = await handIn(instance, client, workflowId, rootCauseUpdate, { text, signature, document });
    return printHandedIn(io, answer, { run, next: `runbook watch ${reviewRunOf(run) ?? run}`, json: options.json ?? false });
  });
}
