/** Adoption: a `.venv` that is still a directory becomes a tree with a link before it, in one exchange (decision 17). */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Guard, HostContext } from './context.js';
import { helperPython } from './interpreters.js';
import { linkText } from './link.js';
import { asOwner } from './owner.js';
import { TREE_ID, readLink, type Place } from './paths.js';
import { pythonText } from './python-text.js';
import { hostRefused } from './refuse.js';

/** One start of Python and one system call. */
const EXCHANGE_LIMIT_MS = 10_000;
const UNSUPPORTED = 3;

/**
 * Adopts the directory at the link as `.venvs/TREE`. Does nothing where that was done. Throws `HostRefused` where the
 * system can't exchange two paths: a gap without an environment is never made.
 *
 * Python (Node has no renameat2) is started synchronously inside the transaction that compared the token: an order
 * that lost its lease can't exchange late, and the child dies with this process. It costs about 40 ms, once in the
 * life of an environment.
 */
export async function adopt(ctx: HostContext, place: Place, tree: string, guard: Guard): Promise<void> {
  const { link, venvsDir, owner } = place;
  if (!TREE_ID.test(tree)) throw hostRefused(`tree id ${JSON.stringify(tree)}`, 'letters, digits and . _ -', 'something else', 'plan again');
  const python = await helperPython(ctx, owner);
  guard.commit(() => {
    // Exchanged by an attempt whose row was lost with its process.
    if (readLink(place).treeId === tree) return ctx.store.armed.adopt(link, tree);
    const path = join(venvsDir, tree);
    asOwner(owner, () => makeRoom(venvsDir, path, tree));
    const { status, problem } = exchange(python, place, path);
    if (status !== 0) asOwner(owner, () => rmSync(path, { force: true }));
    if (status === UNSUPPORTED) throw unsupported(link, problem);
    if (status !== 0) throw new Error(`adoption of ${link}: expected one exchange with ${path}, got ${problem}; nothing was changed`);
    ctx.store.armed.adopt(link, tree);
  });
}

/** The other way round: the tree is the directory at the link again, by the same one exchange. Does nothing where it is. */
export async function giveBack(ctx: HostContext, place: Place, tree: string, guard: Guard): Promise<void> {
  const { link, venvsDir, owner } = place;
  const python = await helperPython(ctx, owner);
  guard.commit(() => {
    if (readLink(place).treeId !== tree) return;
    const path = join(venvsDir, tree);
    const { status, problem } = exchange(python, place, path);
    if (status !== 0) throw new Error(`${link}: expected one exchange with ${path}, got ${problem}; it stays a link to ${linkText(tree)}`);
    asOwner(owner, () => rmSync(path, { force: true }));
    ctx.store.armed.giveBack(link, tree);
  });
}

/** Link and tree change places. `status`: of `exchange.py`, null where it did not end by itself. */
function exchange(python: string, { link, owner }: Place, path: string): { status: number | null; problem: string } {
  const drop = process.geteuid!() === 0 && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : {};
  const { status, stderr, error } = spawnSync(python, ['-I', '-S', '-c', pythonText('exchange.py'), String(process.pid), link, path], {
    cwd: '/', env: { LANG: 'C.UTF-8' }, timeout: EXCHANGE_LIMIT_MS, killSignal: 'SIGKILL', encoding: 'utf8', ...drop,
  });
  return { status, problem: error?.message ?? stderr.trim() };
}

/** The link that the directory is exchanged with: at its first place it leads nowhere, at the second to the tree. */
function makeRoom(venvsDir: string, path: string, tree: string): void {
  mkdirSync(venvsDir, { recursive: true, mode: 0o755 });
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there && !there.isSymbolicLink()) throw hostRefused(path, 'a free name for the adopted tree', 'something that has it', 'move it away, then plan again');
  rmSync(path, { force: true });
  symlinkSync(linkText(tree), path);
}

function unsupported(link: string, got: string): Error {
  return hostRefused(`adoption of ${link}`, 'a system that exchanges two paths in one step', got, 'stop what runs from it, then: mv .venv .venvs/NAME && ln -s .venvs/NAME .venv, and plan again');
}
