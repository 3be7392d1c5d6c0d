import type { Command } from 'commander';
import { formatEnvironment } from '../../../policy/ids.js';
import type { RunView } from '../../../policy/run-view.js';
import { behindLeastPatch, behindText } from '../../../policy/security-patch.js';
import { askOptions } from '../asking.js';
import { createDevEnvironment } from '../dev-environment.js';
import { knownEnvironments, type KnownEnvironment } from '../environments.js';
import { readPolicy } from '../files.js';
import { findInstance, type Instance } from '../instance.js';
import { localTime, refusal, table, type Io } from '../io.js';
import { changeRequest, readDigest } from '../request.js';
import { recordsOf } from '../known-runs.js';
import { readTarget } from '../target.js';
import { placeOf, tilde } from '../words.js';
import { adoptCommand } from './env-adopt.js';
import { pruneCommand } from './env-prune.js';
import { resetCommand } from './env-reset.js';
import { carryOut, type RunOptions } from './run.js';

/** `runbook env list|create|adopt|reset|prune|history`. */
export function envCommand(program: Command, io: Io): void {
  const env = program.command('env');
  env
    .command('list')
    .description('environments on record, with the version that stands')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => listEnvironments(io, findInstance(), options.json ?? false));
  askOptions(env.command('create <path>'))
    .description('make an environment from the project\'s lock where there is none')
    .option('--to <version>', 'interpreter; default: the policy\'s primary')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--yes', 'agree to the plan without being asked')
    .option('--plan <digest>', 'with --yes: agree to this plan only (first 8 characters or more)')
    .option('--json', 'the result as JSON')
    .option('--profile <name>', 'dev: a developer\'s own .venv from the primary interpreter, by stock venv and pip; no server, no record')
    .addHelpText('after', '\nExamples:\n  runbook env create . --to 3.12\n  runbook env create . --profile dev')
    .action(async (target: string, options: RunOptions & { profile?: string }) => {
      const instance = findInstance();
      if (options.profile !== undefined) {
        refuseProfile(options);
        process.exitCode = await createDevEnvironment(io, instance, target, options.json ?? false);
        return;
      }
      readDigest(options.plan, `runbook plan change ${target} --create`);
      const { request, workflowId } = changeRequest(instance, 'change', readTarget(target, instance), { reason: 'environment made', ...options, create: true });
      process.exitCode = await carryOut(io, instance, request, workflowId, options);
    });
  adoptCommand(env, io);
  resetCommand(env, io);
  pruneCommand(env, io);
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
      for (const line of table(['WHEN', 'RUN', 'VERSIONS', 'ASKED BY', 'WHY'], history.map((v) => [localTime(v.changedAt ?? v.startedAt), v.run, versionsText(v), v.requester, v.reason]), 'start')) io.out(line);
    });
}

/** Only `dev`, and nothing beside it that speaks of a run. */
function refuseProfile({ profile, to, plan, sign, key, as }: RunOptions & { profile?: string }): void {
  const extra = Object.entries({ '--to': to, '--plan': plan, '--sign': sign, '--key': key, '--as': as }).find(([, value]) => value !== undefined)?.[0];
  const got = profile !== 'dev' ? profile! : extra === undefined ? null : `${extra} with it`;
  if (got !== null) throw refusal([{ what: '--profile', expected: 'dev alone: the primary interpreter, no run', got, wayOut: 'runbook env create PATH --profile dev' }]);
}

/** PV-34: one whose interpreter lacks security fixes is marked, and told below the list. */
function listEnvironments(io: Io, instance: Instance, json: boolean): void {
  const { policy } = readPolicy(instance.paths);
  const latest = knownEnvironments(instance, io.now().toISOString()).map((known) => ({ ...known, behind: known.version && behindLeastPatch(known.version, policy) }));
  if (json) return io.out(JSON.stringify(latest, null, 2));
  if (latest.length === 0) return io.out('no environment on record yet: runbook init PATH, then runbook env create PATH');
  for (const line of table(['VERSION', 'LAST RUN', 'WHEN', 'STATE', 'ENVIRONMENT'], latest.map((v) => [`${v.version ?? '—'}${v.behind ? ' !' : ''}`, v.run, localTime(v.startedAt), standingText(v), tilde(formatEnvironment(v))]))) io.out(line);
  for (const view of latest) if (view.behind) io.talk(`! ${placeOf(view, instance.host)}: ${behindText(view.version!, policy)}`);
}

/** EE-11: what stands for a time only says so, until when; else how the newest run ended. */
function standingText({ standing, outcome, phase }: KnownEnvironment): string {
  const { state, end } = standing;
  if (state === 'exception') return `exception to ${localTime(end!)}`;
  if (state === 'overdue') return `exception, over since ${localTime(end!)}`;
  return outcome ?? phase;
}

/** `3.12.11 → 3.13.9 → 3.12.11` for what went back. */
function versionsText({ from, to, exception, end }: RunView): string {
  const there = `${from ?? '—'} → ${to ?? '—'}`;
  if (exception?.reverted?.verified) return `${there} → ${exception.reverted.to ?? '—'}`;
  return end === null ? there : `${there} to ${localTime(end)}`;
}
