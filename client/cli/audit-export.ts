/**
 * A run's decisions as files that anybody can verify years later with tools they already have: nothing of ours, no server, no
 * policy. Made from the trail's entries alone. Pure.
 */
import { canonicalJson } from '../../policy/canonical.js';
import { SIGNATURE_NAMESPACE, type ApprovalFacts, type CountedVote, type SignedText } from '../../policy/model-approval.js';
import type { StoredEntry } from '../../policy/records.js';
import { oneLine } from '../../policy/text.js';

export interface ExportedFile {
  name: string;
  text: string;
}

/** `data` of `approval-asked` and of `vote`. */
interface Asked {
  request: string;
  purpose: string;
  facts: ApprovalFacts;
  deadline: string;
  asked?: SignedText | null;
}
interface VoteData {
  request: string;
  vote: CountedVote;
  message: string;
}

/** Names of people become file names and arguments: those of policy files, and no others. */
const PERSON = /^[a-z][a-z0-9._-]{0,63}$/;
const TRAIL = 'trail.jsonl';

/** All files of an export. Throws `TypeError` for a trail whose votes name somebody who can't be a person of a policy. */
export function exportFiles(run: string, entries: readonly StoredEntry[]): ExportedFile[] {
  const asked = dataOf<Asked>(entries, 'approval-asked');
  const votes = dataOf<VoteData>(entries, 'vote').map((data, at) => ({ ...data, name: voteName(data.vote, at + 1) }));
  const requests = signedRequests(asked);
  return [
    ...requests.flatMap(({ name, signed }) => signedFiles(name, signed)),
    ...votes.flatMap(({ name, vote }) => signedFiles(name, vote)),
    { name: 'allowed_signers', text: lines([...new Set(votes.map(({ vote }) => withoutZone(vote.signer)))]) },
    { name: TRAIL, text: lines(entries.map(linkText)) },
    { name: 'VERIFY.txt', text: lines(verifyLines(run, entries, asked, votes, requests)) },
  ];
}

const dataOf = <T>(entries: readonly StoredEntry[], event: string): T[] => entries.filter(({ entry }) => entry.event === event).map(({ entry }) => entry.data as T);

const lines = (all: string[]): string => all.map((line) => `${line}\n`).join('');

/** Byte for byte what was signed. */
const signedFiles = (name: string, { text, signature }: SignedText): ExportedFile[] => [{ name, text }, { name: `${name}.sig`, text: signature }];

function voteName({ person }: CountedVote, number: number): string {
  if (!PERSON.test(person)) throw new TypeError(`expected the name of a person of a policy in a vote, got ${JSON.stringify(person)}`);
  return `${number}-${person}.txt`;
}

interface NamedRequest {
  name: string;
  signed: SignedText;
}

/** A run asks with one signed request, whatever number of decisions it needs. */
function signedRequests(asked: readonly Asked[]): NamedRequest[] {
  const texts = asked.flatMap(({ asked: signed }) => (signed ? [signed] : []));
  const different = texts.filter((signed, at) => texts.findIndex(({ text, signature }) => text === signed.text && signature === signed.signature) === at);
  return different.map((signed, at) => ({ name: at === 0 ? 'request.txt' : `request-${at + 1}.txt`, signed }));
}

/** What an entry's hash is the sha256 of. */
const linkText = ({ seq, previous, entry }: StoredEntry): string => `{"entry":${canonicalJson(entry)},"previous":${canonicalJson(previous)},"seq":${canonicalJson(seq)}}`;

/** OpenSSH before 9.1 reads no zone letter: the commands say the zone instead. */
const withoutZone = (signer: string): string => signer.replace(/(valid-(?:after|before)="\d{14})Z"/g, '$1"');
const stamp = (t: string): string => new Date(t).toISOString().slice(0, 19).replace(/[-:T]/g, '');

type NamedVote = VoteData & { name: string };

/** Prose is comment: the file is a script, so that none of its commands need be typed. */
function verifyLines(run: string, entries: readonly StoredEntry[], asked: readonly Asked[], votes: readonly NamedVote[], requests: readonly NamedRequest[]): string[] {
  return [
    `# Who decided on ${oneLine(run)}, and how to check it with stock tools alone: ssh-keygen (OpenSSH 8.7 or newer), sed, tr, sha256sum.`,
    '# Each command by itself in this folder, or all of them, stopping at the first that fails: sh -e VERIFY.txt',
    '# allowed_signers has the keys that counted, as the policy had them at each vote. Whether a key is whose it says, ask the people: each',
    '# answer below ends with its fingerprint.',
    ...asked.flatMap((decision) => ['', ...decisionLines(decision, votes.filter(({ request }) => request === decision.request), entries)]),
    ...requestLines(requests),
    ...(asked.length === 0 ? ['', '# Nobody was asked to decide on this run: the policy itself allowed it, or it was refused before.'] : []),
    '',
    `# ${TRAIL} has every entry of this run, one a line: its sha256, without the line's end, is the entry's hash in the trail.`,
    `# The whole trail: runbook audit verify.`,
  ];
}

function decisionLines({ purpose, facts, deadline }: Asked, votes: readonly NamedVote[], entries: readonly StoredEntry[]): string[] {
  const { request, env, from, to, hours, requester, reason, planDigest, policyDigest } = facts;
  return [
    ...[
      `${purpose}: ${env.host}:${env.link} from ${from ?? 'nothing'} to ${to}${hours === null ? '' : ` for ${hours} hours`}, asked by ${requester}: ${reason}`,
      `request ${request}, open until ${deadline}`,
      ...(planDigest === null ? [] : [`plan sha256:${planDigest}`]),
      `policy sha256:${policyDigest}`,
    ].map((line) => `# ${oneLine(line)}`),
    ...(votes.length === 0 ? ['# no vote was counted'] : votes.flatMap(voteLines)),
    ...headLines(votes, entries),
  ];
}

function voteLines({ name, vote: { person, role, deputyFor, verdict, t, fingerprint }, message }: NamedVote): string[] {
  return [
    `# ${oneLine(`${person} of ${role}${deputyFor === null ? '' : ` for ${deputyFor}`}: ${verdict} at ${t}, ${fingerprint}; ${message}`)}`,
    `TZ=UTC ssh-keygen -Y verify -f allowed_signers -I ${person} -n ${SIGNATURE_NAMESPACE.approval} -Overify-time=${stamp(t)} -s ${name}.sig < ${name}`,
  ];
}

/** Each vote signs where the trail stood; where that entry is this run's own, anybody can compare (invariant 15). */
function headLines(votes: readonly NamedVote[], entries: readonly StoredEntry[]): string[] {
  const named = [...new Set(votes.flatMap(({ vote }) => /^trail \d+ sha256:[0-9a-f]{64}$/m.exec(vote.text)?.[0] ?? []))];
  return named.flatMap((line) => {
    const [, seq, hash] = /^trail (\d+) sha256:([0-9a-f]{64})$/.exec(line)!;
    const at = entries.findIndex((entry) => entry.seq === Number(seq));
    if (at < 0) return [`# the votes name entry ${seq} of the trail, which is another run's: runbook audit verify --head ${seq}:${hash}`];
    return [`# the entry of the trail that the votes name, by its own bytes`, `test "$(sed -n ${at + 1}p ${TRAIL} | tr -d '\\n' | sha256sum | cut -c 1-64)" = ${hash}`];
  });
}

/** The requester's key is not in the trail: the check names it, and the policy of that digest says whose it is. */
function requestLines(requests: readonly NamedRequest[]): string[] {
  if (requests.length === 0) return [];
  return [
    '',
    '# What was asked for, in the requester\'s own words: unchanged since it was signed, with the key that is printed.',
    ...requests.map(({ name }) => `ssh-keygen -Y check-novalidate -n ${SIGNATURE_NAMESPACE.request} -s ${name}.sig < ${name}`),
  ];
}
