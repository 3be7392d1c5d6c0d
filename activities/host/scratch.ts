/** A folder for one piece of work that is thrown away afterwards, also when the agent died in the middle of it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../policy/model.js';
import type { Guard, HostContext } from './context.js';
import { endGroup } from './process-group.js';
import { processStat } from './proc.js';
import { removeTree } from './remove-tree.js';

/** What the agent notes of a scratch folder; only the agent can write it. */
interface Note {
  path: string;
  owner: Owner;
  agent: Named | null;
  groups: Named[];
}

/** A process for ever: its number and the tick it started at. */
interface Named {
  pid: number;
  started: number;
}

export interface Scratch {
  path: string;
  /** For every child that works in it: who comes after a dead agent ends them first. */
  guard: Guard;
}

const named = (pid: number): Named | null => {
  const started = processStat(pid)?.started;
  return started === undefined ? null : { pid, started };
};

const isSame = (one: Named | null): boolean => one !== null && processStat(one.pid)?.started === one.started;

const notesFolder = (ctx: HostContext): string => join(ctx.stateDir, 'scratch');

/**
 * Makes a folder below `parent` by `make` (which must belong to `owner` then), works in it and removes it.
 * @param work short id of the run and the piece of work; marks the children.
 */
export async function inScratch<T>(ctx: HostContext, input: { parent: string; owner: Owner; work: string; make(path: string): void }, act: (scratch: Scratch) => Promise<T>): Promise<T> {
  const id = randomBytes(8).toString('hex');
  const path = join(input.parent, `.scratch-${id}`);
  mkdirSync(notesFolder(ctx), { recursive: true, mode: 0o700 });
  const file = join(notesFolder(ctx), `${id}.json`);
  const note: Note = { path, owner: input.owner, agent: named(process.pid), groups: [] };
  const write = (): void => writeFileSync(file, JSON.stringify(note), { mode: 0o600 });
  write();
  try {
    input.make(path);
    return await act({ path, guard: guardOf(`${input.work}/${id}`, note, write) });
  } finally {
    await removeTree(ctx, path, input.owner);
    rmSync(file, { force: true });
  }
}

function guardOf(op: string, note: Note, write: () => void): Guard {
  return {
    op,
    attempt: 1,
    commit: (change) => change(),
    groupStarted(pgid) {
      const group = named(pgid);
      if (group) note.groups.push(group);
      write();
    },
    groupEnded(pgid) {
      note.groups = note.groups.filter(({ pid }) => pid !== pgid);
      write();
    },
  };
}

/** Ends and removes what agents left that are no more. */
export async function sweepScratch(ctx: HostContext): Promise<void> {
  for (const name of notesOf(ctx)) {
    const file = join(notesFolder(ctx), name);
    const note = readNote(file);
    if (note && isSame(note.agent)) continue;
    for (const group of note?.groups ?? []) if (isSame(group)) await endGroup(group.pid);
    if (note) await removeTree(ctx, note.path, note.owner);
    rmSync(file, { force: true });
  }
}

function notesOf(ctx: HostContext): string[] {
  try {
    return readdirSync(notesFolder(ctx)).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

/** Null for a note that was cut short: its folder was not made yet, or is of no use to anybody. */
function readNote(file: string): Note | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch {
    return null;
  }
}
