/** Who asks for a run: by a signature over exactly this request, made just now, for this run and no other (decision 8). */
import { isRequester } from '../../policy/entitlement.js';
import { workflowIdOf, parseWorkflowId, shortId } from '../../policy/ids.js';
import type { RequestFacts, SignedText } from '../../policy/model-approval.js';
import type { ChangeRequest, Objection, ReviewRequest, RunKind } from '../../policy/model.js';
import { readRequestTime, requestFactsOf, requestMismatch } from '../../policy/request-facts.js';
import type { RunView } from '../../policy/run-view.js';
import { REQUEST_VALID_MINUTES } from '../../policy/signed-texts.js';
import type { RecordsReader } from '../../records/store.js';
import { judgeSignature } from '../ssh-keygen.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { SignatureDeps } from './signatures.js';

/** The requester's clock may be ahead by this much. */
const CLOCK_SKEW_MS = 60_000;
const MINUTE_MS = 60_000;

type Admission = Parameters<ApprovalActivities['admitRequest']>[0];
type Admitted = Awaited<ReturnType<ApprovalActivities['admitRequest']>>;

/** See `ApprovalActivities.admitRequest`. Refuses in the order in which it can be told: text, place, time, signature, role. */
export async function admitRequest({ policies, records, namespace }: SignatureDeps, { request, workflowId, chain, roles, t }: Admission): Promise<Admitted> {
  const { asked } = request;
  if (asked === undefined) return refuse(request, `a request signed by ${request.requester}`, 'no signature', UNSIGNED);
  const place = placeOf(records, request, workflowId, chain);
  if ('objection' in place) return { refused: [place.objection] };
  const time = readRequestTime(asked.text);
  if (time === null) return refuse(request, 'a signed text whose last line says who asked and when', asked.text.slice(-80).trim() || 'nothing', UNSIGNED);
  const facts = requestFactsOf({ ...request, env: place.env }, { ulid: place.ulid, namespace, ...time });
  const mismatch = requestMismatch(facts, asked.text) ?? timeProblem(facts, place.startedAt ?? t);
  return mismatch ? { refused: [mismatch] } : byPerson(policies, facts, asked, roles, t);
}

const UNSIGNED = 'start it with runbook run and a key of yours (--key FILE): it signs what you ask for; runbook doctor shows the key it would take';

async function byPerson(policies: SignatureDeps['policies'], { run, requester }: RequestFacts, asked: SignedText, roles: string[], t: string): Promise<Admitted> {
  const verdict = await judgeSignature({ signers: policies.current().policy, namespace: 'runbook.request', ...asked, t });
  const what = `the request of ${run}`;
  if (!verdict.valid) return { refused: [{ what, expected: `a signature of ${requester} that counts`, got: verdict.reason, wayOut: 'runbook policy show lists people and keys' }] };
  if (verdict.person === null || !isRequester(verdict.person, requester)) return { refused: [{ what, expected: `signed by ${requester}, who asks`, got: `signed by ${verdict.person}`, wayOut: 'ask in your own name' }] };
  const own = verdict.roles.map(({ role }) => role);
  if (roles.length > 0 && !roles.some((role) => own.includes(role))) {
    return { refused: [{ what: `${what} by ${requester}`, expected: `somebody with the role ${roles.join(' or ')}`, got: own.length > 0 ? `${requester} has ${own.join(', ')}` : `${requester} has no role`, wayOut: `let one of them ask: runbook policy show lists who has the role` }] };
  }
  return { refused: null, person: verdict.person };
}

/** The run that a request is for. `startedAt`: of the run that ordered this one, whose request it is. */
type Place = { ulid: string; env: RequestFacts['env']; startedAt: string | null } | { objection: Objection };

/** The ULID of the workflow id is in the signed text; so one request has one run, and a change that this run ordered. */
function placeOf(records: RecordsReader, request: ChangeRequest | ReviewRequest, workflowId: string, chain: string): Place {
  const parsed = parseWorkflowId(workflowId);
  if (parsed === null || shortId(request.kind, parsed.ulid) !== request.run) return elsewhere(request, `a run that is called ${request.run}`, workflowId);
  const { ulid, env } = parsed;
  const own = workflowIdOf(request.kind, env, ulid);
  const isOrdered = workflowId !== own;
  if (isOrdered && workflowId !== workflowIdOf('change', env, ulid)) return elsewhere(request, own, workflowId);
  if (request.env.host !== env.host || !linksOf(request, env.link, isOrdered).includes(request.env.link)) return elsewhere(request, `a request for ${env.host}:${env.link}`, `${request.env.host}:${request.env.link}`);
  const others = runsOf(records, ulid).filter((run) => run.chain !== chain);
  const orderedBy = isOrdered ? others.find((run) => run.workflowId === own && run.endedAt === null) : undefined;
  const used = others.find((run) => run.workflowId === workflowId || (run.parent === null && run !== orderedBy));
  if (used) return elsewhere(request, 'a request that no run began with', `replayed request: ${used.workflowId} began with it at ${used.startedAt}`);
  if (isOrdered && !orderedBy) return elsewhere(request, `a change ordered by ${own}, which is open`, 'no such run on record');
  return { ulid, env, startedAt: orderedBy?.startedAt ?? null };
}

const elsewhere = ({ run }: { run: string }, expected: string, got: string): Place => ({ objection: { what: `the request of ${run}`, expected, got, wayOut: 'ask again: a request is signed for one run and starts no other' } });

/** A change that a fallback ordered may be beside the link (DIS-14). */
const linksOf = ({ kind }: { kind: RunKind }, link: string, isOrdered: boolean): string[] => (isOrdered && kind === 'fallback' ? [link, `${link}_fallback`] : [link]);

const KINDS: RunKind[] = ['change', 'fallback', 'rollback', 'exception', 'interpreter-change'];

/** Runs whose workflow id has this ULID, whatever their kind; found by the short ids that end like it. */
const runsOf = (records: RecordsReader, ulid: string): RunView[] =>
  records.runsNamed(KINDS.map((kind) => shortId(kind, ulid))).filter((run) => parseWorkflowId(run.workflowId)?.ulid === ulid);

function timeProblem({ at, requester, run }: RequestFacts, startedAt: string): Objection | null {
  const age = Date.parse(startedAt) - Date.parse(at);
  if (age <= REQUEST_VALID_MINUTES * MINUTE_MS && age >= -CLOCK_SKEW_MS) return null;
  return { what: `the request of ${run}`, expected: `one that ${requester} signed at most ${REQUEST_VALID_MINUTES} minutes before the run began at ${startedAt}`, got: `signed for ${at}`, wayOut: 'ask again; if it was signed just now, correct the clock of where it was' };
}

function refuse({ run }: { run: string }, expected: string, got: string, wayOut: string): { refused: Objection[] } {
  return { refused: [{ what: `the request of ${run}`, expected, got, wayOut }] };
}
