import type { Command } from 'commander';
import { CONTROL_QUEUE } from '../../../policy/names.js';
import type { UndoRequest } from '../../../policy/model.js';
import { follow, headLine, printEnd } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { runProcess } from '../processes.js';
import { newRunIds, startRun } from '../runs.js';
import { requireAgent, requireControlWorker, withClient } from '../temporal.js';
import { readTarget } from '../target.js';
import { detachOnInterrupt } from '../detach.js';

interface UndoOptions {
  reason: string;
  local?: boolean;
  json?: boolean;
}

/** As typed: `--due` needs neither target nor reason. */
interface TypedOptions extends Partial<UndoOptions> {
  due?: boolean;
  boot?: boolean;
}

/** `runbook undo PATH`: the way back of an environment's last change. */
export function undoCommand(program: Command, io: Io): void {
  program
    .command('undo [target]')
    .option('--reason <text>', 'why; it stands in the record')
    .option('--local', 'without any server, on this host: the agent\'s own record of the way back')
    .option('--due', 'with --local: everything on this host whose end has come; no target, no reason')
    .option('--boot', 'with --due, before any service was started: nothing is restarted where nothing runs')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExamples:\n  runbook undo /srv/pricer --reason "prices differ"\n  runbook undo /srv/pricer --local --reason "server is down"\n  runbook undo --due --local')
    .action(async (target: string | undefined, { reason, due, boot, ...rest }: TypedOptions, command: Command) => {
      const instance = findInstance();
      if (due || boot) {
        refuseWith({ target, reason, due, local: rest.local });
        process.exitCode = await runProcess('main-local-undo', ['--due', ...(boot ? ['--boot'] : []), ...(rest.json ? ['--json'] : [])], instance);
        return;
      }
      if (target === undefined) command.error("error: missing required argument 'target'");
      if (reason === undefined) command.error("error: required option '--reason <text>' not specified");
      const options: UndoOptions = { ...rest, reason };
      const env = readTarget(target, instance);
      if (options.local) process.exitCode = await runProcess('main-local-undo', [env.link, '--reason', options.reason, '--actor', instance.requester, ...(options.json ? ['--json'] : [])], instance);
      else process.exitCode = await startUndo(io, instance, 'undo', env, options);
    });
}

/** `--due` means all that is due on this host, and its reason is the end itself. */
function refuseWith({ target, reason, due, local }: { target: string | undefined; reason: string | undefined; due: boolean | undefined; local: boolean | undefined }): void {
  const got = !due ? '--boot without --due' : !local ? '--due without --local' : target !== undefined ? `--due with ${target}` : reason !== undefined ? '--due with --reason' : null;
  if (got) throw refusal([{ what: 'undo', expected: 'a target and a reason, or --due --local alone', got, wayOut: 'runbook undo --due --local takes back everything on this host whose end has come' }]);
}

/** Starts the undo (or the settling) of an environment and follows it; returns the exit code. */
export async function startUndo(io: Io, instance: Instance, mode: UndoRequest['mode'], env: UndoRequest['env'], { reason, json = false }: UndoOptions): Promise<number> {
  const { run, workflowId } = newRunIds('rollback', env);
  return withClient(instance, async (client) => {
    await Promise.all([requireControlWorker(client, instance.namespace, CONTROL_QUEUE), requireAgent(client, instance.namespace, env.host)]);
    await startRun(client, 'rollback', workflowId, { run, env, reason, requester: instance.requester, mode });
    if (!json) io.talk(headLine({ run, kind: 'rollback', env }, ''));
    const stop = detachOnInterrupt(io, run);
    const result = await follow({ io, client, workflowId, json });
    stop();
    return printEnd(io, result, { instance, workflowId, json });
  });
}
