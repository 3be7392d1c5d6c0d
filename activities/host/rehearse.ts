/** The way back of a change that ends by itself, proven again before its end: nothing is changed by it. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isExecutable } from '../executable.js';
import { ConfigTextError } from './config-text.js';
import { readConfig } from './configure.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { endsByItself, isStanding } from './ends.js';
import { keepsOwner, projectFile } from './files.js';
import { treeInterpreter } from './interpreters.js';
import { namedDifferences } from './manifest-compare.js';
import { takeManifest } from './manifest.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import { processRiders } from './riders.js';
import type { ArmedRow } from './store-armed.js';

type Rehearsed = Awaited<ReturnType<HostActivities['rehearse']>>;

/**
 * Whether the undo of a standing change would come to a verified end now: every file of the undo target as it was armed, its
 * interpreter runs, what runs from the environment can be restarted, edited files can be edited back. `problem` says what not.
 */
export async function rehearse(ctx: HostContext, step: StepScope, { env, chain }: Parameters<HostActivities['rehearse']>[0]): Promise<Rehearsed> {
  const began = performance.now();
  const place = resolvePlace(ctx, env);
  const row = ctx.store.armed.get(chain);
  const answer = (fields: Partial<Rehearsed>): Rehearsed => ({ known: true, ok: false, problem: '', version: null, end: null, workMs: performance.now() - began, ...fields });
  if (!row || row.link !== place.link || !endsByItself(row) || row.undone) return answer({ known: false, problem: `${env.link}: no change of this run ends by itself here` });
  if (!isStanding(place, row)) return answer({ known: false, end: row.end, problem: `${env.link} does not lead to what ${row.run} made any more` });
  const target = await targetProblems(ctx, step, place, row);
  const problems = [...target.problems, ...riderProblems(ctx, place, row), ...editProblems(ctx, place, chain)];
  return answer({ ok: problems.length === 0, problem: problems.join('; '), version: target.version, end: row.end });
}

async function targetProblems(ctx: HostContext, step: StepScope, { venvsDir, owner }: Place, armed: ArmedRow): Promise<{ version: string | null; problems: string[] }> {
  if (armed.undoTarget === null) return { version: null, problems: [] };
  const tree = join(venvsDir, armed.undoTarget);
  if (!asOwner(owner, () => lstatSync(tree, { throwIfNoEntry: false })?.isDirectory())) return { version: null, problems: [`${tree}: expected the environment to go back to, got nothing there`] };
  const [interpreter, manifest] = await Promise.all([
    treeInterpreter(ctx, tree, owner),
    takeManifest(ctx, { tree, owner, scope: armed.manifestScope, record: false, step }),
  ]);
  const problems: string[] = [];
  if (!interpreter.runs) problems.push(interpreter.problem);
  else if (interpreter.version !== armed.version) problems.push(`${tree}: expected Python ${armed.version}, got ${interpreter.version}`);
  if (manifest.digest !== armed.manifestDigest) problems.push(`${tree}: expected manifest ${armed.manifestDigest.slice(0, 12)}, as armed, got ${manifest.digest.slice(0, 12)}${namedDifferences(ctx, armed.manifestDigest, manifest.digest)}`);
  return { version: interpreter.version, problems };
}

/** What runs must be restarted at the end by commands that are there; with `idle` nothing may run then. */
function riderProblems(ctx: HostContext, place: Place, { switchingTo }: ArmedRow): string[] {
  const { link, unit: { onSwitch, units } } = place;
  if (onSwitch === 'tolerate') return [];
  const running = processRiders(ctx, place, [link, join(place.venvsDir, switchingTo!)]).filter((rider) => rider.kind === 'process');
  const named = running.slice(0, 5).map((rider) => `${rider.id} (${rider.what})`).join(', ');
  if (onSwitch === 'idle') return running.length === 0 ? [] : [`${link}: onSwitch is idle, and ${named} runs from it: stop it before the end, or name its units and "onSwitch: restart" in the agent file`];
  if (units.length === 0 && running.length > 0) return [`${link}: ${named} runs from it, and no unit is named in the agent file that could be restarted`];
  return units.flatMap(({ name, restart: [file] }) => (isExecutable(file!) ? [] : [`unit ${name}: expected an executable ${file}, got none`]));
}

/** Files that can't be edited back. A key that somebody else changed since is none: it stays theirs. */
function editProblems(ctx: HostContext, place: Place, chain: string): string[] {
  return [...new Set(ctx.store.edits.of(chain).map((row) => row.path))].flatMap((path) => {
    try {
      const file = projectFile(place, path);
      return readConfig(place, file) === null || keepsOwner(place, file) ? [] : [`${path}: expected a file of user ${place.owner.name}, got another user's`];
    } catch (error) {
      // Unreadable as text: left as it is, and said; anything else keeps the old values from coming back.
      return error instanceof ConfigTextError ? [] : [`${path}: ${(error as Error).message}`];
    }
  });
}
