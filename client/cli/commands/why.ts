import { lstatSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { EnvironmentRef } from '../../../policy/model.js';
import { driftLine, otherThanLeft, putThereBy, runOfTree, whyLine, type Present } from '../../../policy/run-text.js';
import type { RunView } from '../../../policy/run-view.js';
import { standingOf, toldAt } from '../../../policy/standing.js';
import type { RecordsReader } from '../../../records/store.js';
import { findInstance } from '../instance.js';
import { localTime, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { readTarget } from '../target.js';

/** `runbook why TARGET`: which Python, since when, by which run, who allowed it, until when, then what. */
export function whyCommand(program: Command, io: Io): void {
  program
    .command('why <target>')
    .option('--json', 'the runs that changed it, newest first')
    .addHelpText('after', '\nExample:\n  runbook why web-01:/srv/pricer')
    .action((target: string, options: { json?: boolean }) => {
      const instance = findInstance();
      const env = readTarget(target, instance);
      const records = recordsOf(instance);
      const history = records?.historyOf(env.host, env.link) ?? [];
      const now = io.now().toISOString();
      const here = env.host === instance.host ? presentAt(env) : null;
      if (options.json) return io.out(JSON.stringify(history.map((view, at) => (at === 0 ? { ...view, standing: standingOf(history, now), live: here } : view)), null, 2));
      const other = here && otherThanLeft(history[0], here);
      const putThere = other ? putThereBy(builderOf(env, here, records), history[0]!, localTime) : '';
      io.out(whyLine({ history, formatTime: localTime, now, ...(here === null ? {} : { live: here.version }), ...(other === 'version' ? { putThere } : {}) }));
      if (other === 'tree') io.out(`what stands is another tree${here?.tree ? `, ${here.tree}` : ''}, ${putThere}`);
      const drift = driftLine(env, history[0] ? toldAt(history[0]) : '', (records?.entriesByEvent('changed') ?? []).map(({ entry }) => entry), localTime);
      if (drift !== null) io.out(drift);
    });
}

/** Version of the environment as its `pyvenv.cfg` says it, without starting anything; null where there is none. */
function versionAt({ link }: EnvironmentRef): string | null {
  try {
    const text = readFileSync(path.join(realpathSync(link), 'pyvenv.cfg'), 'utf8');
    return /^version(?:_info)?\s*=\s*(\S+)/m.exec(text)?.[1]?.replace(/\.final\.0$/, '') ?? null;
  } catch {
    return null;
  }
}

/** Version and tree of an environment of this host, without starting anything. */
function presentAt(env: EnvironmentRef): Present {
  return { version: versionAt(env), tree: treeAt(env) };
}

/** Name of the tree in `.venvs/` that the link leads to. */
function treeAt({ link }: EnvironmentRef): string | null {
  try {
    if (!lstatSync(link).isSymbolicLink()) return null;
    const [folder, name, ...deeper] = path.relative(path.dirname(link), path.resolve(path.dirname(link), readlinkSync(link))).split('/');
    return folder === '.venvs' && name !== undefined && deeper.length === 0 ? name : null;
  } catch {
    return null;
  }
}

/** The run that built what stands: of this project, on this host; null where none is on record. */
function builderOf({ host, link }: EnvironmentRef, { tree }: Present, records: RecordsReader | null): RunView | null {
  const run = runOfTree(tree);
  const named = run === null ? [] : (records?.runsNamed([run]) ?? []);
  return named.find((view) => view.host === host && path.dirname(view.link) === path.dirname(link) && view.changedAt !== null) ?? null;
}
