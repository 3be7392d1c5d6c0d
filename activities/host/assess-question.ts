/** One question to an index: this lock, this interpreter. And the last word on its answer: the lock's own hashes. */
import { judgeLock, restrictToHashes } from '../../policy/assess.js';
import type { Pin } from '../../policy/lock.js';
import type { Interpreter, LockVerdict } from '../../policy/model.js';
import type { Pylock } from '../../policy/pylock.js';
import type { HostContext, StepScope } from './context.js';
import type { ResolvedEnvironment } from './paths.js';

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
