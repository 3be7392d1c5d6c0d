/** Judges the project's lock for interpreters: which wheel each pin would get, or why it gets none. Changes nothing. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { judgeLock } from '../../policy/assess.js';
import { parseRequirementsLock } from '../../policy/lock.js';
import type { EnvironmentRef, Interpreter, LockVerdict } from '../../policy/model.js';
import { parsePylock } from '../../policy/pylock.js';
import { assessByPip } from './assess-pip.js';
import type { Question } from './assess-question.js';
import { assessByUv } from './assess-uv.js';
import type { HostContext, StepScope } from './context.js';
import { asOwner } from './owner.js';
import { ownerCache } from './owner-cache.js';
import { mapParallel } from './parallel.js';
import { resolveEnvironment } from './paths.js';
import { refusal } from './refuse.js';
import { findUv } from './tools.js';

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
