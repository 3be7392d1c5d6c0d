import type { Command } from 'commander';
import { formatEnvironment } from '../../../policy/ids.js';
import { behindLeastPatch, behindText } from '../../../policy/security-patch.js';
import { knownEnvironments } from '../environments.js';
import { readPolicy } from '../files.js';
import { findInstance, type Instance } from '../instance.js';
import { localTime, table, type Io } from '../io.js';
import { changeRequest } from '../request.js';
import { recordsOf } from '../known-runs.js';
import { readTarget } from '../target.js';
import { placeOf, tilde } from '../words.js';
import { resetCommand } from './env-reset.js';
import { carryOut, type RunOptions } from './run.js';

/** `runbook env list|create|reset|history`. */
export function envCommand(program: Command, io: Io): void {
  const env = program.command('env');
  env
    .command('list')
    .description('environments on record, with the version that stands')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => listEnvironments(io, findInstance(), options.json ?? false));
  env
    .command('create <path>')
    .description('make an environment from the project\'s lock where there is none')
    .option('--to <version>', 'interpreter; default: the policy\'s primary')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--yes', 'agree to the plan without being asked')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExample:\n  runbook env create . --to 3.12')
    .action(async (target: string, options: RunOptions) => {
      const instance = findInstance();
      const { request, workflowId } = changeRequest(instance, 'change', readTarget(target, instance), { reason: 'environment made', ...options, create: true });
      process.exitCode = await carryOut(io, instance, request, workflowId, options);
    });
  resetCommand(env, io);
  env
    .command('history <target>')
    .description('which runs changed it, newest first')
    .option('--json', 'as JSON')
    .action((target: string, options: { json?: boolean }) => {
      const instance = findInstance();
      const ref = readTarget(target, instance);
      const history = recordsOf(instance)?.historyOf(ref.host, ref.link) ?? [];
      if (options.json) return io.out(JSON.stringify(history, null, 2));
      if (history.length === 0) return io.out('no run on record changed it');
      for (const line of table(['WHEN', 'RUN', 'VERSIONS', 'ASKED BY', 'WHY'], history.map((v) => [localTime(v.changedAt ?? v.startedAt), v.run, `${v.from ?? '—'} → ${v.to ?? '—'}`, v.requester, v.reason]), 'start')) io.out(line);
    });
}

/** PV-34: one whose interpreter lacks security fixes is marked, and told below the list. */
function listEnvironments(io: Io, instance: Instance, json: boolean): void {
  const { policy } = readPolicy(instance.paths);
  const latest = knownEnvironments(instance).map((known) => ({ ...known, behind: known.version && behindLeastPatch(known.version, policy) }));
  if (json) return io.out(JSON.stringify(latest, null, 2));
  if (latest.length === 0) return io.out('no environment on record yet: runbook init PATH, then runbook env create PATH');
  for (const line of table(['VERSION', 'LAST RUN', 'WHEN', 'STATE', 'ENVIRONMENT'], latest.map((v) => [`${v.version ?? '—'}${v.behind ? ' !' : ''}`, v.run, localTime(v.startedAt), v.outcome ?? v.phase, tilde(formatEnvironment(v))]))) io.out(line);
  for (const view of latest) if (view.behind) io.talk(`! ${placeOf(view, instance.host)}: ${behindText(view.version!, policy)}`);
}
