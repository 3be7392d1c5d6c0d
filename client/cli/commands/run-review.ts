/** `runbook run interpreter-change`: shows what will be reviewed, asks with a signature, starts, follows. */
import { CONTROL_QUEUE } from '../../../policy/names.js';
import { agreed } from '../agreeing.js';
import { signRequest } from '../asking.js';
import { detached, detachOnInterrupt } from '../detach.js';
import { readPolicy } from '../files.js';
import { follow, headLine, printEnd } from '../follow.js';
import { identify, signQuestion, type KeyOptions } from '../identity.js';
import type { Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { requireReviewable, reviewLines, reviewRequest, type ReviewWords } from '../review.js';
import { startRun } from '../runs.js';
import { requireControlWorker, withClient } from '../temporal.js';
import { voterTeller } from '../voters.js';

export interface ReviewOptions extends ReviewWords, KeyOptions {
  yes?: boolean;
  detach?: boolean;
  json?: boolean;
}

/** Returns the exit code. `targets`: `HOST:PATH[,HOST:PATH…]`, the environments it is for (AP-13). */
export async function askForReview(io: Io, instance: Instance, targets: string, options: ReviewOptions): Promise<number> {
  const json = options.json ?? false;
  const { request: unsigned, workflowId } = reviewRequest(instance, targets, options);
  const { policy } = readPolicy(instance.paths);
  const asker = await identify(io, instance, options);
  const request = { ...unsigned, requester: asker.person };
  const t = io.now().toISOString();
  requireReviewable(request, policy, t);
  if (!json) for (const line of reviewLines(request, policy, t)) io.out(line);
  return withClient(instance, async (client) => {
    await requireControlWorker(client, instance.namespace, CONTROL_QUEUE);
    if (!options.yes && !(await agreed(io, signQuestion('Sign and ask', asker), 'nothing was started'))) return EXIT.no;
    await startRun(client, request.kind, workflowId, { ...request, asked: await signRequest(io, instance, asker, request, workflowId) });
    if (!json) io.talk(headLine(request, `${request.from} → ${request.to}  (${policy.interpreterChange.steps.length} steps)`));
    if (options.detach) return detached(io, request.run, json);
    const stop = detachOnInterrupt(io, request.run);
    const result = await follow({ io, client, workflowId, json, withVoters: voterTeller(instance, io.now) });
    stop();
    return printEnd(io, result, { instance, workflowId, json });
  });
}

/** `--from` has a meaning for a review alone. */
export function refuseFrom(kind: string, from: string | undefined): void {
  if (from !== undefined) throw refusal([{ what: `--from for kind ${kind}`, expected: 'it with kind interpreter-change only', got: from, wayOut: `runbook run ${kind} PATH --to VERSION` }]);
}
