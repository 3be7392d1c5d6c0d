/** Real uv and real pip made to fail on purpose, and what the rules say of their words. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from '../../activities/host/command.js';
import type { CommandInput } from '../../activities/host/command.js';
import { signalAsCode } from '../../activities/host/command-failed.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs, uvEnvironment, uvIndexArgs } from '../../activities/host/index-flags.js';
import { pipFor, takePipLog } from '../../activities/host/installers/pip-command.js';
import { agentOwner } from '../../activities/host/owner.js';
import { branchOf, findingsOf } from '../../policy/diagnosis.js';
import { classifyOutput } from '../../policy/failures.js';
import type { Tool } from '../../policy/failures.js';
import { addedByPipLog } from '../../policy/installer-text.js';
import type { Branch, FailureClass, Finding, Interpreter } from '../../policy/model.js';
import type { TestHost } from './host.js';

/** What became of one command. */
export interface Failure {
  class: FailureClass;
  retryable: boolean;
  branch: Branch;
  remedy: string;
  findings: Finding[];
  /** All the rules were given. */
  text: string;
}

export interface RealInstall {
  on: TestHost;
  uv: string;
  python: Interpreter;
  tool: 'uv' | 'pip';
  requirements: string[];
  /** Default: wheels alone, as an attempt of ours does. `build`: from source. */
  kinds?: 'wheels' | 'build';
  /** Cache of an earlier call; default: a fresh one. */
  cache?: string;
  env?: Record<string, string>;
  /** Flags beside. */
  flags?: string[];
}

/** Longest silence of an index that these tests wait for, seconds: instead of half a minute. */
const UV_SHORT = { UV_HTTP_TIMEOUT: '5', UV_HTTP_RETRIES: '0' };
const TIMEOUT_MS = 120_000;

/** Installs for real into a folder of its own, and tells how it went; null: it succeeded. */
export async function realInstall({ on, uv, python, tool, requirements, kinds = 'wheels', env = {}, flags = [], cache }: RealInstall): Promise<Failure | null> {
  const id = randomBytes(6).toString('hex');
  const cacheDir = cache ?? join(on.folder, `cache-${id}`);
  const target = join(on.folder, `target-${id}`);
  mkdirSync(cacheDir, { recursive: true });
  const log = join(cacheDir, `${id}.log`);
  const pip = tool === 'pip' ? await pipFor(on.ctx, agentOwner(), python.realpath, python.realpath) : null;
  const common = ['--no-deps', '--target', target];
  const command = pip
    ? { file: pip.file, args: [...pip.args, 'install', ...PIP_ALWAYS, '--timeout', '1', ...common, kinds === 'wheels' ? '--only-binary=:all:' : '--no-binary=:none:', '--cache-dir', join(cacheDir, 'pip'), '--log', log, ...pipIndexArgs(on.ctx), ...flags, ...requirements], env: { ...pipEnvironment(on.ctx), ...env } }
    : { file: uv, args: ['pip', 'install', ...common, ...(kinds === 'wheels' ? ['--only-binary', ':all:'] : []), '--python', python.realpath, ...uvIndexArgs(on.ctx), ...flags, ...requirements], env: { ...uvEnvironment(on.ctx, join(cacheDir, 'uv')), ...UV_SHORT, ...env } };
  return judged(tool, python, command, () => (pip ? addedByPipLog(takePipLog(log, agentOwner())) : ''), requirements);
}

/** Any command of a tool, judged. */
export function realCommand(tool: Tool, python: Interpreter, command: Pick<CommandInput, 'file' | 'args'> & Partial<CommandInput>): Promise<Failure | null> {
  return judged(tool, python, command, () => '', []);
}

async function judged(tool: Tool, python: Interpreter, command: Pick<CommandInput, 'file' | 'args'> & Partial<CommandInput>, added: () => string, requirements: string[]): Promise<Failure | null> {
  const result = await runCommand({ cwd: '/', owner: agentOwner(), timeoutMs: TIMEOUT_MS, ...command });
  const more = added();
  if (!result.failed) return null;
  const text = `${more}\n${result.tail}${result.spawnError === null ? '' : `\n${result.spawnError}`}`;
  const code = signalAsCode(result) ?? 127;
  const findings = findingsOf(text, tool, code, python, requirements.map((one) => one.split(/[=<>[ ]/)[0]!));
  const { class: kind, retryable, remedy } = classifyOutput(text, tool, code);
  return { class: findings[0]!.class, retryable: kind === findings[0]!.class && retryable, branch: branchOf(findings[0]!.class, findings[0]!.cause), remedy, findings, text };
}

/** The three facts of a failure that a test asserts. */
export const facts = (failure: Failure | null): [FailureClass, boolean, Branch] | null => (failure ? [failure.class, failure.retryable, failure.branch] : null);

/** The setuptools of these tests: its own words are what the rules read. Fetched once for all test files, beside the project's packages. */
const SETUPTOOLS = 'setuptools==75.8.0';

/** Path of its wheel. */
export async function setuptoolsWheel(on: TestHost, python: Interpreter): Promise<string> {
  const folder = resolve(import.meta.dirname, '../../../node_modules/.cache/interpreter-runbooks/wheels');
  mkdirSync(folder, { recursive: true });
  const find = (): string | undefined => readdirSync(folder).find((name) => name.startsWith('setuptools-75.8.0-'));
  if (find() === undefined) {
    const fresh = join(folder, `.fetching-${randomBytes(6).toString('hex')}`);
    const pip = await pipFor(on.ctx, agentOwner(), python.realpath, python.realpath);
    const result = await runCommand({ file: pip.file, args: [...pip.args, 'download', ...PIP_ALWAYS, '-q', '--no-deps', '--only-binary=:all:', '-d', fresh, SETUPTOOLS], cwd: '/', owner: agentOwner(), timeoutMs: TIMEOUT_MS });
    if (result.failed) throw new Error(`these tests need ${SETUPTOOLS}: expected an index to fetch it from, got ${result.tail.trim().split('\n').at(-1)}`);
    // Whole or not at all: another test file may fetch it at the same time.
    for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(folder, name));
    rmSync(fresh, { recursive: true, force: true });
  }
  return join(folder, find()!);
}
