/**
 * What keeps a process whole that starts, or runs, while the link is turned. Python looks at `.venv/pyvenv.cfg`, then at
 * `.venv/lib/…`, then imports: a turn in between would show it two environments. Each tree of ours therefore has
 *
 * - an anchor: a `.pth` line by which a starting process takes the tree's own path for its prefix, import path and
 *   executable, as if it had been started by the resolved path: what it imports later, and what it starts, is of one tree;
 * - bridges: `lib/python3.N` of every other minor version leads to `.venvs/.bridge/python3.N`, which at each turn is
 *   pointed at the tree that is left: who got as far as its interpreter still finds the packages made for it.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ANCHOR = '_interpreter_runbooks_anchor.pth';
const BRIDGES = '.bridge';
/** Minor versions of Python 3 that a tree keeps a bridge for: what the probe runs on, and some years to come. */
const MINORS = Array.from({ length: 20 }, (_, at) => at + 6);

/** The line Python's `site` executes. The path is a literal: the tree stands at its final place. */
export function anchorLine(tree: string): string {
  return `import sys; (lambda p, l: l == p or (sys.path.__setitem__(slice(None), [p + x[len(l):] if x.startswith(l + '/') else x for x in sys.path]), setattr(sys, 'prefix', p), setattr(sys, 'exec_prefix', p), sys.executable.startswith(l + '/') and setattr(sys, 'executable', p + sys.executable[len(l):])))(${JSON.stringify(tree)}, sys.prefix)\n`;
}

/** Writes anchor and bridges into a tree that is being built. As the owner. `version`: of its interpreter. */
export function anchorTree(tree: string, version: string): void {
  const own = minorOf(version);
  writeFileSync(join(tree, 'lib', own, 'site-packages', ANCHOR), anchorLine(tree), { mode: 0o644 });
  for (const name of MINORS.map((minor) => `python3.${minor}`)) {
    if (name !== own) symlinkSync(join('..', '..', BRIDGES, name), join(tree, 'lib', name));
  }
}

/** Points the bridges of the interpreters of `tree` at it, each by one rename. As the owner, right before the link leaves it. */
export function bridgeTo(venvsDir: string, tree: string): void {
  mkdirSync(join(venvsDir, BRIDGES), { recursive: true, mode: 0o755 });
  for (const name of ownLibraries(join(venvsDir, tree, 'lib'))) {
    const bridge = join(venvsDir, BRIDGES, name);
    rmSync(`${bridge}.next`, { force: true });
    symlinkSync(join('..', tree, 'lib', name), `${bridge}.next`);
    renameSync(`${bridge}.next`, bridge);
  }
}

/** Library folders that are the tree's own, not bridges. */
function ownLibraries(lib: string): string[] {
  return readdirSync(lib).filter((name) => /^python3\.\d+t?$/.test(name) && lstatSync(join(lib, name)).isDirectory());
}

const minorOf = (version: string): string => `python${version.split('.').slice(0, 2).join('.')}`;
