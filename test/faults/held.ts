/** Making a run stand still at a point of the matrix, and finding the child that waits there. */
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { livingProcesses, OP_VARIABLE, processFile, type ProcessStat } from '../../activities/host/proc.js';
import { poll, type HeldPlace, type TestInstance } from '../support/instance.js';
import type { Phase, Point } from './matrix.js';

export interface Held {
  /** Resolves when the run stands there. */
  reached(): Promise<void>;
  release(): void;
}

/** Before the run gets there: it will stand still at the point until it is released. */
export function holdAt(it: TestInstance, { name, phase, child }: Point): Held {
  if (child === 'uv' || child === 'question' || child === 'attempt') return holdRequest(it, phase, child);
  if (!child) {
    it.barrier.arm(name);
    return { reached: async () => void (await it.barrier.reached(name)), release: () => it.barrier.release(name) };
  }
  const place = PLACES[child];
  it.hold.arm(place);
  const stands = (): boolean => (place === 'restart' ? existsSync(`${it.hold.path(place)}.held`) : childrenAt(it, child).length > 0);
  return { reached: async () => void (await poll(stands)), release: () => it.hold.release(place) };
}

const PLACES: Record<'imports' | 'tests' | 'restart' | 'restart back' | 'build' | 'probe', HeldPlace> = { imports: 'import', tests: 'tests', restart: 'restart', 'restart back': 'restart', build: 'build', probe: 'measure' };

/** uv gets half a file, or no page: what it had kept goes right before it starts, so that it must ask. */
function holdRequest(it: TestInstance, phase: Phase, child: 'uv' | 'question' | 'attempt'): Held {
  const barrier = `${phase}:started`;
  it.barrier.arm(barrier);
  const reached = async (): Promise<void> => {
    await it.barrier.reached(barrier);
    rmSync(path.join(it.home, 'state/agent/cache'), { recursive: true, force: true });
    // The agent remembers its answers for a while: of another text it has none.
    if (child === 'question') it.lock(`${readFileSync(path.join(it.project, 'requirements.txt'), 'utf8')}# asked again at ${Date.now()}\n`);
    it.index.mode = child === 'uv' ? 'hold' : 'hold-pages';
    it.barrier.release(barrier);
    // Both interpreters are asked about at once, and the change asks about one.
    await poll(() => childrenAt(it, child).length >= (phase === 'assess' ? 2 : 1));
  };
  return { reached, release: () => void (it.index.mode = 'ok') };
}

/** Step of the order and words of the command by which each child is known. */
const KNOWN_BY: Record<NonNullable<Point['child']>, { step: string | null; isIt(words: string[]): boolean }> = {
  // These change nothing, so they belong to no order.
  question: { step: null, isIt: (words) => words.includes('pip') && words.includes('compile') },
  attempt: { step: null, isIt: (words) => words.includes('pip') && words.includes('--dry-run') },
  build: { step: null, isIt: (words) => words.includes('wheel') && words.includes('--wheel-dir') },
  probe: { step: null, isIt: (words) => words.some((word) => word.includes('measure_tree.py')) },
  uv: { step: 'prepare', isIt: (words) => words.includes('pip') && words.includes('install') },
  imports: { step: 'verify', isIt: (words) => words.some((word) => word.startsWith('{"modules":')) },
  tests: { step: 'verify', isIt: (words) => words.some((word) => word === 'checks.py') },
  restart: { step: 'restart', isIt: isRestart },
  'restart back': { step: 'undo', isIt: isRestart },
};

function isRestart(words: string[]): boolean {
  return words.some((word) => word.endsWith('/unit.py')) && words.includes('restart');
}

/** Leaders of the groups that do this work in this instance's project now. */
export function childrenAt(it: TestInstance, child: NonNullable<Point['child']>): ProcessStat[] {
  const { step, isIt } = KNOWN_BY[child];
  return livingProcesses().filter(({ pid, pgrp }) => {
    if (pid !== pgrp) return false;
    const words = processFile(pid, 'cmdline')?.split('\0') ?? [];
    if (!isIt(words) || !belongsTo(it, pid, words)) return false;
    return step === null || (processFile(pid, 'environ')?.split('\0') ?? []).some((line) => line.startsWith(`${OP_VARIABLE}=`) && line.endsWith(`/${step}`));
  });
}

/** Other test files have instances of their own on this machine. */
function belongsTo(it: TestInstance, pid: number, words: string[]): boolean {
  const instance = path.dirname(it.home);
  return words.some((word) => word.startsWith(instance)) || (processFile(pid, 'environ') ?? '').includes(instance) || folderOf(pid).startsWith(instance);
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
