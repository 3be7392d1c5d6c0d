/** Judges the project's lock for interpreters: which wheel each pin would get, or why it gets none. Changes nothing. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digestOf } from '../../policy/canonical.js';
import { judgeLock } from '../../policy/assess.js';
import { parseRequirementsLock } from '../../policy/lock.js';
import type { EnvironmentRef, Interpreter, LockVerdict } from '../../policy/model.js';
import { parsePylock } from '../../policy/pylock.js';
import { assessByPip } from './assess-pip.js';
import { withWheelhouse, type Question } from './assess-question.js';
import { assessByUv } from './assess-uv.js';
import type { HostContext, StepScope } from './context.js';
import { asOwner } from './owner.js';
import { ownerCache } from './owner-cache.js';
import { mapParallel } from './parallel.js';
import { resolveEnvironment } from './paths.js';
import { refusal } from './refuse.js';
import { findUv } from './tools.js';
import { requireKnownInterpreters } from './unsigned-input.js';
import { folderDigest, recordedWheels, type RecordedWheel } from './wheelhouse.js';

/** A resolver call is one process and mostly waits for the index. */
const AT_ONCE = 2;
/** Names of locks that list their own wheels. */
export const PYLOCK = /^pylock(\.[^.]+)?\.toml$/;

/**
 * One verdict for each interpreter. A question that got no answer is an `error` in its verdict, never a missing wheel.
 * Throws `HostRefused` for a lock that is none.
 */
export async function assess(ctx: HostContext, step: StepScope, input: { env: EnvironmentRef; interpreters: Interpreter[] }): Promise<LockVerdict[]> {
  // A plan asks about one interpreter, an assessment about several.
  await ctx.barrier(input.interpreters.length > 1 ? 'assess:started' : 'plan:started');
  const resolved = resolveEnvironment(ctx, input.env);
  const { owner, project, settings } = resolved;
  await requireKnownInterpreters(ctx, owner, input.interpreters);
  const text = asOwner(owner, () => readFileSync(join(project, settings.lock), 'utf8'));
  const { findLinks } = ctx.agentFile.index;
  const recorded = findLinks === undefined ? [] : recordedWheels(findLinks);
  if (PYLOCK.test(basename(settings.lock))) return assessPylock(text, input.interpreters, recorded);
  const { pins, problems } = parseRequirementsLock(text);
  if (problems.length > 0) throw refusal('HostRefused', ...problems);
  const uv = await findUv(ctx, owner);
  const cacheDir = ownerCache(ctx, owner, project);
  const asked = recorded.length === 0 ? ctx : indexAlone(ctx);
  const wheels = findLinks === undefined ? '' : folderDigest(findLinks);
  return mapParallel(input.interpreters, AT_ONCE, (interpreter) => {
    const question: Question = { ctx: asked, step, resolved, cacheDir, interpreter, pins };
    return remembered(ctx, digestOf([text, interpreter, uv?.file ?? 'pip', ctx.agentFile.index, wheels]), async () => {
      const started = performance.now();
      const verdict = uv ? await assessByUv(question, uv) : await assessByPip(question);
      return { ...withWheelhouse(verdict, question, recorded), durationMs: performance.now() - started };
    });
  });
}

/** A folder with records is a wheelhouse: of it only recorded wheels count, so the question goes to the index without it. */
function indexAlone(ctx: HostContext): HostContext {
  const { findLinks: _, ...index } = ctx.agentFile.index;
  return { ...ctx, agentFile: { ...ctx.agentFile, index } };
}

/** One run asks up to four times: for its plan, its assessment and again under the lease. Wheels appear later, so not for long. */
const REMEMBERED_MS = 5 * 60_000;
const answers = new WeakMap<HostContext, Map<string, { verdict: LockVerdict; until: number }>>();

/** The answer to the same question of the last five minutes; never one that was an error. */
async function remembered(ctx: HostContext, key: string, ask: () => Promise<LockVerdict>): Promise<LockVerdict> {
  const known = answers.get(ctx) ?? new Map<string, { verdict: LockVerdict; until: number }>();
  answers.set(ctx, known);
  const now = ctx.now().getTime();
  for (const [old, { until }] of known) if (until <= now || until > now + REMEMBERED_MS) known.delete(old);
  const found = known.get(key);
  if (found) return found.verdict;
  const verdict = await ask();
  if (verdict.error === null) known.set(key, { verdict, until: now + REMEMBERED_MS });
  return verdict;
}

/** A lock that lists its own wheels needs no question at all. */
function assessPylock(text: string, interpreters: Interpreter[], recorded: readonly RecordedWheel[]): LockVerdict[] {
  const pylock = parsePylock(text);
  if (pylock.problems.length > 0) throw refusal('HostRefused', ...pylock.problems);
  const pins = pylock.packages.map((one) => ({ project: one.project, version: one.version, hashes: one.sdist === null ? [] : [`sha256:${one.sdist.sha256}`], marker: one.marker, line: 0 }));
  return interpreters.map((interpreter) => withWheelhouse(judgeLock(pylock, interpreter), { interpreter, pins }, recorded));
}
