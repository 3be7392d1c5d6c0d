/** What is recorded of decisions, exceptions and reviews: people with throw-away keys, at their command lines. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evidenceCommand } from '../../client/cli/commands/evidence.js';
import { exceptionCommand } from '../../client/cli/commands/exception.js';
import { planCommand } from '../../client/cli/commands/plan.js';
import { runCommand } from '../../client/cli/commands/run.js';
import { keyOnceTold } from '../../client/cli/host-keys.js';
import { ulid } from 'ulid';
import { reviewRunOf } from '../../policy/exception-text.js';
import { parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { Outcome, RunResult } from '../../policy/model.js';
import { abortUpdate } from '../../workflows/messages.js';
import { poll } from './instance.js';
import { makePeople, type TestPerson } from './people.js';
import { LOCK, type Stage } from './recording.js';
import type { Case } from './recording-cases.js';
import { changePolicy, declare, decisionOfRun, inProcess, peopleWithout, startedRun, untilAsked, vote, withoutOwnKeys } from './voting.js';

const NAMES = ['alice', 'bob', 'carol', 'erin'] as const;
/** Steps before the CAB's: of one person, and with one document, because a recording needs no more. */
const REVIEW = ['technical-review', 'ci-validation', 'integration', 'security-review', 'document-update'];
type People = Record<(typeof NAMES)[number], TestPerson>;
let made: { people: People; dir: string } | null = null;

/** People and roles of the stage's policy; approvals of a change where a case wants them. */
function board(stage: Stage, more: object = {}): { people: People; dir: string } {
  if (made === null) {
    const dir = mkdtempSync(path.join(tmpdir(), 'recording-people-'));
    made = { dir, people: makePeople(dir, NAMES) };
    withoutOwnKeys(dir);
  }
  const defaultClass = { build: 'builder', publicIndex: true, approvals: { change: 0 } };
  changePolicy(stage.it, {
    people: peopleWithout(made.people), roles: { cab: ['alice', 'carol'], security: ['bob'], engineering: ['erin'] }, approval: { escalateTo: ['engineering'] }, defaultClass,
    interpreterChange: { steps: [...REVIEW.map((name) => ({ name, stages: [{ role: 'engineering', quorum: 1 }], evidence: name === 'technical-review' ? [name] : [] })), { name: 'cab', stages: [{ role: 'cab', quorum: 2 }] }] },
    timers: {}, ...more,
  });
  return made;
}

const asking = { defaultClass: { build: 'builder', publicIndex: true, approvals: { change: [{ role: 'cab', quorum: 1 }] } } };

/** Asks for a change as bob, with his signature. */
async function askChange(stage: Stage, { bob }: People, reason: string): Promise<string> {
  const words = ['change', stage.it.project, '--to', stage.other, '--reason', reason];
  const digest = /^plan ([0-9a-f]{8})/m.exec((await inProcess(planCommand, 'plan', 'change', stage.it.project, '--to', stage.other)).stdout)?.[1] ?? '';
  return startedRun(await inProcess(runCommand, 'run', ...words, '--yes', '--plan', digest, '--key', bob.file, '--detach', '--json'));
}

const HOURS = 0.01;
const ask = async (stage: Stage, { bob }: People, hours = HOURS): Promise<string> => {
  stage.it.lock(LOCK.both);
  return startedRun(await declare(stage.it, bob, ['--to', stage.other, '--hours', String(hours), '--ground', 'vendor-requirement', '--reason', 'the vendor asks for it']));
};

const review = async (stage: Stage, { bob }: People): Promise<string> =>
  startedRun(await inProcess(runCommand, 'run', 'interpreter-change', stage.it.project, '--from', '3.12.x', '--to', stage.it.fallback.version, '--reason', 'to be approved', '--yes', '--key', bob.file, '--detach', '--json'));

function knownId(stage: Stage, run: string): string | null {
  const records = stage.it.records();
  const id = records.run(run)?.workflowId ?? null;
  records.close();
  return id;
}

function idOf(stage: Stage, run: string): string {
  const id = knownId(stage, run);
  if (id === null) throw new Error(`expected ${run} on record`);
  return id;
}

/** Waits for the end. A recording of something else than its name says is none. */
async function ended(stage: Stage, run: string, outcome: Outcome): Promise<string> {
  const id = await poll(() => knownId(stage, run));
  const result = (await stage.client.workflow.getHandle(id as string).result()) as RunResult;
  if (result.outcome !== outcome) throw new Error(`${run}: expected ${outcome}, got ${result.outcome}: ${result.message}`);
  return id as string;
}

const decisionOf = async (stage: Stage, run: string): Promise<string> => `decision/${(await decisionOfRun(stage.it, run))!.request.facts.request}`;
const changeOf = (exception: string): string => {
  const { env, ulid: id } = parseWorkflowId(exception)!;
  return workflowIdOf('change', env, id);
};
const pageOf = async (stage: Stage, workflowId: string): Promise<string> => {
  const { events } = await stage.client.workflow.getHandle(workflowId).fetchHistory();
  const id = events?.map(({ startChildWorkflowExecutionInitiatedEventAttributes: child }) => child?.workflowId ?? '').find((name) => name.startsWith('notify/'));
  if (!id) throw new Error(`expected ${workflowId} to have told somebody`);
  await stage.client.workflow.getHandle(id).result();
  return id;
};

async function votes(stage: Stage, run: string, purpose: string, people: TestPerson[], verdict: 'approve' | 'reject' = 'approve'): Promise<string> {
  await untilAsked(stage.it, run, purpose);
  const id = await decisionOf(stage, run);
  for (const person of people) await vote(run, person, verdict);
  return id;
}

const isStanding = (stage: Stage, to: string): Promise<unknown> => poll(() => stage.it.version() === to);

async function handIn(stage: Stage, run: string, words: string[], command: typeof evidenceCommand): Promise<void> {
  const file = path.join(made!.dir, 'document.md');
  writeFileSync(file, 'looked at: as it should be\n');
  await poll(async () => (await inProcess(command, ...words.map((word) => (word === 'FILE' ? file : word)))).stdout.startsWith('taken'));
}

const CHANGES_ASKED: Case[] = [
  {
    names: ['environment-change--done-with-approval', 'decision--approved-after-refusals'],
    async record(stage) {
      const { people } = board(stage, asking);
      stage.it.lock(LOCK.both);
      const run = await askChange(stage, people, 'with approval');
      // Who asked, and who has no role in it, are refused on record; then it is decided.
      const decision = await votes(stage, run, 'change', [people.erin, people.alice]);
      return { 'environment-change--done-with-approval': await ended(stage, run, 'done'), 'decision--approved-after-refusals': decision };
    },
  },
  {
    names: ['environment-change--denied', 'decision--denied'],
    async record(stage) {
      const { people } = board(stage, asking);
      const run = await askChange(stage, people, 'to be denied');
      const decision = await votes(stage, run, 'change', [people.alice, people.carol], 'reject');
      return { 'environment-change--denied': await ended(stage, run, 'denied'), 'decision--denied': decision };
    },
  },
  {
    names: ['environment-change--expired', 'decision--expired'],
    async record(stage) {
      const { people } = board(stage, { ...asking, timers: { cabApprovalHours: 0.002 } });
      const run = await askChange(stage, people, 'nobody decides');
      await untilAsked(stage.it, run, 'change');
      const decision = await decisionOf(stage, run);
      return { 'environment-change--expired': await ended(stage, run, 'expired'), 'decision--expired': decision };
    },
  },
  {
    names: ['environment-change--withdrawn-while-asked', 'decision--withdrawn'],
    async record(stage) {
      const { people } = board(stage, asking);
      const run = await askChange(stage, people, 'to be withdrawn');
      await untilAsked(stage.it, run, 'change');
      const decision = await decisionOf(stage, run);
      await stage.client.workflow.getHandle(idOf(stage, run)).executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'not needed' }] });
      return { 'environment-change--withdrawn-while-asked': await ended(stage, run, 'rolled-back'), 'decision--withdrawn': decision };
    },
  },
];

const EXCEPTIONS: Case[] = [
  {
    names: ['emergency-exception--reverted', 'environment-change--done-under-an-exception', 'notify-roles--nobody-could-be-told'],
    async record(stage) {
      const { people } = board(stage);
      const to = stage.other;
      const run = await ask(stage, people);
      await votes(stage, run, 'grant', [people.alice, people.carol]);
      await isStanding(stage, to);
      const id = await ended(stage, run, 'expired');
      return { 'emergency-exception--reverted': id, 'environment-change--done-under-an-exception': changeOf(id), 'notify-roles--nobody-could-be-told': await pageOf(stage, id) };
    },
  },
  {
    names: ['emergency-exception--rehearsed-aside-and-told-first'],
    async record(stage) {
      const { people } = board(stage);
      const run = await ask(stage, people);
      await votes(stage, run, 'grant', [people.alice, people.carol]);
      return { 'emergency-exception--rehearsed-aside-and-told-first': await ended(stage, run, 'expired') };
    },
  },
  {
    names: ['emergency-exception--overdue-and-denied', 'decision--overdue'],
    async record(stage) {
      const { people } = board(stage, { timers: { emergencyConveneHours: 0.0005 } });
      const run = await ask(stage, people);
      await untilAsked(stage.it, run, 'grant');
      await stage.onRecord(run, 'overdue');
      const decision = await votes(stage, run, 'grant', [people.alice], 'reject');
      return { 'emergency-exception--overdue-and-denied': await ended(stage, run, 'denied'), 'decision--overdue': decision };
    },
  },
  {
    names: ['emergency-exception--refused'],
    async record(stage) {
      const { people } = board(stage);
      const run = await ask(stage, { ...people, bob: people.erin });
      return { 'emergency-exception--refused': await ended(stage, run, 'refused') };
    },
  },
  {
    names: ['emergency-exception--withdrawn-while-it-stands'],
    async record(stage) {
      const { people } = board(stage);
      const to = stage.other;
      const run = await ask(stage, people, 1);
      await votes(stage, run, 'grant', [people.alice, people.carol]);
      await isStanding(stage, to);
      await stage.onRecord(run, 'granted');
      await poll(async () => (await stage.client.workflow.getHandle(idOf(stage, run)).query<{ waitsFor: { what: string } | null }>('status')).waitsFor?.what.startsWith('the end'));
      await stage.client.workflow.getHandle(idOf(stage, run)).executeUpdate(abortUpdate, { args: [{ by: 'bob', reason: 'patched otherwise' }] });
      return { 'emergency-exception--withdrawn-while-it-stands': await ended(stage, run, 'rolled-back') };
    },
  },
  {
    names: ['emergency-exception--not-carried-out'],
    async record(stage) {
      const { people } = board(stage);
      const back = stage.tests(['-c', 'raise SystemExit("1 failed")']);
      const run = await ask(stage, people, 1);
      await votes(stage, run, 'grant', [people.alice, people.carol]);
      const id = await ended(stage, run, 'rolled-back');
      back();
      return { 'emergency-exception--not-carried-out': id };
    },
  },
  {
    names: ['emergency-exception--made-permanent', 'interpreter-change--done'],
    async record(stage) {
      const { people } = board(stage);
      const to = stage.other;
      const run = await ask(stage, people, 1);
      await votes(stage, run, 'grant', [people.alice, people.carol]);
      await isStanding(stage, to);
      await handIn(stage, run, ['exception', 'root-cause', run, 'FILE', '--yes', '--key', people.erin.file], exceptionCommand);
      const reviewed = reviewRunOf(run)!;
      await handIn(stage, reviewed, ['evidence', reviewed, 'technical-review', 'FILE'], evidenceCommand);
      for (const step of REVIEW) await votes(stage, reviewed, step, [people.erin]);
      await votes(stage, reviewed, 'cab', [people.alice, people.carol]);
      return { 'emergency-exception--made-permanent': await ended(stage, run, 'done'), 'interpreter-change--done': await ended(stage, reviewed, 'done') };
    },
  },
];

const REVIEWS: Case[] = [
  {
    names: ['interpreter-change--denied'],
    async record(stage) {
      const { people } = board(stage);
      const run = await review(stage, people);
      await handIn(stage, run, ['evidence', run, 'technical-review', 'FILE'], evidenceCommand);
      await votes(stage, run, 'technical-review', [people.erin], 'reject');
      return { 'interpreter-change--denied': await ended(stage, run, 'denied') };
    },
  },
  {
    names: ['interpreter-change--expired-without-evidence'],
    async record(stage) {
      const { people } = board(stage, { timers: { cabApprovalHours: 0.002 } });
      return { 'interpreter-change--expired-without-evidence': await ended(stage, await review(stage, people), 'expired') };
    },
  },
];

/** Started by the command line or a schedule, and over at once. */
const SMALL: Case[] = [
  {
    names: ['accept-host--accepted'],
    async record(stage) {
      const { host } = stage.it.env;
      const { told } = await keyOnceTold(stage.it.instance(), host);
      const workflowId = `accept-host/${host}/${ulid()}`;
      await stage.client.workflow.execute('acceptHost', { workflowId, taskQueue: CONTROL_QUEUE, args: [{ host, key: told!.key, by: 'bob', reason: 'its fingerprint was compared' }] });
      return { 'accept-host--accepted': workflowId };
    },
  },
  {
    names: ['policy-reminders--told'],
    async record(stage) {
      board(stage);
      const workflowId = `policy-reminders-${ulid()}`;
      await stage.client.workflow.execute('policyReminders', { workflowId, taskQueue: CONTROL_QUEUE });
      return { 'policy-reminders--told': workflowId };
    },
  },
];

export const APPROVALS: Case[] = [...CHANGES_ASKED, ...EXCEPTIONS, ...REVIEWS, ...SMALL];
