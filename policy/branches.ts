/** WF-20: where a failure leads. The decision table of the wheel runbook, complete for every class. */
import type { Branch, FailureClass, WheelFailureCause } from './model.js';

/** What the runbook says of its four causes. */
const BY_CAUSE: Record<WheelFailureCause, Branch> = {
  'corrupted-cache': 'purge-and-rebuild',
  'missing-system-dependency': 'system-package',
  'architecture-incompatibility': 'fallback-interpreter',
  'python-version-mismatch': 'fallback-interpreter',
};

/** Classes that are about a file for this interpreter: their cause decides, and without one what stands here. */
const BY_CAUSE_FIRST: ReadonlySet<FailureClass> = new Set<FailureClass>([
  'WHEEL_MISSING', 'NO_DISTRIBUTION', 'REQUIRES_PYTHON', 'WHEEL_WRONG_TAG', 'WHEEL_CORRUPT', 'IMPORT_STDLIB_REMOVED', 'IMPORT_NATIVE',
]);

const BY_CLASS: Record<FailureClass, Branch> = {
  // A source release and no wheel for any interpreter: only building helps.
  WHEEL_MISSING: 'source-build', NO_DISTRIBUTION: 'fallback-interpreter', REQUIRES_PYTHON: 'fallback-interpreter', WHEEL_WRONG_TAG: 'fallback-interpreter',
  WHEEL_CORRUPT: 'purge-and-rebuild',
  VERSION_NOT_FOUND: 'relock', CONFLICT: 'relock', BUILD: 'relock',
  PROJECT_NOT_FOUND: 'index', INDEX_AUTH: 'index', INDEX_RATE_LIMIT: 'index', INDEX_DOWN: 'index', INDEX_NOT_AN_INDEX: 'index', NET_TLS: 'index',
  NET_REFUSED: 'ask-again', NET_DNS: 'ask-again', NET_TIMEOUT: 'ask-again', AMBIGUOUS: 'ask-again', KILLED: 'ask-again',
  HASH_MISMATCH: 'stop', HASH_MISSING: 'stop',
  DISK_FULL: 'free-space',
  INTERPRETER_MISSING: 'interpreter', INTERPRETER_SHIM: 'interpreter', VENV_BASE_GONE: 'interpreter', SYSTEM_PYTHON: 'interpreter',
  VENV_CREATE: 'system-package', IMPORT_NATIVE: 'system-package',
  IMPORT_STDLIB_REMOVED: 'fallback-interpreter', IMPORT_ABI: 'relock', IMPORT_INCOMPATIBLE: 'relock',
  PERMISSION: 'ask-a-person', VENV_EXISTS: 'ask-a-person', UNKNOWN: 'ask-a-person',
};

/**
 * The branch of a failure. Network, index and hash failures lead where they lead whatever cause is claimed; a build leads
 * to the missing system package where one is named, else to another lock: its release does not build here.
 */
export function branchOf(failure: FailureClass, cause: WheelFailureCause | null): Branch {
  if (cause !== null && BY_CAUSE_FIRST.has(failure)) return BY_CAUSE[cause];
  if (failure === 'BUILD' && cause === 'missing-system-dependency') return 'system-package';
  return BY_CLASS[failure];
}
