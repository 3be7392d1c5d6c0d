/** Judges the project's lock for interpreters: which wheel each pin would get, or why it gets none. Changes nothing. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { judgeLock, restrictToHashes } from '../../policy/assess.js';
import { parseRequirementsLock } from '../../policy/lock.js';
import type { Pin } from '../../policy/lock.js';
import type { EnvironmentRef, Interpreter, LockVerdict } from '../../policy/model.js';
import { parsePylock } from '../../policy/pylock.js';
import { assessByPip } from './assess-pip.js';
import { assessByUv } from './assess-uv.js';
import type { HostContext, StepScope } from './context.js';
import { asOwner } from './owner.js';
import { ownerCache } from './owner-cache.js';
import { mapParallel } from './parallel.js';
import { resolveEnvironment } from './paths.js';
import type { ResolvedEnvironment } from './paths.js';
import { refusal } from './refuse.js';
import { findUv } from './tools.js';

/** What both ways of asking need. */
export interface Question {
  ctx: HostContext;
  step: StepScope;
  resolved: ResolvedEnvironment;
  cacheDir: string;
  interpreter: Interpreter;
  pins: Pin[];
}

/** A resolver call is one process and mostly waits for the index. */
const AT_ONCE = 2;
const PYLOCK = /^pylock(\.[^.]+)?\.toml$/;

/**
 * One verdict for each interpreter. A question that got no answer is an `error` in its verdict, never a missing wheel.
 * Throws `HostRefused` for a lock that is none.
 */
export async function assess(ctx: HostContext, step: StepScope, input: { env: EnvironmentRef; interpreters: Interpreter[] }): Promise<LockVerdict[]> {
  const resolved = resolveEnvironment(ctx, input.env);
  const { owner, project, settings } = resolved;
  const text = asOwner(owner, () => readFileSync(join(project, settings.lock), 'utf8'));
  if (PYLOCK.test(basename(settings.lock))) return assessPylock(text, input.interpreters);
  const { pins, problems } = parseRequirementsLock(text);
  if (problems.length > 0) throw refusal('HostRefused', ...problems);
  const uv = await findUv(ctx, owner);
  const cacheDir = ownerCache(ctx, owner, project);
  return mapParallel(input.interpreters, AT_ONCE, async (interpreter) => {
    const started = performance.now();
    const question: Question = { ctx, step, resolved, cacheDir, interpreter, pins };
    const verdict = uv ? await assessByUv(question, uv) : await assessByPip(question);
    return { ...verdict, durationMs: performance.now() - started };
  });
}

/** A lock that lists its own wheels needs no question at all. */
function assessPylock(text: string, interpreters: Interpreter[]): LockVerdict[] {
  const pylock = parsePylock(text);
  if (pylock.problems.length > 0) throw refusal('HostRefused', ...pylock.problems);
  return interpreters.map((interpreter) => judgeLock(pylock, interpreter));
}

/**
 * A lock with hashes allows its own files only. A pin that has a wheel on the index, but none the lock approved, is what
 * an installer would stop at: the whole verdict is a hash mismatch.
 */
export function judgeApproved(pylock: ReturnType<typeof parsePylock>, question: Question, refused: LockVerdict['pins']): LockVerdict {
  const approved = judgeLock(restrictToHashes(pylock, question.pins), question.interpreter, refused);
  const all = judgeLock(pylock, question.interpreter, refused);
  const lost = approved.missing.filter((project) => !all.missing.includes(project));
  if (lost.length === 0) return approved;
  return { ...approved, error: { class: 'HASH_MISMATCH', text: `${lost.join(', ')}: the index has a wheel for Python ${question.interpreter.version}, but none with a hash of the lock; write the lock again for this platform, or find out who changed the file` } };
}
