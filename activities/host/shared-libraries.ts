/** WF-65: whether the shared libraries numpy links to are there, by the dynamic linker's own word. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MISSING } from '../../policy/system-dependencies.js';
import type { Owner } from '../../policy/model.js';
import { runCommand } from './command.js';
import type { StepScope } from './context.js';
import { asOwner } from './owner.js';

/** The modules of numpy that carry its linear algebra, in all its layouts. */
const MODULES = /(?:multiarray|linalg)[^/]*\.(?:so|dylib)$/;
const FOLDERS = ['_core', 'core', 'linalg'];
const LDD = ['/usr/bin/ldd', '/bin/ldd'];
const TIMEOUT_MS = 20_000;

/** What the linker says: libraries that were found, and those that were not. */
export interface LinkedLibraries {
  modules: number;
  found: string[];
  missing: string[];
}

/** Reads the output of `ldd`. */
export function parseLdd(text: string): Omit<LinkedLibraries, 'modules'> {
  const lines = [...text.matchAll(/^\s*(\S+) => (not found|\S+)/gm)];
  const named = (isMissing: boolean): string[] => [...new Set(lines.filter(([, , where]) => (where === 'not found') === isMissing).map(([, name]) => name!))];
  return { found: named(false), missing: named(true) };
}

/**
 * Libraries of the numpy in a tree, asked as its owner: `ldd` runs the file's own loader. Null where the tree has no numpy or
 * the host no `ldd`.
 */
export async function numpyLibraries(step: StepScope, tree: string, owner: Owner): Promise<LinkedLibraries | null> {
  const ldd = LDD.find((path) => existsSync(path));
  const modules = asOwner(owner, () => numpyModules(tree));
  if (ldd === undefined || modules.length === 0) return null;
  const result = await runCommand({ file: ldd, args: modules, cwd: '/', owner, timeoutMs: TIMEOUT_MS, scope: step });
  if (result.isCanceled) throw step.signal.reason;
  return { modules: modules.length, ...parseLdd(result.stdout) };
}

/** The same as one line, for the list of tools. */
export function librariesText(libraries: LinkedLibraries | null): string {
  if (libraries === null) return 'not looked at: no numpy in the live environment, or no ldd';
  return libraries.missing.length > 0 ? `${MISSING}: ${libraries.missing.join(', ')}` : `${libraries.found.length} found for ${libraries.modules} modules`;
}

function numpyModules(tree: string): string[] {
  return names(join(tree, 'lib')).filter((name) => /^python3\.\d+t?$/.test(name)).flatMap((line) => {
    const numpy = join(tree, 'lib', line, 'site-packages/numpy');
    return FOLDERS.flatMap((folder) => names(join(numpy, folder)).filter((name) => MODULES.test(name)).map((name) => join(numpy, folder, name)));
  });
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
