/** From the name of an environment to the place on this host where it may be changed, or a refusal. */
import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AgentEnvironment } from '../../policy/files/agent-file.js';
import type { EnvironmentRef, LinkState, Owner, ProjectSettings } from '../../policy/model.js';
import type { HostContext } from './context.js';
import { isNetworkFileSystem, mountOf } from './mounts.js';
import { agentOwner, asOwner, ownerOf } from './owner.js';
import { readProjectSettings } from './project-settings.js';
import { hostRefused } from './refuse.js';

/** Where an environment stands. What undo and release need: they must work whatever became of the project's own files. */
export interface Place {
  env: EnvironmentRef;
  /** Canonical: one environment has one name, whatever links lead to it. */
  project: string;
  /** Canonical; the key in the agent's store. */
  link: string;
  /** `PROJECT/.venvs`. */
  venvsDir: string;
  owner: Owner;
  /** Defaults when the agent file does not name the link. */
  unit: AgentEnvironment;
}

export interface ResolvedEnvironment extends Place {
  settings: ProjectSettings;
}

export interface LinkView {
  state: LinkState;
  /** The tree that stands there; null when none does. */
  treePath: string | null;
  /** Its name below `.venvs/`; null for a directory not yet adopted. */
  treeId: string | null;
  /** Text of the symbolic link. */
  target: string | null;
}

/** What a tree may be called: it becomes an argument and a path. */
export const TREE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const LINK_NAME = /^[A-Za-z0-9._][A-Za-z0-9._-]{0,127}$/;
/** `PATH_MAX` of Linux is 4,096; trees need some of it. */
const LONGEST_LINK = 1024;

/** The environment with its project's settings. Throws `HostRefused` (details: `Objection[]`). Judges no link: see {@link readLink}. */
export function resolveEnvironment(ctx: HostContext, env: EnvironmentRef): ResolvedEnvironment {
  const place = resolvePlace(ctx, env);
  return { ...place, settings: readProjectSettings(place) };
}

/** The place alone. Throws `HostRefused`. */
export function resolvePlace(ctx: HostContext, env: EnvironmentRef): Place {
  checkName(ctx, env);
  const named = dirname(env.link);
  const project = realParent(env.link, named);
  refuseOutside(ctx, env.link, project);
  refuseFileSystem(project);
  const link = join(project, basename(env.link));
  const owner = ownerOf(project);
  refuseUser(ctx, project, owner);
  if (isEntry(join(link, 'conda-meta'))) throw hostRefused(env.link, 'an environment made by venv, virtualenv or uv', 'a conda environment (it has conda-meta)', 'conda is not supported: leave it to conda, or make a venv beside it');
  const unit = ctx.agentFile.environments.find((e) => e.link === link || e.link === env.link);
  return { env, project, link, venvsDir: join(project, '.venvs'), owner, unit: unit ?? { link, onSwitch: 'idle', units: [] } };
}

function checkName(ctx: HostContext, { host, link }: EnvironmentRef): void {
  const refuse = (expected: string, got: string) => hostRefused(`link path ${JSON.stringify(link)}`, expected, got, 'name the project folder, or the link in it, by its absolute path');
  if (host !== ctx.host) throw hostRefused(`host ${JSON.stringify(host)}`, ctx.host, 'an order for another host', 'the agent acts on its own host only');
  if (/[\0-\x1f\x7f]/.test(link)) throw refuse('printable characters', 'control characters');
  if (!link.startsWith('/')) throw refuse('an absolute path', 'a relative one');
  if (link.length > LONGEST_LINK) throw refuse(`at most ${LONGEST_LINK} characters`, `${link.length}`);
  if (link.split('/').slice(1).some((part) => part === '' || part === '.' || part === '..')) throw refuse('a path without "..", "." or empty parts', 'one with such a part');
  const name = basename(link);
  if (!LINK_NAME.test(name)) throw refuse('a link name of letters, digits and . _ -', JSON.stringify(name));
  if (name === '.venvs') throw refuse('the link that names an environment, usually .venv', 'the folder of the trees');
}

function realParent(link: string, parent: string): string {
  try {
    if (!statSync(parent).isDirectory()) throw hostRefused(parent, 'a directory with a lock file', 'a file', 'runbook env list names the environments of this host');
    return realpathSync(parent);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const got = code === 'ENOENT' ? 'nothing there' : code;
    throw hostRefused(parent, 'a directory with a lock file', got, `runbook env list names the environments of this host; the link was to be ${link}`);
  }
}

function refuseOutside(ctx: HostContext, link: string, project: string): void {
  const roots = ctx.agentFile.roots.flatMap((root) => {
    try {
      return [realpathSync(root)];
    } catch {
      return [];
    }
  });
  if (roots.some((root) => project === root || project.startsWith(root === '/' ? '/' : `${root}/`))) return;
  const through = project === dirname(link) ? '' : `, which leads to ${project}`;
  throw hostRefused(link, `a path below ${ctx.agentFile.roots.join(' or ')}`, `${dirname(link)}${through}`, 'add the folder to "roots" in the agent file, which belongs to the host\'s administrator');
}

function refuseFileSystem(project: string): void {
  let mountinfo: string;
  try {
    mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return; // No /proc: not Linux, where network mounts of projects are not expected.
  }
  const mount = mountOf(project, mountinfo);
  if (mount && isNetworkFileSystem(mount.type)) throw hostRefused(project, 'a file system of this host', `${mount.type}, mounted at ${mount.point}`, 'move the project to a local disk: a shared environment would change under other hosts');
}

function refuseUser(ctx: HostContext, project: string, owner: Owner): void {
  const agent = agentOwner();
  const { users } = ctx.agentFile;
  const refuse = (expected: string, wayOut: string) => hostRefused(`owner of ${project}`, expected, owner.name, wayOut);
  if (users.length > 0 && !users.includes(owner.name)) throw refuse(`one of ${users.join(', ')}`, 'add the user to "users" in the agent file');
  if (agent.uid !== 0 && agent.uid !== owner.uid) throw refuse(agent.name, 'only an agent that runs as root may change the projects of other users');
}

/** What stands at the link now, as its owner sees it. */
export function readLink(place: Pick<Place, 'link' | 'venvsDir' | 'project' | 'owner'>): LinkView {
  return asOwner(place.owner, () => viewLink(place));
}

function viewLink({ link, venvsDir, project }: Pick<Place, 'link' | 'venvsDir' | 'project'>): LinkView {
  const stat = lstatSync(link, { throwIfNoEntry: false });
  if (!stat) return { state: 'missing', treePath: null, treeId: null, target: null };
  if (stat.isDirectory()) return { state: 'directory', treePath: link, treeId: null, target: null };
  if (!stat.isSymbolicLink()) return { state: 'foreign-link', treePath: null, treeId: null, target: null };
  const target = readlinkSync(link);
  const treeId = basename(target);
  const named = join(target.startsWith('/') ? '/' : project, target);
  const ours = dirname(named) === venvsDir && TREE_ID.test(treeId);
  const tree = lstatSync(named, { throwIfNoEntry: false });
  if (ours && tree?.isDirectory() && !isLink(venvsDir)) return { state: 'managed', treePath: named, treeId, target };
  return { state: isEntry(link) ? 'foreign-link' : 'dangling', treePath: null, treeId: null, target };
}

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

/** What stands at a link, for people. */
export function standingText(view: Pick<LinkView, 'state' | 'target'>): string {
  const words: Record<LinkState, string> = {
    missing: 'nothing there',
    directory: 'a directory',
    managed: `a link to ${view.target}`,
    dangling: `a link to nowhere: ${view.target}`,
    'foreign-link': view.target === null ? 'a file' : `a link to ${view.target}, which is not ours`,
  };
  return words[view.state];
}

/** Whether something is there when links are followed. */
function isEntry(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
