/** `.complete`: written last into a tree that was verified, and the only sign by which one may be switched to. */
import path from 'node:path';
import { readPlain } from '../plain-file.js';

export const SEAL_FILE = '.complete';

export interface Seal {
  run: string;
  version: string;
  lockSha256: string;
  manifestDigest: string;
}

/** The tree's seal, or null where there is none that can be read. */
export function readSeal(tree: string): Seal | null {
  try {
    const seal = JSON.parse(readPlain(path.join(tree, SEAL_FILE))?.text ?? '{}') as Partial<Seal>;
    const { run, version, lockSha256, manifestDigest } = seal;
    return run && version && lockSha256 && manifestDigest ? { run, version, lockSha256, manifestDigest } : null;
  } catch {
    return null;
  }
}
