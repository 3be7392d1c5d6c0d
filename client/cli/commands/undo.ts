import type { Command } from 'commander';
import { CONTROL_QUEUE } from '../../../policy/names.js';
import type { UndoRequest } from '../../../policy/model.js';
import { follow, headLine, printEnd } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import type { Io } from '../io.js';
import { runProcess } from '../processes.js';
import { newRunIds, startRun } from '../runs.js';
import { requireAgent, requireControlWorker, withClient } from '../temporal.js';
import { readTarget } from '../target.js';
import { detachOnInterrupt } from './run.js';

interface UndoOptions {
  reason: string;
  local?: boolean;
  json?: boolean;
}

/** `runbook undo PATH`: the way back of an environment's last change. */
export function undoCommand(program: Command, io: Io): void {
  program
    .command('undo <target>')
    .requiredOption('--reason <text>', 'why; it stands in the record')
    .option('--local', 'without any server, on this host: the agent\'s own record of the way back')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExamples:\n  runbook undo /srv/pricer --reason "prices differ"\n  runbook undo /srv/pricer --local --reason "server is down"')
    .action(async (target: string, options: UndoOptions) => {
      const instance = findInstance();
      const env = readTarget(target, instance);
      if (options.local) process.exitCode = await runProcess('main-local-undo', [env.link, '--reason', options.reason, '--actor', instance.requester, ...(options.json ? ['--json'] : [])], instance);
      else process.exitCode = await startUndo(io, instance, 'undo', env, options);
    });
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
