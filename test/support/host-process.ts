/**
 * One host activity in a process of its own, so that a test can kill it at a named point and give the order again.
 * Argument: JSON {stateDir, agentFile, activity, args, attempt, dieAt}. Prints the answer or the failure as JSON.
 */
import { join } from 'node:path';
import { adoptLink } from '../../activities/host/adopt-link.js';
import { armUndo } from '../../activities/host/arm.js';
import { closeChange } from '../../activities/host/close.js';
import { configure } from '../../activities/host/configure.js';
import type { HostContext, StepScope } from '../../activities/host/context.js';
import { expireDue } from '../../activities/host/expiry.js';
import { acquireLease, holderEnded } from '../../activities/host/lease.js';
import { undoLocally } from '../../activities/host/local-undo.js';
import { settleRiders } from '../../activities/host/riders.js';
import { openAgentStore } from '../../activities/host/store.js';
import { switchLink } from '../../activities/host/switch.js';
import { undo } from '../../activities/host/undo.js';
import type { AgentFile } from '../../policy/files/agent-file.js';

export interface HostProcessInput {
  stateDir: string;
  host: string;
  agentFile: AgentFile;
  activity: string;
  args: unknown[];
  attempt: number;
  /**
   * Barrier at which the process kills itself; or `renamed`, `exchanged`: inside the transaction, right after the link
   * was turned or the directory adopted.
   */
  dieAt: string | null;
}

const input = JSON.parse(process.argv[2]!) as HostProcessInput;
const ctx: HostContext = {
  host: input.host,
  agentVersion: '0.0.0-test',
  agentFile: input.agentFile,
  stateDir: input.stateDir,
  store: openAgentStore(join(input.stateDir, 'agent.sqlite')),
  now: () => new Date(),
  barrier: async (point) => {
    if (point === input.dieAt) process.kill(process.pid, 'SIGKILL');
  },
};
if (input.dieAt?.endsWith(':renamed')) ctx.store.armed.setTurn = () => process.kill(process.pid, 'SIGKILL');
if (input.dieAt?.endsWith(':exchanged')) ctx.store.armed.adopt = () => process.kill(process.pid, 'SIGKILL');
const scope: StepScope = { attempt: input.attempt, signal: new AbortController().signal, heartbeat: () => {} };
type Activity = (ctx: HostContext, step: StepScope, ...args: never[]) => Promise<unknown>;
const activities: Record<string, Activity> = {
  adoptLink, armUndo, switchLink, undo, closeChange, configure, settleRiders, acquireLease, holderEnded,
  expireDue: (context: HostContext) => expireDue(context, scope.signal),
  undoLocally: (context: HostContext, _step: StepScope, ...[link, reason]: [string, string]) => undoLocally(context, link, reason, 'test'),
};
try {
  const answer = await activities[input.activity]!(ctx, scope, ...(input.args as never[]));
  process.stdout.write(JSON.stringify({ answer }));
} catch (error) {
  const { message, type, details } = error as { message: string; type?: string; details?: unknown[] };
  process.stdout.write(JSON.stringify({ failure: { message, type, details } }));
}
ctx.store.close();
