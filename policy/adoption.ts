/** Adoption by itself: a `.venv` that is still a directory gets its place in `.venvs` and a link before it. */
import { digestOf } from './canonical.js';
import type { HostLook, Plan } from './model.js';

/**
 * What arming is told: the environment as it was seen is what stands before and after, and nothing is installed. Null where no
 * directory stands at the link.
 */
export function adoptionPlan(look: HostLook, policyDigest: string): Plan | null {
  const { env, current, lock, onSwitch, settings, disk, owner } = look;
  if (look.linkState !== 'directory' || !current) return null;
  const { id, path, version, manifestDigest, manifestScope } = current;
  const covered = {
    kind: 'change' as const, env, policyDigest,
    present: { id, path, version, manifestDigest, manifestScope },
    adopt: true,
    interpreter: { version: version ?? '', build: '', realpath: '' },
    lock: { path: lock.path, sha256: lock.sha256 },
    files: [], rungs: [], serviceActions: [], onSwitch, undoTarget: id, end: null,
  };
  const facts = { freeBytes: disk.freeBytes, needBytes: 0, restartWindowSeconds: 0, riders: look.riders, index: '', installer: '', owner };
  return { ...covered, digest: digestOf(covered), facts, settings };
}
