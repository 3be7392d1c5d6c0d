/** Whether a signed text is the one it must be, byte for byte; and what differs, for who signed it. Pure. */
import type { ApprovalFacts, VoteVerdict } from './model-approval.js';
import { ascii } from './signed-texts.js';

/** The two texts a decision takes. */
export type VoteTexts = Record<VoteVerdict, string>;

/** The line that every text of a request has; what lacks it is about something else. */
export const requestLine = ({ request, namespace }: Pick<ApprovalFacts, 'request' | 'namespace'>): string => `request ${ascii(request)} in namespace ${ascii(namespace)}`;

/** What a text says, or why it is neither. */
export function readVote(text: string, texts: VoteTexts): { verdict: VoteVerdict } | { refused: string } {
  if (text === texts.approve) return { verdict: 'approve' };
  if (text === texts.reject) return { verdict: 'reject' };
  if (text.includes('\r')) return { refused: 'its text has carriage returns; the text must be signed as it is shown, with line feeds only' };
  if (/[^\n\x20-\x7e]/.test(text)) return { refused: 'its text has characters outside of ASCII; it must be signed as it is shown' };
  const differences = [texts.approve, texts.reject].map((expected) => differenceOf(text, expected));
  return { refused: differences.sort((a, b) => b.line - a.line)[0]!.words };
}

/** The first line that differs, counted from 1. */
function differenceOf(text: string, expected: string): { line: number; words: string } {
  const got = text.split('\n');
  const wanted = expected.split('\n');
  const index = wanted.findIndex((line, at) => line !== got[at]);
  if (index === -1) return { line: wanted.length, words: 'its text goes on after its last line' };
  const line = got[index];
  const isSpace = line !== undefined && line !== wanted[index] && line.trim() === wanted[index]!.trim();
  if (isSpace) return { line: index + 1, words: `line ${index + 1} of its text has a space too many or too few` };
  if (line === undefined) return { line: index + 1, words: index === wanted.length - 1 ? 'its text lacks the line feed at its end' : `its text ends before line ${index + 1}: ${shown(wanted[index]!)}` };
  return { line: index + 1, words: `line ${index + 1} of its text is ${shown(line)}, expected ${shown(wanted[index]!)}` };
}

const shown = (line: string): string => `"${line.length > 200 ? `${line.slice(0, 199)}...` : line}"`;

/**
 * Why facts can't be signed, or null. Two sets of facts must never give one text: whoever could read `asked by bob: x: y` in two ways could
 * have bob approve his own request.
 */
export function factsProblem(facts: ApprovalFacts): string | null {
  const { run, env, from, to, requester, planDigest, policyDigest, evidence, request, namespace, useBy, head } = facts;
  const words: [string, string | null][] = [
    ['run', run], ['host', env.host], ['from', from], ['to', to], ['plan digest', planDigest], ['policy digest', policyDigest], ['request', request],
    ['namespace', namespace], ['time', useBy], ['head of the trail', head.hash], ...evidence.map(({ sha256 }): [string, string] => ['digest of evidence', sha256]),
  ];
  const torn = words.find(([, value]) => value !== null && (value === '' || /\s/.test(value)));
  if (torn !== undefined) return `its ${torn[0]} ${JSON.stringify(torn[1])} is not one word`;
  if (/:/.test(run) || /:/.test(env.host) || from === 'nothing') return 'its run, host or version can be read in two ways';
  if (requester.trim() !== requester || requester === '' || requester.includes(': ')) return `its requester ${JSON.stringify(requester)} can be read in two ways`;
  return null;
}
