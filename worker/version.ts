/** The version of this package, as its manifest says. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Folder of package.json, above whichever output folder this file runs from. */
export function packageRoot(from: string = import.meta.dirname): string {
  if (existsSync(path.join(from, 'package.json'))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error(`expected package.json above ${import.meta.dirname}, found none; install the package again`);
  return packageRoot(parent);
}

/** `0.1.0`. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}
