/**
 * The texts people and hosts sign: short, readable, ASCII, one fact a line, each ended by a line feed. Who is given the text
 * and its facts can make it again, byte for byte; nothing that decides stands outside of it.
 */
import type { ApprovalFacts, RequestFacts, VoteVerdict } from './model-approval.js';

/** Longest signed text in bytes; a vote with its signature stays below 16 KiB (decision 2). */
export const MAX_SIGNED_TEXT = 8 * 1024;
/** A request is taken this long after its time: who asks has just been shown the plan. */
export const REQUEST_VALID_MINUTES = 15;

/** What `interpreter-runbooks KIND 1` begins with. */
const first = (kind: string): string => `interpreter-runbooks ${kind} 1`;

/** Printable ASCII as it is; everything else, and the backslash, as `\u{HEX}`: no second line, no look-alike. */
export const ascii = (text: string): string => [...text].map((c) => (/^[\x20-\x5b\x5d-\x7e]$/.test(c) ? c : `\\u{${c.codePointAt(0)!.toString(16)}}`)).join('');

const lines = (...given: (string | null)[]): string => given.filter((line) => line !== null).map((line) => `${ascii(line)}\n`).join('');
const sha = (name: string, hex: string | null): string | null => hex && `${name} sha256:${hex}`;
const forHours = (hours: number | null): string => (hours === null ? '' : ` for ${hours} hours`);

/** What a vote signs, under `runbook.approval`. */
export function approvalText(facts: ApprovalFacts, verdict: VoteVerdict): string {
  const { run, kind, purpose, env, environments, from, to, hours, requester, reason, planDigest, policyDigest, evidence, request, namespace, useBy, head } = facts;
  return lines(
    first('approval'),
    `I ${verdict} ${run}: ${purpose === kind ? kind : `${purpose} of ${kind}`}`,
    `on ${env.host}:${env.link}`,
    ...environments.map((name) => `and on ${name}`),
    `from ${from ?? 'nothing'} to ${to}${forHours(hours)}`,
    `asked by ${requester}: ${reason}`,
    sha('plan', planDigest),
    sha('policy', policyDigest),
    ...evidence.map(({ name, sha256 }) => sha(`evidence ${name}`, sha256)),
    `request ${request} in namespace ${namespace}`,
    `to be begun by ${useBy}`,
    `trail ${head.seq} sha256:${head.hash}`,
  );
}

/** What a requester signs, under `runbook.request`. */
export function requestText(facts: RequestFacts): string {
  const { run, kind, ulid, namespace, env, environments, to, hours, ground, reason, requester, planDigest, policyDigest, at, source } = facts;
  return lines(
    first('request'),
    `I ask for ${run}: ${kind}`,
    `on ${env.host}:${env.link}`,
    ...environments.map((name) => `and on ${name}`),
    `to ${to ?? "the policy's choice"}${forHours(hours)}${ground === null ? '' : `, ground ${ground}`}`,
    `because ${reason}`,
    sha('plan', planDigest),
    sha('policy', policyDigest),
    `starts ${ulid} in namespace ${namespace}`,
    `as ${requester}${source === null ? '' : ` from ${source}`} at ${at}`,
  );
}

/** What a revision of the policy is signed with, under `runbook.policy` (AP-11). `replaces`: digest of the revision before; null: none. */
export const policyText = (revision: string, digest: string, replaces: string | null): string =>
  lines(first('policy'), `I approve policy revision ${revision}`, sha('policy', digest), replaces === null ? 'replaces nothing' : `replaces sha256:${replaces}`);

/** What hands in the root cause of an exception, under `runbook.statement` (EE-07). */
export const rootCauseText = (run: string, ulid: string, namespace: string, documentSha256: string): string =>
  lines(first('statement'), `I hand in the root cause of ${run}`, sha('document', documentSha256), `for ${ulid} in namespace ${namespace}`);

/** What an agent signs about a tree it verified, under `runbook.verdict`. */
export const verdictText = (host: string, chain: string, tree: string, planDigest: string, manifestDigest: string, ok: boolean): string =>
  lines(first('verdict'), `${host} says ${ok ? 'yes' : 'no'} to ${tree}`, sha('plan', planDigest), sha('manifest', manifestDigest), `for ${chain}`);
