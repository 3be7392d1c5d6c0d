/** Binds the host's functions to Temporal: attempt, cancellation and heartbeat come from the activity that runs them. */
import { Context, type Info } from '@temporalio/activity';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities, Order } from './contract.js';
import { adoptLink } from './adopt-link.js';
import { armUndo } from './arm.js';
import { assess } from './assess.js';
import { buildWheels } from './build-wheels.js';
import { cleanProject } from './clean-project.js';
import { closeChange } from './close.js';
import { configure } from './configure.js';
import { diagnose } from './diagnose.js';
import { resetsOf } from './executions.js';
import { keep } from './keep.js';
import { acquireLease, describeLease, holderEnded } from './lease.js';
import { look } from './look.js';
import { measure } from './measure.js';
import { makePermanent } from './permanent.js';
import { prepare } from './prepare.js';
import { probeLive } from './probe-live.js';
import { proposeLocks } from './propose-locks.js';
import { rehearse } from './rehearse.js';
import { settleRiders } from './riders.js';
import { switchLink } from './switch.js';
import { undo } from './undo.js';
import { verifyTree } from './verify.js';
import { verifyLink } from './verify-link.js';
import { nextEvent } from './watch.js';
import { writeDocuments } from './write-documents.js';

type Bound<A extends unknown[], R> = (ctx: HostContext, step: StepScope, ...args: A) => Promise<R>;

/** Each time an order is given anew after silence, its attempts begin a thousand higher: older ones are fenced off. */
const ATTEMPTS_PER_ISSUE = 1000;
/** The same for a run that was reset while its older execution's order is still under way. */
const ATTEMPTS_PER_EXECUTION = 1_000_000;

/**
 * Orders whose work is a child process: only that child's life is a heartbeat, so that a stopped installer is noticed.
 * The others beat by themselves every 2 s.
 */
const BEATS_WITH_ITS_CHILD: ReadonlySet<keyof HostActivities> = new Set<keyof HostActivities>(['prepare', 'verifyTree', 'buildWheels', 'measure', 'nextEvent']);
const BEAT_MS = 2_000;

/** The agent's activities on one host. */
export function createHostActivities(ctx: HostContext): HostActivities {
  const bind = <A extends unknown[], R>(name: keyof HostActivities, act: Bound<A, R>) => (...args: A) => inScope(ctx, name, args, (scope) => act(ctx, scope, ...args));
  return {
    ping: async () => ({ agentVersion: ctx.agentVersion }),
    look: bind('look', look),
    assess: bind('assess', assess),
    probeLive: bind('probeLive', probeLive),
    diagnose: bind('diagnose', diagnose),
    buildWheels: bind('buildWheels', (ctx, scope, input: Parameters<HostActivities['buildWheels']>[0]) => buildWheels(ctx, scope, input)),
    proposeLocks: bind('proposeLocks', proposeLocks),
    measure: bind('measure', measure),
    cleanProject: bind('cleanProject', cleanProject),
    acquireLease: bind('acquireLease', acquireLease),
    describeLease: bind('describeLease', describeLease),
    holderEnded: bind('holderEnded', holderEnded),
    armUndo: bind('armUndo', armUndo),
    prepare: bind('prepare', prepare),
    verifyTree: bind('verifyTree', verifyTree),
    adoptLink: bind('adoptLink', adoptLink),
    switchLink: bind('switchLink', switchLink),
    settleRiders: bind('settleRiders', settleRiders),
    verifyLink: bind('verifyLink', verifyLink),
    configure: bind('configure', configure),
    writeDocuments: bind('writeDocuments', writeDocuments),
    undo: bind('undo', undo),
    keep: bind('keep', keep),
    rehearse: bind('rehearse', rehearse),
    makePermanent: bind('makePermanent', makePermanent),
    closeChange: bind('closeChange', closeChange),
    nextEvent: bind('nextEvent', nextEvent),
  };
}

/** Later executions of a chain beat earlier ones, later issues of an order earlier ones, later attempts earlier ones. */
function attemptOf(ctx: HostContext, order: Partial<Order> | undefined, { attempt, workflowExecution }: Info): number {
  const resets = isOrder(order) && workflowExecution ? resetsOf(ctx, order, workflowExecution.runId) : 0;
  return resets * ATTEMPTS_PER_EXECUTION + (order?.reissued ?? 0) * ATTEMPTS_PER_ISSUE + attempt;
}

const isOrder = (order: Partial<Order> | undefined): order is Order => order?.chain !== undefined && order.seq !== undefined;

async function inScope<R>(ctx: HostContext, name: keyof HostActivities, args: unknown[], act: (scope: StepScope) => Promise<R>): Promise<R> {
  const context = Context.current();
  const order = args[0] as Partial<Order> | undefined;
  const scope: StepScope = {
    attempt: attemptOf(ctx, order, context.info),
    signal: context.cancellationSignal,
    heartbeat: (detail) => context.heartbeat(detail),
  };
  const beat = BEATS_WITH_ITS_CHILD.has(name) ? null : setInterval(() => scope.heartbeat(), BEAT_MS);
  try {
    return await act(scope);
  } finally {
    if (beat) clearInterval(beat);
  }
}
