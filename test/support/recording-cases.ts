/** What is recorded of each workflow: every way a run of this version can end, each from a real run. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Started } from '../../client/cli/runs.js';
import { NO_PLAN_YET } from '../../policy/names.js';
import { hostWatchId, parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import { poll } from './instance.js';
import { LOCK, type Stage } from './recording.js';
import { APPROVALS } from './recording-approvals.js';
import { CHECKS } from './recording-checks.js';
import { changePolicy } from './voting.js';

/** Workflow ids by the names of the histories they are kept as. */
type Recorded = Record<string, string>;

export interface Case {
  /** WORKFLOW--WHAT, each a file. */
  names: string[];
  record(stage: Stage): Promise<Recorded>;
}

const one = (name: string, record: (stage: Stage) => Promise<string>): Case => ({ names: [name], record: async (stage) => ({ [name]: await record(stage) }) });

/** The change that a fallback orders. */
const childOf = ({ workflowId }: Started): string => {
  const { env, ulid } = parseWorkflowId(workflowId)!;
  return workflowIdOf('change', env, ulid);
};

const CHANGES: Case[] = [
  one('environment-change--made-new', async ({ it }) => it.records().listRuns({}).find((run) => run.from === null && run.outcome === 'done')!.workflowId),
  one('environment-change--refused-by-the-host', async (stage) =>
    stage.ended(await stage.start('change', { reason: 'outside the roots', env: { host: stage.it.env.host, link: '/srv/elsewhere/.venv' } }), 'refused')),
  one('environment-change--refused-for-a-foreign-link', async (stage) =>
    stage.ended(await stage.start('change', { reason: 'a link of somebody else', env: stage.foreignProject('foreign', 'link') }), 'refused')),
  one('environment-change--refused-at-plan', async (stage) => {
    stage.it.lock(LOCK.oldOnly);
    return stage.ended(await stage.start('change', { reason: 'beta has no wheel', to: stage.it.primary.version }), 'refused');
  }),
  one('environment-change--refused-for-another-plan', async (stage) => {
    stage.it.lock(LOCK.both);
    return stage.ended(await stage.start('change', { reason: 'agreed to something else', to: stage.other, planDigest: 'e'.repeat(64) }), 'refused');
  }),
  one('environment-change--done', async (stage) => {
    stage.it.lock(LOCK.newer);
    return stage.ended(await stage.start('change', { reason: 'alpha 1.1', to: stage.other }), 'done');
  }),
  one('environment-change--not-needed', async (stage) => {
    stage.it.lock(LOCK.both);
    const to = stage.other;
    await stage.ended(await stage.start('change', { reason: 'first', to }), 'done');
    return stage.ended(await stage.start('change', { reason: 'the same again', to }), 'not-needed');
  }),
  one('environment-change--done-with-the-agent-killed', async (stage) => {
    stage.it.barrier.arm('prepare:installed');
    const started = await stage.start('change', { reason: 'agent dies', to: stage.other });
    await stage.at('prepare:installed', async (agent) => process.kill(agent, 'SIGKILL'));
    return stage.ended(started, 'done');
  }),
  one('environment-change--rolled-back-by-failing-tests', async (stage) => {
    const back = stage.tests(['-c', 'raise SystemExit("1 failed")']);
    const id = await stage.ended(await stage.start('change', { reason: 'its tests fail', to: stage.other }), 'rolled-back');
    back();
    return id;
  }),
  one('environment-change--aborted-during-prepare', async (stage) => {
    stage.it.barrier.arm('prepare:started');
    const started = await stage.start('change', { reason: 'to be stopped', to: stage.other });
    await stage.at('prepare:started', async () => {
      await stage.abort(started, 'alice');
      await stage.abort(started, 'carol');
    });
    return stage.ended(started, 'rolled-back');
  }),
  one('environment-change--aborted-as-a-step-ended', async (stage) => {
    stage.it.barrier.arm('prepare:receipt');
    const started = await stage.start('change', { reason: 'to be stopped with its tree ready', to: stage.other });
    await stage.at('prepare:receipt', () => stage.abort(started, 'alice'));
    return stage.ended(started, 'rolled-back');
  }),
  one('environment-change--cancelled-during-prepare', async (stage) => {
    stage.it.barrier.arm('prepare:started');
    const started = await stage.start('change', { reason: 'to be cancelled', to: stage.other });
    await stage.at('prepare:started', () => started.handle.cancel());
    return stage.ended(started, 'rolled-back');
  }),
  one('environment-change--rolled-back-by-an-unhealthy-service', async (stage) => {
    const started = await stage.start('change', { reason: 'the service is ill on it', to: stage.other });
    stage.wellOnlyOn(stage.tree);
    const id = await stage.ended(started, 'rolled-back');
    stage.wellOnlyOn(null);
    return id;
  }),
  one('environment-change--rolled-back-by-a-changed-tree', async (stage) => {
    stage.it.barrier.arm('verify link:intent');
    const started = await stage.start('change', { reason: 'somebody edits the new tree', to: stage.other });
    await stage.at('verify link:intent', async () => stage.tamper(stage.tree));
    return stage.ended(started, 'rolled-back');
  }),
];

const MEASURED: Case[] = [
  one('environment-change--rolled-back-for-its-speed', async (stage) => {
    stage.it.lock(LOCK.both);
    const to = stage.other;
    const back = stage.timed(to, 2);
    const id = await stage.ended(await stage.start('change', { reason: 'too slow for the project', to }), 'rolled-back');
    back();
    return id;
  }),
  one('environment-change--done-and-timed', async (stage) => {
    const back = stage.timed(stage.it.version(), 2);
    const id = await stage.ended(await stage.start('change', { reason: 'fast enough for the project', to: stage.other }), 'done');
    back();
    return id;
  }),
  one('environment-change--rebuilt-and-cleaned', async (stage) =>
    stage.ended(await stage.start('change', { reason: 'a reset', to: stage.it.version(), patch: { rebuild: true, cleanProject: true } }), 'done')),
];

const LEASES: Case[] = [
  {
    names: ['environment-change--waited-for-another-run', 'environment-change--aborted-while-another-waits'],
    async record(stage) {
      stage.it.barrier.arm('prepare:started');
      const first = await stage.start('change', { reason: 'first in line', to: stage.other });
      await stage.it.barrier.reached('prepare:started');
      const second = await stage.start('change', { reason: 'second in line', to: stage.other });
      await stage.waiting(second);
      await stage.at('prepare:started', () => stage.abort(first, 'alice'));
      return { 'environment-change--aborted-while-another-waits': await stage.ended(first, 'rolled-back'), 'environment-change--waited-for-another-run': await stage.ended(second, 'done') };
    },
  },
  one('environment-change--refused-at-arming', async (stage) => {
    stage.it.barrier.arm('prepare:started');
    const first = await stage.start('change', { reason: 'first in line', to: stage.other });
    await stage.it.barrier.reached('prepare:started');
    const second = await stage.start('change', { reason: 'planned for what will be gone', to: stage.other });
    await stage.waiting(second);
    await stage.at('prepare:started', async () => undefined);
    await stage.ended(first, 'done');
    return stage.ended(second, 'refused');
  }),
  one('environment-change--after-a-holder-that-ended', async (stage) => {
    stage.it.barrier.arm('prepare:started');
    const first = await stage.start('change', { reason: 'to be terminated', to: stage.other });
    await stage.it.barrier.reached('prepare:started');
    await first.handle.terminate('by hand');
    const second = await stage.start('change', { reason: 'goes on', to: stage.other });
    await stage.waiting(second);
    await stage.at('prepare:started', async () => undefined);
    return stage.ended(second, 'done');
  }),
];

const UNDOES: Case[] = [
  one('environment-undo--rolled-back', async (stage) => {
    stage.it.lock(LOCK.both);
    await stage.ended(await stage.start('change', { reason: 'to be undone', to: stage.other }), 'done');
    return stage.ended(await stage.undo('undo', 'prices differ'), 'rolled-back');
  }),
  one('environment-undo--cancelled-and-carried-out', async (stage) => {
    stage.it.lock(LOCK.both);
    await stage.ended(await stage.start('change', { reason: 'to be undone', to: stage.other }), 'done');
    stage.it.barrier.arm('undo:turned');
    const started = await stage.undo('undo', 'prices differ');
    await stage.at('undo:turned', () => started.handle.cancel());
    return stage.ended(started, 'rolled-back');
  }),
  {
    names: ['environment-change--rollback-incomplete', 'environment-undo--after-an-incomplete-rollback'],
    async record(stage) {
      const old = stage.tree;
      stage.it.barrier.arm('restart:intent');
      const started = await stage.start('change', { reason: 'somebody edits the old tree', to: stage.other });
      let mend = (): void => undefined;
      await stage.at('restart:intent', async () => {
        mend = stage.tamper(old);
        await stage.abort(started, 'alice');
      });
      const incomplete = await stage.ended(started, 'rollback-incomplete');
      mend();
      return { 'environment-change--rollback-incomplete': incomplete, 'environment-undo--after-an-incomplete-rollback': await stage.ended(await stage.undo('undo', 'the old tree was mended'), 'rolled-back') };
    },
  },
  one('environment-undo--kept', async (stage) => {
    stage.it.barrier.arm('restart:intent');
    const started = await stage.start('change', { reason: 'terminated after its switch', to: stage.other });
    await stage.at('restart:intent', () => started.handle.terminate('by hand'));
    await stage.onRecord(started.run, 'unsettled');
    return stage.ended(await stage.undo('keep', 'it works'), 'done');
  }),
  {
    names: ['environment-change--done-by-adopting-a-directory', 'environment-undo--of-an-adoption', 'environment-undo--nothing-to-undo'],
    async record(stage) {
      const env = stage.foreignProject('adopted', 'directory');
      const adopted = await stage.ended(await stage.start('change', { reason: 'it was a directory', env, to: stage.it.primary.version }), 'done');
      const undone = await stage.ended(await stage.undo('undo', 'back to the directory', env), 'rolled-back');
      const nothing = await stage.ended(await stage.undo('undo', 'once more', env), 'not-needed');
      return { 'environment-change--done-by-adopting-a-directory': adopted, 'environment-undo--of-an-adoption': undone, 'environment-undo--nothing-to-undo': nothing };
    },
  },
];

const TIDYINGS: Case[] = [
  {
    names: ['environment-tidy--nothing-to-prune', 'environment-tidy--pruned', 'environment-tidy--nothing-to-adopt', 'environment-tidy--refused-for-nothing-there'],
    async record(stage) {
      const first = await stage.tidy('prune', 'what is there already');
      await first.handle.result();
      const none = await stage.ended(await stage.tidy('prune', 'the same again'), 'not-needed');
      stage.abandonedAttempt();
      const pruned = await stage.ended(await stage.tidy('prune', 'an attempt was left'), 'done');
      const managed = await stage.ended(await stage.tidy('adopt', 'it is a link already'), 'not-needed');
      const nothing = await stage.ended(await stage.tidy('adopt', 'nothing is there', stage.foreignProject('bare', null)), 'refused');
      return { 'environment-tidy--nothing-to-prune': none, 'environment-tidy--pruned': pruned, 'environment-tidy--nothing-to-adopt': managed, 'environment-tidy--refused-for-nothing-there': nothing };
    },
  },
  one('environment-tidy--adopted', async (stage) => stage.ended(await stage.tidy('adopt', 'it is a directory', stage.foreignProject('to-adopt', 'directory')), 'done')),
  one('environment-tidy--given-back', async (stage) => {
    const env = stage.foreignProject('leads-out', 'relative');
    return stage.ended(await stage.tidy('adopt', 'a link in it leads out of it', env), 'rolled-back');
  }),
];

/** The fallback starts from the primary, with a lock it can have. */
async function onPrimary(stage: Stage): Promise<void> {
  stage.it.lock(LOCK.both);
  if (stage.it.version() !== stage.it.primary.version) await stage.ended(await stage.start('change', { reason: 'to the primary' }), 'done');
}

const FALLBACKS: Case[] = [
  {
    names: ['plan-change--change', 'plan-change--refused', 'plan-change--fallback', 'plan-change--fallback-not-needed', 'wheel-fallback--not-needed'],
    async record(stage) {
      await onPrimary(stage);
      const [plan, none] = [await stage.plan('change', { reason: 'look', to: stage.other }), await stage.plan('fallback', { reason: 'look' })];
      const notNeeded = await stage.ended(await stage.start('fallback', { reason: 'just in case' }), 'not-needed');
      stage.it.lock(LOCK.oldOnly);
      const [refused, fallback] = [await stage.plan('change', { reason: 'look' }), await stage.plan('fallback', { reason: 'look' })];
      return { 'plan-change--change': plan, 'plan-change--fallback-not-needed': none, 'wheel-fallback--not-needed': notNeeded, 'plan-change--refused': refused, 'plan-change--fallback': fallback };
    },
  },
  {
    names: ['wheel-fallback--impossible', 'plan-change--fallback-impossible', 'plan-change--reset'],
    async record(stage) {
      await onPrimary(stage);
      const reset = await stage.plan('change', { reason: 'look', patch: { rebuild: true, cleanProject: true } });
      stage.it.lock(LOCK.none);
      const plan = await stage.plan('fallback', { reason: 'look' });
      return { 'plan-change--reset': reset, 'plan-change--fallback-impossible': plan, 'wheel-fallback--impossible': await stage.ended(await stage.start('fallback', { reason: 'no wheel anywhere' }), 'refused') };
    },
  },
  one('wheel-fallback--could-not-tell', async (stage) => {
    await onPrimary(stage);
    stage.it.lock(LOCK.unasked);
    stage.it.index.mode = 500;
    const id = await stage.ended(await stage.start('fallback', { reason: 'the index is down' }), 'refused');
    stage.it.index.mode = 'ok';
    return id;
  }),
  one('wheel-fallback--refused-by-the-host', async (stage) =>
    stage.ended(await stage.start('fallback', { reason: 'outside the roots', env: { host: stage.it.env.host, link: '/srv/elsewhere/.venv' } }), 'refused')),
  {
    names: ['wheel-fallback--aborted', 'environment-change--aborted-by-its-fallback'],
    async record(stage) {
      await onPrimary(stage);
      stage.it.lock(LOCK.oldOnly);
      stage.it.barrier.arm('prepare:started');
      const started = await stage.start('fallback', { reason: 'to be stopped' });
      await stage.at('prepare:started', () => stage.abort(started, 'alice'));
      return { 'wheel-fallback--aborted': await stage.ended(started, 'rolled-back'), 'environment-change--aborted-by-its-fallback': childOf(started) };
    },
  },
  one('wheel-fallback--its-change-terminated', async (stage) => {
    await onPrimary(stage);
    stage.it.lock(LOCK.oldOnly);
    stage.it.barrier.arm('prepare:started');
    const started = await stage.start('fallback', { reason: 'its change is terminated' });
    await stage.at('prepare:started', () => stage.client.workflow.getHandle(childOf(started)).terminate('by hand'));
    return stage.ended(started, 'rolled-back');
  }),
  one('wheel-fallback--asks-again-for-the-plan', async (stage) => {
    await onPrimary(stage);
    stage.it.lock(LOCK.sourceOnlyToo);
    return stage.ended(await stage.start('fallback', { reason: 'agreed to a build', planDigest: NO_PLAN_YET }), 'refused');
  }),
  one('wheel-fallback--done-with-wheels-from-source', async (stage) => {
    await onPrimary(stage);
    stage.it.lock(LOCK.sourceOnly);
    return stage.ended(await stage.start('fallback', { reason: 'gamma has no wheel at all' }), 'done');
  }),
  {
    names: ['wheel-fallback--done', 'environment-change--done-for-a-fallback'],
    async record(stage) {
      await onPrimary(stage);
      stage.it.lock(LOCK.oldOnly);
      const started = await stage.start('fallback', { reason: 'beta has no wheel' });
      return { 'wheel-fallback--done': await stage.ended(started, 'done'), 'environment-change--done-for-a-fallback': childOf(started) };
    },
  },
  one('wheel-fallback--done-and-told', async (stage) => {
    await onPrimary(stage);
    stage.it.lock(LOCK.oldOnly);
    changePolicy(stage.it, { fallback: { criticalImports: ['alpha'], assessImports: ['alpha'], tell: ['operations'] }, notifications: { channels: { chat: { type: 'slack', urlFile: '/nowhere/chat-url' } } } });
    const id = await stage.ended(await stage.start('fallback', { reason: 'beta has no wheel, and somebody wants to know' }), 'done');
    changePolicy(stage.it, { fallback: { criticalImports: ['alpha'], assessImports: ['alpha'] }, notifications: {} });
    return id;
  }),
];

/** The server gives up on a connection that does not answer after a minute; then nobody polls the host's queue. */
const SILENT_AFTER_MS = 75_000;

const WATCHES: Case[] = [
  one('environment-change--waited-for-a-silent-host', async (stage) => {
    stage.it.lock(LOCK.both);
    stage.it.barrier.arm('arm:receipt');
    const started = await stage.start('change', { reason: 'the host sleeps', to: stage.other });
    const { agent, control } = stage.it.handle.pids();
    // The control worker is held, so that the next order is not given while the agent's last questions are still open.
    await stage.at('arm:receipt', async () => process.kill(control, 'SIGSTOP'));
    try {
      await stage.answered(started, 'armUndo');
      process.kill(agent, 'SIGSTOP');
      await sleep(SILENT_AFTER_MS);
      process.kill(control, 'SIGCONT');
      await stage.waiting(started);
    } finally {
      for (const pid of [control, agent]) process.kill(pid, 'SIGCONT');
    }
    return stage.ended(started, 'done');
  }),
  // Last: it holds the news of all that came before.
  one('host-watch--check-in-and-quiet-leases', async (stage) => {
    stage.it.barrier.arm('prepare:started');
    const started = await stage.start('change', { reason: 'terminated before its switch', to: stage.other });
    await stage.at('prepare:started', () => started.handle.terminate('by hand'));
    await stage.onRecord(started.run, 'lease-freed');
    const id = hostWatchId(stage.it.handle.host);
    const isQuietAgain = async () => (await stage.client.workflow.getHandle(id).fetchHistory()).events?.at(-1)?.activityTaskScheduledEventAttributes?.activityType?.name === 'nextEvent';
    await poll(isQuietAgain);
    return id;
  }),
];

/** In the order they are recorded. */
export const CASES: Case[] = [...CHANGES, ...MEASURED, ...LEASES, ...UNDOES, ...TIDYINGS, ...FALLBACKS, ...WATCHES, ...APPROVALS, ...CHECKS];
