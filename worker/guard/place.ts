/** Which environment is meant: the one named, or that of the working folder or its nearest parent that has one. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { isSettled, lstatOrRefuse, problemOf, readPlain, stampAt, stampOf, statOrRefuse } from './files.js';
import type { Memory } from './memory.js';
import { badInput, GuardRefusal } from './refusal.js';

const PROJECT_FILE = 'runbook.yaml';
const DEFAULT_LINK = '.venv';

export interface LinkPlace {
  /** Links resolved. */
  project: string;
  /** The link in it, or what stands in its place. */
  link: string;
}

/** What is asked of a place: what was measured before, the time in Unix milliseconds, and this host's name. */
export interface Asking {
  memory: Memory;
  now: number;
  host: string;
}

/** `PATH`, `PATH#NAME`, `LINK` or the same with this host before it. Throws `GuardRefusal` 64. */
export async function namedPlace(raw: string, asking: Asking): Promise<LinkPlace> {
  const { parseTarget } = await import('../../policy/ids.js');
  const parsed = parseTarget(raw);
  const refuse = (got: string) => badInput(`--env ${JSON.stringify(raw)}`, 'PATH[#NAME] of an environment on this host', got, 'name the project folder, or the link in it');
  if ('problem' in parsed) throw refuse(parsed.problem);
  if (parsed.host !== null && parsed.host !== asking.host) throw refuse(`host ${parsed.host}; this is ${asking.host}`);
  const absolute = path.resolve(parsed.path);
  const isLink = parsed.name === null && path.basename(absolute).startsWith(DEFAULT_LINK) && !existsSync(path.join(absolute, PROJECT_FILE));
  if (isLink) return placeOf(absolute, refuse);
  if (!statOrRefuse(absolute, refuse)?.isDirectory()) throw refuse(existsSync(absolute) ? 'a file' : 'nothing there');
  return placeOf(path.join(absolute, parsed.name ?? (await projectLink(absolute, asking)) ?? DEFAULT_LINK), refuse);
}

/** From the working folder upwards. Throws `GuardRefusal` 64 where no folder has a project file or an environment. */
export async function nearestPlace(asking: Asking): Promise<LinkPlace> {
  const refuse = (got: string, wayOut = 'change into a project, or name its environment with --env PATH') => badInput('environment of the working folder', `a ${DEFAULT_LINK} or ${PROJECT_FILE} in it or above it`, got, wayOut);
  const from = workingFolder(refuse);
  for (let folder = from; ; folder = path.dirname(folder)) {
    const named = await projectLink(folder, asking);
    const link = path.join(folder, named ?? DEFAULT_LINK);
    const found = lstatOrRefuse(named === null ? link : path.join(folder, PROJECT_FILE), (got) => refuse(`${link}, ${got}`));
    if (found) {
      requireTrusted(found.uid, from, link, refuse);
      return placeOf(link, refuse);
    }
    if (folder === path.dirname(folder)) throw refuse(`none from ${from} upwards`);
  }
}

function workingFolder(refuse: (got: string) => GuardRefusal): string {
  try {
    return process.cwd();
  } catch {
    throw refuse('a working folder that is gone');
  }
}

/** In a folder of many users, such as the one for temporary files, anybody can put an environment above others' folders. */
function requireTrusted(uid: number, from: string, link: string, refuse: (got: string, wayOut: string) => GuardRefusal): void {
  const wayOut = `name it with --env ${link} if it is meant`;
  if (uid === 0 || uid === process.geteuid!() || uid === statOrRefuse(from, (got) => refuse(`${from}, ${got}`, wayOut))?.uid) return;
  throw refuse(`${link}, which belongs to another user (${uid})`, wayOut);
}

function placeOf(link: string, refuse: (got: string) => GuardRefusal): LinkPlace {
  try {
    const project = realpathSync.native(path.dirname(link));
    return { project, link: path.join(project, path.basename(link)) };
  } catch (error) {
    throw refuse(problemOf(error));
  }
}

/** `link` of the folder's project file; null where it has none. */
async function projectLink(folder: string, { memory, now }: Asking): Promise<string | null> {
  const file = path.join(folder, PROJECT_FILE);
  const stamp = stampOrRefuse(file);
  if (stamp === null) return null;
  const known = memory.get('links', file);
  if (known?.stamp === stamp && typeof known.link === 'string') return known.link;
  const { linkOf } = await import('./parse.js');
  const read = readProject(file);
  const parsed = linkOf(read.text, file);
  if ('objections' in parsed) throw new GuardRefusal(64, parsed.objections);
  if (isSettled(read.stat, now)) memory.put('links', file, { stamp: stampOf(read.stat), link: parsed.link });
  return parsed.link;
}

function stampOrRefuse(file: string): string | null {
  try {
    return stampAt(file);
  } catch (error) {
    throw badInput(file, 'a project file, or none', problemOf(error), 'change into a project that this user may enter, or name its environment with --env PATH');
  }
}

function readProject(file: string): NonNullable<ReturnType<typeof readPlain>> {
  try {
    const read = readPlain(file);
    if (read) return read;
    throw new Error('nothing there');
  } catch (error) {
    throw badInput(file, 'a project file', problemOf(error), 'see examples/pricer/runbook.yaml');
  }
}
