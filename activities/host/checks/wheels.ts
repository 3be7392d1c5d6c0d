/** PF-22: which packages of the lock have no wheel for this interpreter, by the index this host uses. */
import { join } from 'node:path';
import { judgeLock } from '../../../policy/assess.js';
import { parseRequirementsLock } from '../../../policy/lock.js';
import type { Interpreter, LockVerdict } from '../../../policy/model.js';
import { parsePylock } from '../../../policy/pylock.js';
import { assessByPip } from '../assess-pip.js';
import type { Question } from '../assess-question.js';
import { assessByUv } from '../assess-uv.js';
import { probeInterpreter } from '../interpreters.js';
import { findUv } from '../tools.js';
import { scopeOf, starterOf, type Measuring } from './context.js';
import { isPylock } from './lock-facts.js';
import { LARGEST, projectFile } from './project-files.js';

/** Throws where the question got no answer: that is no missing wheel. `executable`: of the interpreter the environment was made from. */
export async function measureWheels(measuring: Measuring, executable: string): Promise<{ missing: string[]; total: number }> {
  const interpreter = await probeInterpreter(measuring.ctx, executable);
  if (interpreter === null) throw new Error(`${executable} can't be asked which wheels it takes`);
  const { pins, missing, error } = await ask(measuring, interpreter);
  if (error !== null) throw new Error(`${error.class}: ${error.text}`);
  return { missing, total: pins.length };
}

async function ask(measuring: Measuring, interpreter: Interpreter): Promise<LockVerdict> {
  const { ctx, place } = measuring;
  const { project, link, settings } = place;
  const owner = starterOf(measuring);
  const isStandard = isPylock(settings.lock);
  const text = projectFile(place, settings.lock)?.read(isStandard ? LARGEST.pylock : LARGEST.lock).toString('utf8');
  if (text === undefined) throw new Error(`there is no ${settings.lock}`);
  const { problems } = isStandard ? parsePylock(text) : parseRequirementsLock(text);
  if (problems[0]) throw new Error(`${problems[0].what}: expected ${problems[0].expected}, got ${problems[0].got}`);
  if (isStandard) return judgeLock(parsePylock(text), interpreter);
  const resolved: Question['resolved'] = { env: { host: ctx.host, link }, project, link, venvsDir: join(project, '.venvs'), owner, unit: { link, onSwitch: 'idle', units: [] }, settings };
  const { pins } = parseRequirementsLock(text);
  // One that stands alone installs no uv for a single question.
  const uv = ctx.standsAlone ? null : await findUv(ctx, owner);
  const { ownerCache } = await import('../owner-cache.js');
  const question: Question = { ctx, step: scopeOf(measuring), resolved, cacheDir: ownerCache(ctx, owner, project), interpreter, pins };
  return uv ? assessByUv(question, uv) : assessByPip(question);
}
