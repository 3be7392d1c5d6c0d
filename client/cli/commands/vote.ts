import type { Command } from 'commander';
import { decisionId, decisionState } from '../decisions.js';
import { findInstance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { withClient } from '../temporal.js';
import { readTextFile } from '../text-file.js';
import { printCast, readVoteText, sendVote } from '../vote.js';

/** What a decision takes at all; anything longer is no vote. */
const LONGEST_BYTES = 16 * 1024;

/** `runbook vote TEXT_FILE SIG_FILE`: carries back what somebody else signed. The signature is the identity. */
export function voteCommand(program: Command, io: Io): void {
  program
    .command('vote <text-file> <sig-file>')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  runbook show ex-3p9d --to-sign > v.txt\n  ssh-keygen -Y sign -n runbook.approval -f ~/.ssh/id_ed25519 v.txt\n  runbook vote v.txt v.txt.sig')
    .action(async (textFile: string, sigFile: string, options: { json?: boolean }) => {
      const instance = findInstance();
      const limits = { longestBytes: LONGEST_BYTES, wayOut: 'runbook vote TEXT_FILE SIG_FILE' };
      const [text, signature] = [readTextFile(textFile, limits), readTextFile(sigFile, limits)];
      const { request, namespace, run } = readVoteText(text, textFile);
      if (namespace !== instance.namespace) throw refusal([{ what: `namespace in ${textFile}`, expected: instance.namespace, got: namespace, wayOut: `TEMPORAL_NAMESPACE=${namespace} with that server's TEMPORAL_ADDRESS` }]);
      process.exitCode = await withClient(instance, async (client) => {
        const { request: { deadline } } = await decisionState(client, decisionId(request));
        const sentAt = io.now().toISOString();
        const cast = await sendVote(io, client, decisionId(request), { text, signature, carrier: instance.requester });
        if (!options.json) return printCast(io, cast, { run, deadline, sentAt });
        io.out(JSON.stringify({ run, ...cast }));
        return cast.counted ? EXIT.yes : EXIT.no;
      });
    });
}
