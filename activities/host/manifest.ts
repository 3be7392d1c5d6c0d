/** Manifest of a tree: what every file of it is, by hash, and whether the packages are as their RECORDs say. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../../policy/model.js';
import { runCommand } from './command.js';
import type { Guard, HostContext, StepScope } from './context.js';
import { helperPython } from './interpreters.js';
import { pythonText } from './python-text.js';

export interface ManifestInput {
  tree: string;
  owner: Owner;
  /** `without-bytecode` for a tree that others may still write `__pycache__` into. */
  scope: 'all' | 'without-bytecode';
  /** Also judge every RECORD, and files that none of them names. */
  record: boolean;
  /** Take write permission from everything first; the digest is of that state. */
  seal?: boolean;
  step?: StepScope;
  guard?: Guard;
  nice?: number;
}

export interface Manifest {
  /** sha256 over the lines; the order of folders on disk does not matter. */
  digest: string;
  /** Files and links. */
  files: number;
  bytes: number;
  record: { checked: number; bad: string[] } | null;
  /** Where the lines are kept, so that two manifests can be compared later. */
  storedAt: string;
  /** No look before this one had kept the same lines. */
  isNew: boolean;
  workMs: number;
}

/** A tree of 8,000 files takes 0.35 s from memory; a cold disk takes minutes, not more. */
const MANIFEST_TIMEOUT_MS = 900_000;
/** Findings named one by one; more are counted. */
const NAMED = 50;

interface Summary {
  files: number;
  bytes: number;
  record: { checked: number; bad: string[] } | null;
}

/** Takes the manifest as the tree's owner. Throws when not every file could be read: half a manifest proves nothing. */
export async function takeManifest(ctx: HostContext, input: ManifestInput): Promise<Manifest> {
  const started = performance.now();
  const folder = join(ctx.stateDir, 'manifests');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lines = join(folder, `.taking-${randomBytes(8).toString('hex')}`);
  const wish = { tree: input.tree, scope: input.scope, record: input.record, seal: input.seal ?? false };
  try {
    const result = await runCommand({
      file: await helperPython(ctx, input.owner),
      args: ['-I', '-S', '-c', pythonText('manifest.py'), JSON.stringify(wish)],
      cwd: '/',
      owner: input.owner,
      timeoutMs: MANIFEST_TIMEOUT_MS,
      stdoutPath: lines,
      ...(input.step ? { scope: input.step } : {}),
      ...(input.guard ? { guard: input.guard } : {}),
      ...(input.nice === undefined ? {} : { nice: input.nice }),
    });
    if (result.isCanceled) throw input.step?.signal.reason ?? new Error('canceled');
    if (result.failed) throw new Error(`manifest of ${input.tree}: expected every file to be readable for user ${input.owner.name}, got ${result.spawnError ?? result.tail.trim().split('\n').at(-1) ?? result.signal}; make the tree's owner able to read it`);
    return { ...keepLines(folder, lines, input.tree), workMs: performance.now() - started };
  } finally {
    rmSync(lines, { force: true });
  }
}

/** Splits the summary off, names the rest by its own digest and keeps it. */
function keepLines(folder: string, path: string, tree: string): Omit<Manifest, 'workMs'> {
  const output = readFileSync(path);
  const cut = output.lastIndexOf('\n', output.length - 2) + 1;
  if (output[cut] !== 0x23) throw new Error(`manifest of ${tree}: expected a summary as the last line, got ${output.length} bytes without one`);
  const body = output.subarray(0, cut);
  const summary = JSON.parse(output.toString('utf8', cut + 1)) as Summary;
  const digest = createHash('sha256').update(body).digest('hex');
  const storedAt = join(folder, digest);
  const isNew = !existsSync(storedAt);
  if (isNew) {
    writeFileSync(path, body, { mode: 0o600 });
    renameSync(path, storedAt);
  }
  return { digest, files: summary.files, bytes: summary.bytes, record: summary.record && shorten(summary.record), storedAt, isNew };
}

function shorten(record: { checked: number; bad: string[] }): { checked: number; bad: string[] } {
  const { checked, bad } = record;
  return { checked, bad: bad.length > NAMED ? [...bad.slice(0, NAMED), `and ${bad.length - NAMED} more`] : bad };
}
