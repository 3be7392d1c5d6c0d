/** Starting what tidies up an environment, and following it. */
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { EnvironmentRef } from '../../policy/model.js';
import type { TidyRequest } from '../../workflows/environment-tidy.js';
import { detachOnInterrupt } from './detach.js';
import { readPolicy } from './files.js';
import { follow, headLine, printEnd } from './follow.js';
import type { Instance } from './instance.js';
import type { Io } from './io.js';
import { newRunIds, startRun } from './runs.js';
import { requireAgent, requireControlWorker, withClient } from './temporal.js';

export interface TidyOptions {
  reason?: string;
  json?: boolean;
}

const REASON: Record<TidyRequest['mode'], string> = { prune: 'trees that nothing needs', adopt: 'to be kept by runbook' };

/** Returns the exit code. Nothing is asked: what stands stays what it is. */
export async function tidy(io: Io, instance: Instance, mode: TidyRequest['mode'], env: EnvironmentRef, { reason = REASON[mode], json = false }: TidyOptions): Promise<number> {
  const { run, workflowId } = newRunIds('change', env);
  const request: TidyRequest = { run, env, mode, reason, requester: instance.requester, policyDigest: readPolicy(instance.paths).digest };
  return withClient(instance, async (client) => {
    await Promise.all([requireControlWorker(client, instance.namespace, CONTROL_QUEUE), requireAgent(client, instance.namespace, env.host)]);
    await startRun(client, 'change', workflowId, request, 'environmentTidy');
    if (!json) io.talk(headLine({ run, kind: 'change', env }, mode));
    const stop = detachOnInterrupt(io, run);
    const result = await follow({ io, client, workflowId, json });
    stop();
    return printEnd(io, result, { instance, workflowId, json });
  });
}
