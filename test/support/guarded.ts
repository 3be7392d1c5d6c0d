/** A user with a home of their own, projects with real environments, and `runbook guard` as that user would type it. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { StateEntry } from '../../policy/checks/guard.js';
import { someInterpreter, testHost } from './host.js';

const BIN = path.resolve(import.meta.dirname, '../../..', 'bin/runbook.js');

export interface Answer {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface GuardedUser {
  folder: string;
  /** Where it remembers. */
  memory: string;
  policyFile: string;
  /** `3.11` and `3.12` of this machine: executable and version. */
  python: Record<'3.11' | '3.12', { file: string; version: string }>;
  policy(fields: object): void;
  /** A folder with runbook.yaml, where `files` has one, and no environment. */
  project(name: string, files?: Record<string, string>): string;
  /** A plain environment at the link. */
  venv(link: string, line?: '3.11' | '3.12'): void;
  /** A verified tree of ours. */
  tree(project: string, id: string, line?: '3.11' | '3.12'): string;
  /** Points the link at a tree, and writes what the host would. */
  turn(project: string, id: string, entry?: Partial<StateEntry> | null): void;
  guard(cwd: string, words: string[], options?: { env?: NodeJS.ProcessEnv; uid?: number }): Answer;
  spawn(cwd: string, words: string[], options?: { env?: NodeJS.ProcessEnv }): ChildProcess;
  /** Words before those of `guard`, for programs that start it themselves. */
  command: string[];
  env: NodeJS.ProcessEnv;
  close(): void;
}

/** The policy approves exactly the two interpreters of this machine, unless said otherwise. */
export async function guardedUser(): Promise<GuardedUser> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'guarded-')));
  execFileSync('chmod', ['755', folder]);
  const host = testHost();
  const of = async (line: '3.11' | '3.12') => {
    const { realpath, version } = await someInterpreter(host.ctx, line);
    return { file: realpath, version };
  };
  const python = { '3.11': await of('3.11'), '3.12': await of('3.12') };
  host.close();
  const home = path.join(folder, 'home');
  const policyFile = path.join(home, '.config/interpreter-runbooks/policy.yaml');
  mkdirSync(path.dirname(policyFile), { recursive: true });
  const env = { HOME: home, PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };
  const started = new Set<ChildProcess>();
  const user: GuardedUser = {
    folder, policyFile, python, env, memory: path.join(home, '.cache/interpreter-runbooks/guard.json'), command: [process.execPath, BIN, 'guard'],
    policy: (fields) => writeFileSync(policyFile, stringify({ interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: python['3.11'].version, justification: 'test' } }, ...fields })),
    project: (name, files = {}) => makeProject(path.join(folder, name), files),
    venv: (link, line = '3.12') => void execFileSync(python[line].file, ['-I', '-m', 'venv', '--without-pip', link]),
    tree(project, id, line = '3.12') {
      const tree = path.join(project, '.venvs', id);
      user.venv(tree, line);
      writeFileSync(path.join(tree, '.complete'), JSON.stringify({ run: id.replace(/-\d+$/, ''), version: python[line].version, lockSha256: '0', manifestDigest: '0' }));
      return tree;
    },
    turn(project, id, entry = {}) {
      const [link, venvs] = [path.join(project, '.venv'), path.join(project, '.venvs')];
      if (entry) writeFileSync(path.join(venvs, 'state.json'), JSON.stringify({ version: 1, environments: { '.venv': { tree: id, run: null, end: null, ...entry } } }));
      symlinkSync(path.join('.venvs', id), `${link}.next`);
      renameSync(`${link}.next`, link);
    },
    guard(cwd, words, options = {}) {
      const { status, signal, stdout, stderr } = spawnSync(process.execPath, [BIN, 'guard', ...words], { cwd, env: { ...env, ...options.env }, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL', ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }) });
      return { code: status, signal, stdout, stderr };
    },
    // A session of its own: no terminal, and a group that can be ended whole.
    spawn(cwd, words, options = {}) {
      const child = spawn(process.execPath, [BIN, 'guard', ...words], { cwd, env: { ...env, ...options.env }, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
      started.add(child);
      return child;
    },
    close() {
      for (const { pid } of started) endGroup(pid!);
      execFileSync('chmod', ['-R', 'u+rwX', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  user.policy({});
  return user;
}

function makeProject(project: string, files: Record<string, string>): string {
  mkdirSync(project, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(project, name), text);
  return project;
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Lets a file's time stamps lie so long ago that it counts as settled: only its state change can't be set, so it is waited for. */
export async function settled(...files: string[]): Promise<void> {
  for (const file of files) utimesSync(file, 0, 0);
  await new Promise((resolve) => setTimeout(resolve, 2_100));
}

/** Next line of a child's standard output, as it comes. Throws at its end. */
export function linesOf(child: ChildProcess): () => Promise<string> {
  let text = '';
  const waiting: (() => void)[] = [];
  let isOver = false;
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    waiting.splice(0).forEach((wake) => wake());
  }).on('end', () => {
    isOver = true;
    waiting.splice(0).forEach((wake) => wake());
  });
  return async () => {
    while (!text.includes('\n')) {
      if (isOver) throw new Error(`expected a line, got its end and ${JSON.stringify(text)}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    const at = text.indexOf('\n');
    const line = text.slice(0, at);
    text = text.slice(at + 1);
    return line;
  };
}
