/** The folder in which the agent keeps what a run's commands wrote. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostContext } from './context.js';

/** Names that become parts of paths; nothing that could lead elsewhere. */
const PART = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/;

/** `STATE/runs/RUN`, made if need be. Others may pass through it to a file they know, and not list it. */
export function runFolder(ctx: HostContext, run: string): string {
  if (!PART.test(run) || run.includes('..')) throw new TypeError(`short id of a run: expected letters, digits and "-", got ${JSON.stringify(run.slice(0, 80))}`);
  return passage(ctx, 'runs', run);
}

/** A folder of the agent's own that owners of projects may pass through. Only folders named here get that right. */
export function passage(ctx: HostContext, ...parts: string[]): string {
  let folder = ctx.stateDir;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // As another user's child must reach its tools and its lock, the agent's folder gets the right to pass; files keep mode 600.
  if (process.getuid?.() === 0) chmodSync(folder, 0o711);
  for (const part of parts) {
    folder = join(folder, part);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o711);
  }
  return folder;
}

/** Writes a file of a run that its children must read (never a secret): mode 644. */
export function writeRunFile(ctx: HostContext, run: string, name: string, text: string): string {
  const path = join(runFolder(ctx, run), name);
  writeFileSync(path, text, { mode: 0o644 });
  chmodSync(path, 0o644);
  return path;
}
