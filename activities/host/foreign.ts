/** PV-35: interpreters in use on this host, by its processes and its environments, that the policy does not approve. */
import { lstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CheckPolicy } from '../../policy/checks/model.js';
import type { ForeignInterpreter } from '../../policy/checks/results.js';
import type { Owner } from '../../policy/model.js';
import { behindText } from '../../policy/security-patch.js';
import { oneLine } from '../../policy/text.js';
import { classifyInterpreter } from '../../policy/versions.js';
import { runCommand } from './command.js';
import type { HostContext } from './context.js';
import { endingChange, hasEnded } from './ends.js';
import { interpretersInUse, managedPlaces, type InUse } from './foreign-processes.js';
import { knownInterpreter } from './interpreters.js';
import { agentOwner } from './owner.js';
import type { ForeignRow } from './store-health.js';

/** A start takes 80 to 290 ms; one that takes this long hangs. */
const TIMEOUT_MS = 20_000;
const NICE = 19;
/** Interpreters told of one host. */
const TOLD = 50;
/** Understood by every Python since 2.6, which knows no `-I`: neither variables, nor the user's packages, nor `site`. */
const ISOLATED = ['-E', '-s', '-S'];
const QUESTION = 'import platform\nprint(platform.python_implementation() + " " + platform.python_version())';

type Asked = ForeignRow['asked'];

/**
 * Looks at processes and environments, and asks each executable once for its version (`asked`: earlier answers, which hold as
 * long as the file is the same). What can't be asked or inspected is told, too. Throws when canceled.
 */
export async function findForeign(ctx: HostContext, policy: CheckPolicy, asked: Asked, signal: AbortSignal): Promise<ForeignRow> {
  const { interpreters, hidden, unread } = await interpretersInUse(ctx, signal);
  const excepted = exceptions(ctx);
  const answers: Asked = {};
  const found: Ranked[] = [];
  for (const use of interpreters) {
    const problem = use.problem ?? whyNotAsk(use.path);
    const answer = problem === null ? await answerOf(ctx, use.path, asked, signal) : null;
    if (answer) answers[use.path] = answer;
    const why = judge(use, policy, answer, problem ?? unanswered(use.path), excepted);
    if (why !== null) found.push({ rank: rankOf(use, answer), path: use.path, version: answer?.version ?? null, processes: use.processes, why: oneLine(`${why}; ${usersText(use)}`) });
  }
  const told = tell(found);
  const unknown = [...(hidden > 0 ? [`${processes(hidden)} could not be inspected by the agent's user`] : []), ...(unread > 0 ? [`${processes(unread)} have too many files mapped to read them all`] : [])];
  if (unknown.length > 0) told.push({ path: '', version: null, processes: hidden + unread, why: `${unknown.join(', ')}: which interpreters they run is not known` });
  return { found: told, asked: answers };
}

type Ranked = ForeignInterpreter & { rank: number };

/** Any user can start any number of them: those that only root or an environment of ours can bring come first, then those that told their version. */
function rankOf({ path, links }: InUse, answer: Asked[string] | null): number {
  return (links.size > 0 || isRoots(path) ? 0 : 2) + (answer?.version ? 0 : 1);
}

function isRoots(path: string): boolean {
  try {
    return chainOf(path).every(({ uid }) => uid === 0);
  } catch {
    return false;
  }
}

/** As many as one report has room for, and how many there are beside them. */
export function tell(found: readonly Ranked[]): ForeignInterpreter[] {
  const ordered = found.toSorted((a, b) => a.rank - b.rank).map(({ rank: _, ...one }) => one);
  const others = ordered.slice(TOLD);
  const text = `${others.length} more that the policy does not approve, not told one by one`;
  return [...ordered.slice(0, TOLD), ...(others.length > 0 ? [{ path: '', version: null, processes: others.reduce((sum, one) => sum + one.processes, 0), why: text }] : [])];
}

/** Environments that a granted exception allows another interpreter, for now. */
function exceptions(ctx: HostContext): Set<string> {
  return new Set(managedPlaces(ctx).filter((place) => {
    const row = endingChange(ctx, place);
    return row !== undefined && !hasEnded(ctx, row);
  }).map(({ link }) => link));
}

/** Null: the policy approves it. */
function judge(use: InUse, { primary, fallback, allowPreReleases, minPatch }: CheckPolicy, answer: Asked[string] | null, problem: string, excepted: ReadonlySet<string>): string | null {
  if (use.library !== null) return [primary, fallback].some((spec) => `${spec}.`.startsWith(`${use.library}.`)) ? null : `Python ${use.library}, a library inside another program, is of no approved line`;
  if (!answer?.version) return `not asked for its version: ${problem}`;
  const { version, implementation } = answer;
  const { role, text } = classifyInterpreter(version, { interpreters: { primary: { version: primary }, fallback: { version: fallback } } }, allowPreReleases);
  const behind = behindText(version, { minPatch });
  const why = implementation !== 'CPython' ? `${implementation} ${version} is not CPython` : role === 'prohibited' ? text : behind && `Python ${behind}`;
  const isExcepted = use.outside === 0 && [...use.links].every((link) => excepted.has(link));
  return isExcepted ? null : why;
}

function unanswered(path: string): string {
  const owner = ownerToRunAs(path);
  return owner ? `it gave no answer to user ${owner.name}, as whom it was started` : 'it has just gone';
}

const processes = (count: number): string => `${count} ${count === 1 ? 'process' : 'processes'}`;

function usersText({ links, outside, example }: InUse): string {
  const users = [...[...links].sort(), ...(outside > 0 ? [`${processes(outside)} outside managed environments (${example})`] : [])];
  return `used by ${users.join(', ')}`;
}

async function answerOf(ctx: HostContext, path: string, asked: Asked, signal: AbortSignal): Promise<Asked[string] | null> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return null;
  const stamp = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
  // One that is there to make environments from was probed for that, also where no other user may start it.
  const known = knownInterpreter(ctx, path);
  if (known) return { stamp, version: known.version, implementation: known.implementation === 'cpython' ? 'CPython' : known.implementation };
  if (Object.hasOwn(asked, path) && asked[path]!.stamp === stamp) return asked[path]!;
  const owner = ownerToRunAs(path);
  if (!owner) return null;
  const scope = { attempt: 1, signal, heartbeat: () => undefined };
  const result = await runCommand({ file: path, args: [...ISOLATED, '-c', QUESTION], cwd: '/', owner, env: { PYTHONDONTWRITEBYTECODE: '1' }, timeoutMs: TIMEOUT_MS, nice: NICE, scope });
  signal.throwIfAborted();
  const [, implementation = '', version = null] = /^(\w{1,40}) ([\w.+]{1,40})$/m.exec(result.failed ? '' : result.stdout) ?? [];
  return { stamp, version, implementation };
}

/** The file and every folder above it. */
function chainOf(path: string): { path: string; uid: number; gid: number; mode: number }[] {
  const chain: { path: string; uid: number; gid: number; mode: number }[] = [];
  for (let at = path; ; at = dirname(at)) {
    const { uid, gid, mode } = lstatSync(at);
    chain.push({ path: at, uid, gid, mode });
    if (at === '/') return chain;
  }
}

/**
 * Why an executable is not started: whoever could put another file there would run it as somebody else. A root agent starts it as
 * the one user who could, or as nobody; any other agent starts only what root or its own user put there. Null: it may be.
 */
export function whyNotAsk(path: string, agent: Owner = agentOwner()): string | null {
  try {
    const chain = chainOf(path);
    // In a sticky folder (/tmp) only its owner and an entry's owner replace that entry; both are looked at.
    const open = chain.find(({ mode }, at) => (mode & 0o022) !== 0 && (at === 0 || (mode & 0o1000) === 0));
    if (open) return `${open.path} can be written by others`;
    const users = new Set(chain.map(({ uid }) => uid).filter((uid) => uid !== 0));
    if (agent.uid === 0) return users.size > 1 ? 'several users could put another file there' : null;
    return [...users].every((uid) => uid === agent.uid) ? null : 'it belongs to another user, and the agent does not run as root';
  } catch (error) {
    return `it can't be looked at: ${(error as NodeJS.ErrnoException).code}`;
  }
}

/** Of nobody's files: an interpreter of root's own loads what it was built to load, which may lie in another user's folder. */
const NOBODY: Owner = { uid: 65534, gid: 65534, name: 'nobody' };

/** Never root: a version can be told by anybody. Null: it has just gone. */
function ownerToRunAs(path: string): Owner | null {
  const self = agentOwner();
  if (self.uid !== 0) return self;
  try {
    const user = chainOf(path).find(({ uid }) => uid !== 0);
    return user ? { uid: user.uid, gid: user.gid, name: String(user.uid) } : NOBODY;
  } catch {
    return null;
  }
}
