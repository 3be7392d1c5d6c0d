import type { Command } from 'commander';
import { sha256Hex } from '../../../policy/canonical.js';
import { isRequester } from '../../../policy/entitlement.js';
import { SIGNATURE_NAMESPACE, type VoteVerdict } from '../../../policy/model-approval.js';
import { approvalText } from '../../../policy/signed-texts.js';
import { oneLine } from '../../../policy/text.js';
import { decisionOf, type KnownDecision } from '../decisions.js';
import { identify, keyOptions, signQuestion, type Identity, type KeyOptions } from '../identity.js';
import { findInstance, type Instance } from '../instance.js';
import { CliError, EXIT, localTime, refusal, type Io } from '../io.js';
import { readDigest } from '../request.js';
import { signText } from '../signing.js';
import { withClient } from '../temporal.js';
import { printCast, sendVote } from '../vote.js';
import { tilde } from '../words.js';

export interface VoteOptions extends KeyOptions {
  yes?: boolean;
  plan?: string;
  json?: boolean;
}

/** `runbook approve RUN`: shows the plan and the lines, signs them, and says whether the vote was counted. */
export function approveCommand(program: Command, io: Io): void {
  voteOptions(program.command('approve <run>'))
    .addHelpText('after', '\nExamples:\n  runbook approve ex-3p9d\n  runbook approve ex-3p9d --yes --plan 9c41d2e7 --key ~/.ssh/id_ed25519')
    .action(async (run: string, options: VoteOptions) => void (process.exitCode = await castVote(io, findInstance(), run, 'approve', options)));
}

/** `runbook reject RUN`: the same, against it. A vote is its signed text and nothing beside it: there is no place for a reason. */
export function rejectCommand(program: Command, io: Io): void {
  voteOptions(program.command('reject <run>'))
    .addHelpText('after', '\nExample:\n  runbook reject ex-3p9d')
    .action(async (run: string, options: VoteOptions) => void (process.exitCode = await castVote(io, findInstance(), run, 'reject', options)));
}

const voteOptions = (command: Command): Command =>
  keyOptions(command)
    .option('--yes', 'sign without being asked; needs --plan')
    .option('--plan <digest>', 'with --yes: only this plan (first 8 characters or more)')
    .option('--json', 'the answer as JSON');

/** Shows, asks, signs, sends; returns the exit code. */
export function castVote(io: Io, instance: Instance, run: string, verdict: VoteVerdict, options: VoteOptions): Promise<number> {
  readDigest(options.plan, `runbook show ${run}`);
  return withClient(instance, async (client) => {
    const known = await decisionOf(instance, client, run);
    const { request: { facts, deadline } } = known.state;
    const talk = options.json ? { ...io, talk: () => undefined } : io;
    if (known.state.outcome !== null) throw alreadyEnded(known);
    if (options.as !== undefined && isRequester(options.as, facts.requester)) throw asked(facts.requester);
    const me = await identify(talk, instance, options);
    if (isRequester(me.person, facts.requester)) throw asked(me.person);
    // Made here from the facts: what is signed is what is shown, whatever a server would like to have signed.
    const text = approvalText(facts, verdict);
    show(talk, known, text);
    if (!(await agreed(io, known, text, me, options))) return EXIT.no;
    const signature = await signText(me.key.key, SIGNATURE_NAMESPACE.approval, text);
    const sentAt = io.now().toISOString();
    const cast = await sendVote(io, client, known.workflowId, { text, signature, carrier: instance.requester });
    if (!options.json) return printCast(io, cast, { run: known.run, deadline, sentAt });
    io.out(JSON.stringify({ run: known.run, person: me.person, verdict, ...cast }));
    return cast.counted ? EXIT.yes : EXIT.no;
  });
}

/** The core says the same of such a vote; nobody need touch a key for it. */
const asked = (person: string): CliError => new CliError(EXIT.no, [`not counted: ${person} asked for this run`]);

const alreadyEnded = ({ run, state: { outcome, message, decidedAt } }: KnownDecision): CliError =>
  new CliError(EXIT.no, [`not counted: the decision of ${run} has ended${decidedAt ? ` ${localTime(decidedAt)}` : ''}: ${outcome}: ${message}`, `  see: runbook show ${run}`]);

function show(io: Io, { state: { request: { lines, deadline }, counted } }: KnownDecision, text: string): void {
  for (const line of lines) io.talk(tilde(indented(line)));
  for (const { person, role, deputyFor, verdict } of counted) io.talk(`  ${person} of ${role}${deputyFor ? ` for ${deputyFor}` : ''}: ${verdict}`);
  io.talk(`  counts until ${localTime(deadline)}\nwhat is signed:`);
  for (const line of text.trimEnd().split('\n')) io.talk(`  ${line}`);
}

/** A line of the plan as the plan writes it: part of it by how far in it stands. */
const indented = (line: string): string => `${/^ {0,8}/.exec(line)![0]}${oneLine(line)}`;

/** By question, or in scripts by the digest of what was looked at before. */
async function agreed(io: Io, { run, state: { request: { facts } } }: KnownDecision, text: string, me: Identity, options: VoteOptions): Promise<boolean> {
  // A review has no plan: its text has a digest as well.
  const digest = facts.planDigest ?? sha256Hex(text);
  const words = `--yes --plan ${digest.slice(0, 8)}`;
  if (options.plan !== undefined && !digest.startsWith(options.plan)) throw refusal([{ what: 'the plan to be signed', expected: options.plan, got: digest.slice(0, 12), wayOut: `look again: runbook show ${run}` }]);
  if (options.yes && options.plan === undefined) throw refusal([{ what: '--yes', expected: '--plan with the digest of what was looked at', got: 'no --plan', wayOut: `the same words with ${words}` }]);
  if (options.yes) return true;
  if (!io.interactive) throw refusal([{ what: 'nobody to ask', expected: '--yes and --plan where there is no terminal', got: 'neither', wayOut: `the same words with ${words}` }]);
  if (await io.ask(signQuestion('Sign these lines', me))) return true;
  io.talk('nothing was signed');
  return false;
}
