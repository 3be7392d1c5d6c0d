/** A signed request: made from what is asked for, and read again from its text. */
import type { RequestFacts, SignatureVerdict, Warrant } from './model-approval.js';
import type { ChangeRequest, Objection, ReviewRequest } from './model.js';
import { isRequester } from './entitlement.js';
import { NO_PLAN_YET } from './names.js';
import { ascii, requestText } from './signed-texts.js';

/** What is not in the request itself. */
export type RequestContext = Pick<RequestFacts, 'ulid' | 'namespace' | 'at' | 'source'>;

/** The facts a request is signed over: for who signs and for who checks. */
export function requestFactsOf(request: ChangeRequest | ReviewRequest, context: RequestContext): RequestFacts {
  const { run, kind, env, to, reason, requester, policyDigest } = request;
  const own = { run, kind, env, to, reason, requester, policyDigest, ...context };
  if (request.kind === 'interpreter-change' && 'environments' in request) {
    return { ...own, environments: request.environments.filter((name) => name !== `${env.host}:${env.link}`), hours: null, ground: null, planDigest: null };
  }
  const { hours = null, ground = null, planDigest } = request as ChangeRequest;
  return { ...own, environments: [], hours, ground, planDigest };
}

const LAST_LINE = /^as (\S+)(?: from (.+))? at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z)$/;

/** The two facts that only the text knows, from its last line; null where there is no such line. */
export function readRequestTime(text: string): Pick<RequestFacts, 'at' | 'source'> | null {
  const [, , source, at] = LAST_LINE.exec(linesOf(text).at(-1) ?? '') ?? [];
  return at === undefined || Number.isNaN(Date.parse(at)) ? null : { at, source: source ?? null };
}

/** The first line in which the text is not that of these facts, as an objection; null: it is, byte for byte. */
export function requestMismatch(facts: RequestFacts, text: string): Objection | null {
  const right = requestText(facts);
  // Two sets of facts must never give one text.
  const torn = [facts.run, facts.to ?? '', facts.requester, facts.ulid].find((word) => /\s/.test(word));
  if (torn !== undefined) return { what: 'the request', expected: 'a run, version and requester of one word each', got: JSON.stringify(torn), wayOut: 'ask again with runbook run' };
  if (text === right) return null;
  const [expected, got] = [linesOf(right), linesOf(text)];
  const at = expected.findIndex((line, index) => got[index] !== line);
  const wayOut = 'ask again: a request is signed for one run, as it is, and starts no other';
  if (at === -1 || text.includes('\r')) return { what: 'the signed request', expected: 'the text as it was made, each line ended by a line feed', got: text.includes('\r') ? 'carriage returns: it was changed on its way' : 'something before, between or after its lines', wayOut };
  return { what: 'the signed request', expected: expected[at]!, got: got[at] ?? 'nothing there', wayOut };
}

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/**
 * Whether the requester that a warrant names asked for this change: without it, who asks could vote by naming somebody else. The
 * text was compared line by line when the run began; here it must be about the warrant's run, target and versions, whatever was
 * planned meanwhile. `verdict`: of its signature, as of {@link readRequestTime}.
 */
export function askedProblems(warrant: Warrant, verdict: SignatureVerdict | null): Objection[] {
  const { facts, asked } = warrant;
  const what = `the request of ${facts.requester}`;
  const wayOut = `start the run again, signed by ${facts.requester}`;
  const object = (expected: string, got: string): Objection => ({ what, expected, got, wayOut });
  if (asked === null || verdict === null) return [object(`signed by ${facts.requester}`, 'no signature')];
  if (!verdict.valid) return [object(`a signature of ${facts.requester} that counts`, verdict.reason)];
  if (verdict.person === null || !isRequester(verdict.person, facts.requester)) return [object(`signed by ${facts.requester}`, `signed by ${verdict.person ?? 'nobody'}`)];
  return differences(warrant, asked.text).map(([line, got]) => object(line, got));
}

const WHOLE = new RegExp([
  'interpreter-runbooks request 1', '(?<ask>I ask for .+)', '(?<place>on .+)', '(?:and on .+\\n)*to (?:.+?)(?<hours> for \\S+ hours)?(?:, ground \\S+)?', '(?<because>because .*)',
  '(?:plan sha256:(?<plan>\\S+)\\n)?(?<policy>policy .+)', 'starts \\S+ in namespace (?<namespace>.+)', 'as (?<requester>\\S+)(?: from .+)? at \\S+', '',
].join('\\n'));

/** What the text should say, and what it says. A fallback beside the link was asked for at the link (DIS-14). */
function differences({ facts }: Warrant, text: string): [string, string][] {
  const { run, kind, env, namespace, requester, reason, policyDigest, planDigest, hours } = facts;
  const said = new RegExp(`^(?:${WHOLE.source})$`).exec(text)?.groups;
  if (!said) return [['the lines of a request', text.split('\n')[0]!.slice(0, 80)]];
  const place = kind === 'fallback' && said['place'] !== ascii(`on ${env.host}:${env.link}`) ? env.link.replace(/_fallback$/, '') : env.link;
  const pairs: [string, string][] = [
    [`I ask for ${run}: ${kind}`, said['ask']!],
    [`on ${env.host}:${place}`, said['place']!],
    [hours === null ? 'no end' : `for ${hours} hours`, said['hours']?.trim() ?? 'no end'],
    [`because ${reason}`, said['because']!],
    [`policy sha256:${policyDigest}`, said['policy']!],
    [namespace, said['namespace']!],
    [requester, said['requester']!],
  ];
  // Agreed to before there was a plan, or to none in particular: then the votes alone say which.
  if (said['plan'] !== undefined && said['plan'] !== NO_PLAN_YET) pairs.push([`plan sha256:${planDigest}`, `plan sha256:${said['plan']}`]);
  return pairs.filter(([expected, got]) => ascii(expected) !== got);
}
