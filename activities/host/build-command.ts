/** The command line of one source build. pip builds: uv can't make a wheel of a release it has to fetch. */
import { join } from 'node:path';
import type { HostContext } from './context.js';
import { pinText } from './hashed-lock.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs } from './index-flags.js';

export interface BuildRequest {
  project: string;
  version: string;
  /** `one`: build requirements as wheels; `all`: everything from source (WF-37, WF-38). */
  mode: 'one' | 'all';
  /** Wheels built before, offered for build requirements. */
  wheelhouse: string;
  /** Requirement file with the pin. */
  requirement: string;
  /** Folder for the wheel. */
  out: string;
  /** For what pip leaves out of its output: why an index could not be read. With it, pip leaves out the build's own output instead. */
  log: string | null;
}

/**
 * Arguments after pip. `--use-pep517` builds in an environment of its own, which gets setuptools and wheel where the release
 * names no build requirements (WF-39). `--no-clean` leaves the sources to be looked at, in a folder that is thrown away.
 * No cache (WF-69): a wheel from another toolchain must not come back.
 */
export function buildArgs(ctx: HostContext, { project, mode, wheelhouse, requirement, out, log }: BuildRequest): string[] {
  const kinds = mode === 'all' ? ['--no-binary=:all:'] : ['--only-binary=:all:', `--no-binary=${project}`];
  const offered = mode === 'all' || ctx.agentFile.index.findLinks === wheelhouse ? [] : ['--find-links', wheelhouse];
  return ['wheel', ...PIP_ALWAYS, '--no-deps', ...kinds, '--use-pep517', '--no-clean', '--no-cache-dir', ...(log === null ? [] : ['--log', log]), ...pipIndexArgs(ctx), ...offered, '--wheel-dir', out, '-r', requirement];
}

/** WF-70: build requirements are held to the versions the lock has, by `constraints`, a file; null: they are free. */
export function buildEnvironment(ctx: HostContext, scratch: string, searchPath: string, constraints: string | null): Record<string, string> {
  const held: Record<string, string> = constraints === null ? {} : { PIP_CONSTRAINT: constraints, PIP_BUILD_CONSTRAINT: constraints };
  return { ...pipEnvironment(ctx), ...held, PATH: searchPath, TMPDIR: join(scratch, 'tmp'), PYTHONDONTWRITEBYTECODE: '1' };
}

/** The requirement of one build: with the lock's sha256 hashes, any other file is refused. */
export function buildRequirement(pin: { project: string; version: string; hashes?: string[] }): string {
  const hashes = (pin.hashes ?? []).filter((hash) => /^sha256:[0-9a-f]{64}$/.test(hash));
  return `${pinText(pin)}${hashes.map((hash) => ` --hash=${hash}`).join('')}\n`;
}
