import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { EnvironmentRef } from '../../../policy/model.js';
import { driftLine, whyLine } from '../../../policy/run-text.js';
import { standingOf, toldAt } from '../../../policy/standing.js';
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
      if (options.json) return io.out(JSON.stringify(history.map((view, at) => (at === 0 ? { ...view, standing: standingOf(history, now) } : view)), null, 2));
      const live = env.host === instance.host ? { live: versionAt(env) } : {};
      io.out(whyLine({ history, formatTime: localTime, now, ...live }));
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
