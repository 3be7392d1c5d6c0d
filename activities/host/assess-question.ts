/** One question to an index: this lock, this interpreter. And the last word on its answer: the lock's own hashes, and what was built. */
import { judgeLock, restrictToHashes } from '../../policy/assess.js';
import type { Pin } from '../../policy/lock.js';
import type { Interpreter, LockVerdict, PinVerdict } from '../../policy/model.js';
import type { Pylock } from '../../policy/pylock.js';
import { tagRanks } from '../../policy/tags.js';
import type { HostContext, StepScope } from './context.js';
import type { ResolvedEnvironment } from './paths.js';
import { recordedWheel, type RecordedWheel } from './wheelhouse.js';

/** What both ways of asking need. */
export interface Question {
  ctx: HostContext;
  step: StepScope;
  resolved: ResolvedEnvironment;
  cacheDir: string;
  interpreter: Interpreter;
  pins: Pin[];
}

/**
 * A lock with hashes allows its own files only. A pin that has a wheel on the index, but none the lock approved, is what
 * an installer would stop at: the whole verdict is a hash mismatch.
 */
export function judgeApproved(pylock: Pylock, question: Question, refused: LockVerdict['pins']): LockVerdict {
  const approved = judgeLock(restrictToHashes(pylock, question.pins), question.interpreter, refused);
  const all = judgeLock(pylock, question.interpreter, refused);
  const lost = approved.missing.filter((project) => !all.missing.includes(project));
  if (lost.length === 0) return approved;
  return { ...approved, error: { class: 'HASH_MISMATCH', text: `${lost.join(', ')}: the index has a wheel for Python ${question.interpreter.version}, but none with a hash of the lock; write the lock again for this platform, or find out who changed the file` } };
}

/** Verdicts that a wheel built from source mends; an interpreter that is excluded, or an index that gave no answer, stays so. */
const MENDED: readonly PinVerdict['verdict'][] = ['sdist-only', 'no-wheel', 'version-not-found', 'project-not-found'];

/**
 * Takes wheels of the wheelhouse for pins that have none elsewhere. Their hashes stand in no lock: their record beside them is
 * what approves them. What is still missing carries the lock's hashes, which a source build must start from.
 */
export function withWheelhouse(verdict: LockVerdict, { interpreter, pins }: Pick<Question, 'interpreter' | 'pins'>, recorded: readonly RecordedWheel[]): LockVerdict {
  const ranks = tagRanks(interpreter);
  const judged = verdict.pins.map((pin): PinVerdict => {
    if (!MENDED.includes(pin.verdict)) return pin;
    const wheel = recordedWheel(recorded, pin, interpreter, ranks);
    if (wheel) return { project: pin.project, version: pin.version, verdict: 'wheel', file: { name: wheel.name, sha256: wheel.sha256 }, why: `${wheel.name}, built from source` };
    const hashes = pins.filter((one) => one.project === pin.project && one.version === pin.version).flatMap((one) => one.hashes);
    return hashes.length === 0 ? pin : { ...pin, hashes };
  });
  const mended = new Set(judged.filter((pin) => pin.verdict === 'wheel').map((pin) => pin.project));
  const isMissing = (project: string): boolean => judged.some((pin) => pin.project === project && MENDED.includes(pin.verdict));
  return { ...verdict, pins: judged, missing: verdict.missing.filter((project) => !mended.has(project) || isMissing(project)) };
}
