/** uv for the agent: named in the agent file, found on the host, or installed into the agent's own folder. */
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import pep440 from '@renovatebot/pep440';
import type { Owner } from '../../policy/model.js';
import { runCommand } from './command.js';
import type { CommandResult } from './command.js';
import type { HostContext } from './context.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs } from './index-flags.js';
import { discoverInterpreters } from './interpreters.js';
import { agentOwner } from './owner.js';
import { passage } from './run-files.js';
import { UV_HASHES, UV_OLDEST, UV_VERSION } from './uv-release.js';

export { indexLabel } from './index-flags.js';

export interface UvTool {
  /** Absolute. */
  file: string;
  version: string;
}

/** Fetching 20 MB from a slow index takes minutes, not more. */
const INSTALL_TIMEOUT_MS = 300_000;
/** How long a failed attempt to get uv is believed. */
const FAILURE_HOLDS_MS = 60_000;

const found = new Map<string, { tool: Promise<UvTool | null>; at: number }>();

/**
 * The uv that `owner` (default: the agent's user) can run; null when the agent file says pip or none can be had. A
 * success is kept while the process lives, a failure for a minute.
 */
export async function findUv(ctx: HostContext, owner: Owner = agentOwner()): Promise<UvTool | null> {
  if (ctx.agentFile.installer === 'pip') return null;
  const key = JSON.stringify([ctx.stateDir, ctx.agentFile.uv, ctx.agentFile.index, owner.uid]);
  const known = found.get(key);
  if (known) {
    const tool = await known.tool;
    if (tool ? existsSync(tool.file) : performance.now() - known.at < FAILURE_HOLDS_MS) return tool;
  }
  const search = searchUv(ctx, owner);
  found.set(key, { tool: search, at: performance.now() });
  return search;
}

/** What will install packages on this host. */
export async function installerOf(ctx: HostContext, owner?: Owner): Promise<'uv' | 'pip'> {
  return (await findUv(ctx, owner)) ? 'uv' : 'pip';
}

async function searchUv(ctx: HostContext, owner: Owner): Promise<UvTool | null> {
  const named = ctx.agentFile.uv;
  if (named !== undefined) return usableUv(named, owner);
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/') && basename(folder) !== 'shims').map((folder) => join(folder, 'uv'));
  const installed = join(ctx.stateDir, 'tools', `uv-${UV_VERSION}`, 'bin/uv');
  for (const file of [...onPath, installed]) {
    const tool = existsSync(file) ? await usableUv(file, owner) : null;
    if (tool) return tool;
  }
  return (await installUv(ctx, installed)) ? usableUv(installed, owner) : null;
}

/** Asks a uv for its version, as the user who will run it. A root agent never runs one that others could have put there as root. */
async function usableUv(path: string, owner: Owner): Promise<UvTool | null> {
  try {
    const file = realpathSync(path);
    const { uid } = lstatSync(file);
    if (process.getuid?.() === 0 && owner.uid === 0 && uid !== 0) return null;
    const result = await runCommand({ file, args: ['--version'], cwd: '/', owner, timeoutMs: 20_000 });
    const version = /^uv (\d+\.\d+\.\d+)/.exec(result.stdout)?.[1];
    return !result.failed && version && pep440.gte(version, UV_OLDEST) ? { file, version } : null;
  } catch {
    return null;
  }
}

/** Installs beside and renames: another process that does the same at once either finds it or makes the same. */
async function installUv(ctx: HostContext, file: string): Promise<boolean> {
  const tools = passage(ctx, 'tools');
  const temporary = join(tools, `.installing-${randomBytes(6).toString('hex')}`);
  mkdirSync(temporary, { mode: 0o755 });
  try {
    const requirement = join(temporary, 'uv.txt');
    writeFileSync(requirement, `uv==${UV_VERSION} ${UV_HASHES.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`);
    const result = await pipOfAnyInterpreter(ctx, temporary, ['install', ...PIP_ALWAYS, '--no-deps', '--only-binary=:all:', '--require-hashes', '--target', join(temporary, 'uv'), '-r', requirement, ...pipIndexArgs(ctx)]);
    if (!result || result.failed || !existsSync(join(temporary, 'uv/bin/uv'))) return false;
    try {
      renameSync(join(temporary, 'uv'), join(tools, `uv-${UV_VERSION}`));
    } catch (error) {
      if (!existsSync(file)) throw error;
    }
    return true;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Runs pip from the first interpreter that has one, else from an environment made for it. */
async function pipOfAnyInterpreter(ctx: HostContext, folder: string, args: string[]): Promise<CommandResult | null> {
  const owner = agentOwner();
  const all = await discoverInterpreters(ctx, owner);
  const run = (file: string, its: string[]): Promise<CommandResult> => runCommand({ file, args: ['-I', ...its], cwd: folder, owner, env: pipEnvironment(ctx), timeoutMs: INSTALL_TIMEOUT_MS });
  for (const { realpath } of all) {
    if (!(await run(realpath, ['-m', 'pip', '--version'])).failed) return run(realpath, ['-m', 'pip', ...args]);
  }
  const base = all.find((one) => !one.missingModules.includes('ensurepip'));
  if (!base) return null;
  const made = await run(base.realpath, ['-m', 'venv', join(folder, 'venv')]);
  return made.failed ? made : run(join(folder, 'venv/bin/python'), ['-m', 'pip', ...args]);
}
