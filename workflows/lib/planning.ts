/** From a request to a plan, on the real host: look, choose, judge the lock, plan. */
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, Plan } from '../../policy/model.js';
import type { ApprovalNeeds, FallbackDecision, OrRefusal } from '../../activities/control/contract.js';
import { callHost, control } from './host.js';
import type { Run } from './run.js';

export interface Planned {
  plan: Plan;
  lines: string[];
  /** The environment already is what the plan would make. */
  alreadyThere: boolean;
  /** Who must allow it first; absent: the policy pre-approves it. */
  approval?: ApprovalNeeds;
  /** The host checks signatures itself. */
  wantsWarrant?: boolean;
}

/** Plans one change. Refusals are values: nothing has been touched. */
export async function planChangeOn(run: Run, request: ChangeRequest): Promise<OrRefusal<Planned>> {
  const look = await lookAt(run, request, true);
  const chosen = await chooseOn(request, look);
  if (chosen.refused) return chosen;
  const interpreter = chosen.interpreters[0]!;
  const [verdict] = await judge(run, [interpreter]);
  const planned = await planFrom(request, look, interpreter, verdict!);
  if (planned.refused) return planned;
  return { ...planned, wantsWarrant: look.trust === 'signatures', ...(chosen.approval ? { approval: chosen.approval } : {}) };
}

/** The plan that follows from what was seen. `look` must hold the manifest of what stands. */
export async function planFrom(request: ChangeRequest, look: HostLook, interpreter: Interpreter, verdict: LockVerdict): Promise<OrRefusal<Planned>> {
  const made = await control.makePlan({ request, look, interpreter, verdict });
  if (made.refused) return made;
  return { refused: null, plan: made.plan, lines: made.lines, alreadyThere: isAlreadyThere(look, made.plan) };
}

/** The plan's look at the host, as its agent. */
export function lookAt(run: Run, request: ChangeRequest, manifest: boolean): Promise<HostLook> {
  return callHost(run, 'look at the host', (host) => host.look({ env: request.env, to: request.to, manifest, create: request.create }));
}

/** DIS-14: where a fallback goes. Side by side, the environment at the link is not touched at all. */
export async function fallbackPlace(run: Run, request: ChangeRequest, mode: FallbackDecision['mode']): Promise<ChangeRequest> {
  if (mode === 'replace') return request;
  const beside = { ...request, env: { ...request.env, link: `${request.env.link}_fallback` } };
  const { linkState } = await lookAt(run, beside, false);
  return { ...beside, create: linkState === 'missing' };
}

/** The interpreters the request means, unless host or policy object. */
export async function chooseOn(request: ChangeRequest, look: HostLook): Promise<OrRefusal<{ interpreters: Interpreter[]; words: string; approval?: ApprovalNeeds }>> {
  if (look.objections.length > 0) return { refused: look.objections };
  return control.chooseInterpreters({ request, look });
}

/** The lock, judged for each interpreter on the host's platform. */
export function judge(run: Run, interpreters: Interpreter[]): Promise<LockVerdict[]> {
  return callHost(run, `judge the lock for ${interpreters.map((i) => i.version).join(' and ')}`, (host) => host.assess({ env: run.env, interpreters }));
}

function isAlreadyThere(look: HostLook, plan: Plan): boolean {
  const { current } = look;
  return (
    current?.sealed != null &&
    current.version === plan.interpreter.version &&
    current.sealed.lockSha256 === plan.lock.sha256 &&
    current.sealed.manifestDigest === current.manifestDigest
  );
}

/** The plan a requester agreed to is not the one that holds now. */
export function digestObjection(expected: string, plan: Plan): Objection {
  return {
    what: 'the plan agreed to',
    expected: expected.slice(0, 12),
    got: `${plan.digest.slice(0, 12)}: host, lock, policy or index changed since`,
    wayOut: `look again: runbook plan ${plan.kind} ${plan.env.link}`,
  };
}
