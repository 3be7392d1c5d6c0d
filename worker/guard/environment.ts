/** What stands at a link at this moment: one tree, by its own path, with what is written about it. */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { SEAL_FILE, readSeal } from '../../activities/host/seal.js';
import type { StateEntry } from '../../policy/checks/guard.js';
import { shellWord } from '../../policy/text.js';
import { problemOf, readPlain, statOrRefuse } from './files.js';
import type { LinkPlace } from './place.js';
import { couldNotTell, notCompliant } from './refusal.js';

export interface Standing extends LinkPlace {
  /** As a command of ours names it. */
  target: string;
  /** Its own path, no link in it: a switch a moment later changes nothing of what is started from it. */
  tree: string;
  /** Its name below `.venvs`; null: a folder that is not managed yet, or elsewhere. */
  treeId: string | null;
  /** What `pyvenv.cfg` says: for which version it was made. */
  configured: string | null;
  entry: StateEntry | null;
}

/** Reads the link once. Throws `GuardRefusal`: 1 where nothing whole stands there, 69 where what is written about it can't be read. */
export function readStanding(place: LinkPlace): Standing {
  const { project, link } = place;
  const target = targetWord(place);
  const tree = resolveTree(place, target);
  const venvs = realOf(path.join(project, '.venvs'));
  const treeId = venvs !== null && path.dirname(tree) === venvs ? path.basename(tree) : null;
  const configured = readConfigured(link, tree, target);
  // What was adopted as it stood was verified by nobody.
  const isSealed = treeId !== null && !treeId.startsWith('adopted-');
  if (isSealed && readSeal(tree) === null) throw notCompliant(link, `a verified environment, sealed by ${SEAL_FILE}`, `${tree} without one`, `runbook run change ${target} builds a verified one`);
  const entry = venvs === null ? null : readEntry(path.join(project, '.venvs', 'state.json'), path.basename(link), isSealed, target);
  return { ...place, target, tree, treeId, configured, entry };
}

/** The project's folder where the link is `.venv`, as a word for a shell. */
function targetWord({ project, link }: LinkPlace): string {
  const name = path.basename(link);
  return shellWord(name === '.venv' ? project : name.startsWith('.venv') ? link : `${project}#${name}`);
}

function resolveTree({ link }: LinkPlace, target: string): string {
  const refuse = (got: string) => notCompliant(link, 'an environment', got, `runbook env list shows what is there; runbook env create ${target} makes one`);
  const tree = realOf(link);
  if (tree === null) throw refuse(nothingText(link));
  if (!statOrRefuse(tree, refuse)?.isDirectory()) throw refuse('a file');
  return tree;
}

function realOf(file: string): string | null {
  try {
    return realpathSync.native(file);
  } catch {
    return null;
  }
}

function nothingText(link: string): string {
  try {
    return lstatSync(link).isSymbolicLink() ? `a link to nowhere: ${readlinkSync(link)}` : 'a folder that this user may not enter';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing there' : problemOf(error);
  }
}

/** Without `pyvenv.cfg` its Python is the base interpreter, with the packages of that. With a base that is gone it does not start. */
function readConfigured(link: string, tree: string, target: string): string | null {
  const file = path.join(tree, 'pyvenv.cfg');
  const refuse = (expected: string, got: string) => notCompliant(link, expected, got, `runbook env reset ${target} --reason "its interpreter is gone" rebuilds it`);
  let text: string;
  try {
    const read = readPlain(file);
    if (!read) throw new Error('none');
    text = read.text;
  } catch (error) {
    throw refuse('a virtual environment, with its pyvenv.cfg', problemOf(error));
  }
  const value = (key: string): string | null => new RegExp(`^${key}[ \\t]*=[ \\t]*(.*?)[ \\t\\r]*$`, 'm').exec(text)?.[1] ?? null;
  const home = value('home');
  const noBase = (got: string) => refuse('the interpreter it was made from', got);
  if (home === null) throw noBase('a pyvenv.cfg that names none');
  if (!statOrRefuse(home, (got) => noBase(`${home}, ${got}`))?.isDirectory()) throw noBase(`no folder ${home}: it was removed or moved`);
  return value('version') ?? value('version_info');
}

/**
 * What the host wrote about this link. A tree that a run of ours made is never there without it (it is written before the
 * link is turned), so that taking the file away takes no end away.
 */
function readEntry(file: string, name: string, isNeeded: boolean, target: string): StateEntry | null {
  const refuse = (got: string) => couldNotTell(file, 'what the host wrote about its environments', got, `runbook env prune ${target} --reason "state.json" writes it again`);
  let text: string | null;
  try {
    text = readPlain(file)?.text ?? null;
  } catch (error) {
    throw refuse(problemOf(error));
  }
  if (text === null && isNeeded) throw refuse('nothing there');
  if (text === null) return null;
  const entry = entryIn(text, name);
  if (entry === undefined) throw refuse('something that can not be read');
  return entry;
}

/** Null: it names no such link. Undefined: it is not what the host writes. */
function entryIn(text: string, name: string): StateEntry | null | undefined {
  try {
    const state = JSON.parse(text) as { version?: unknown; environments?: Record<string, Partial<StateEntry>> };
    if (state.version !== 1 || typeof state.environments !== 'object') return undefined;
    if (!Object.hasOwn(state.environments, name)) return null;
    const { tree, run = null, end } = state.environments[name]!;
    const isInstant = end === null || (typeof end === 'string' && !Number.isNaN(Date.parse(end)));
    return typeof tree === 'string' && isInstant && (run === null || typeof run === 'string') ? { tree, run, end } : undefined;
  } catch {
    return undefined;
  }
}
