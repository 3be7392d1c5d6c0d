/** What is recorded of hosts that watch themselves, and of what people sign about checks. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ulid } from 'ulid';
import { signText } from '../../activities/ssh-keygen.js';
import { sha256Hex } from '../../policy/canonical.js';
import { statementText } from '../../policy/checks/statement.js';
import { hostWatchId } from '../../policy/ids.js';
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { RecordStatementInput } from '../../workflows/record-statement.js';
import { poll } from './instance.js';
import { makePeople } from './people.js';
import type { Stage } from './recording.js';
import type { Case } from './recording-cases.js';
import { changePolicy, peopleWithout, withoutOwnKeys } from './voting.js';

/** 1.2 s between two light checks; a list of packages that the project has. */
const WATCHED = { timers: { healthCheckMinutes: 0.02 }, checks: { required: [], minimumVersions: {}, healthImports: [] } };

/** Entries of `health` by state, of this stage's environment. */
function healthStates({ it }: Stage): string[] {
  const records = it.records();
  try {
    return records.entriesByEvent('health').filter(({ entry }) => entry.link === it.env.link).map(({ entry }) => String(entry.data['state']));
  } finally {
    records.close();
  }
}

async function statement(stage: Stage, kind: RecordStatementInput['kind'], by: 'erin' | 'bob'): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'recording-statements-'));
  const people = makePeople(dir, ['erin', 'bob']);
  withoutOwnKeys(dir);
  changePolicy(stage.it, { people: peopleWithout(people), roles: { engineering: ['erin'], security: ['bob'] }, timers: {}, checks: {} });
  const document = '{"overall_status":"WARNING"}';
  const { env } = stage.it;
  const reason = 'looked at together';
  const text = statementText({ kind, env, digest: 'a'.repeat(64), document: sha256Hex(document), namespace: 'default', at: new Date().toISOString(), reason });
  const input: RecordStatementInput = { kind, env, text, signature: await signText(people[by].file, 'runbook.statement', text), document, reason };
  const workflowId = `statement/${env.host}/${ulid()}`;
  await stage.client.workflow.execute('recordStatement', { workflowId, taskQueue: CONTROL_QUEUE, args: [input] });
  return workflowId;
}

/** The system's own interpreter, which no policy here approves, in use under another name. */
function useAnotherInterpreter({ it }: Stage): ChildProcess {
  const file = path.join(it.home, 'python3');
  copyFileSync('/usr/bin/python3', file);
  return spawn(file, ['-c', 'import time; time.sleep(600)'], { stdio: 'ignore', env: {}, cwd: '/' });
}

/** The agent's log of what it found says that it looked. */
const hasLooked = ({ it }: Stage): boolean => readdirSync(path.join(it.home, 'state/agent/health')).some((name) => /Interpreter in use: .*home\/python3 /.test(readFileSync(path.join(it.home, 'state/agent/health', name), 'utf8')));

function foreignEntries({ it }: Stage): number {
  const records = it.records();
  try {
    return records.entriesByEvent('foreign-interpreter').length;
  } finally {
    records.close();
  }
}

/** The watch asks for the next event: nothing of the last one is under way. */
const watchAsks = ({ client }: Stage, id: string): Promise<unknown> => poll(async () => (await client.workflow.getHandle(id).fetchHistory()).events?.at(-1)?.activityTaskScheduledEventAttributes?.activityType?.name === 'nextEvent');

export const CHECKS: Case[] = [
  { names: ['record-statement--accepted'], record: async (stage) => ({ 'record-statement--accepted': await statement(stage, 'accept-warnings', 'erin') }) },
  { names: ['record-statement--not-of-that-role'], record: async (stage) => ({ 'record-statement--not-of-that-role': await statement(stage, 'manual-preflight', 'bob') }) },
  {
    names: ['host-watch--health-changed'],
    async record(stage) {
      changePolicy(stage.it, WATCHED);
      // New rules go with the next question: a change of an environment is news.
      await stage.ended(await stage.start('change', { reason: 'news for the watch', to: stage.other }), 'done');
      const lock = path.join(stage.it.project, 'requirements.txt');
      chmodSync(lock, 0o666);
      await poll(() => healthStates(stage).at(-1) === 'DEGRADED');
      chmodSync(lock, 0o644);
      await poll(() => healthStates(stage).at(-1) === 'GOOD');
      const id = hostWatchId(stage.it.handle.host);
      await watchAsks(stage, id);
      return { 'host-watch--health-changed': id };
    },
  },
  {
    names: ['host-watch--interpreters-appeared'],
    async record(stage) {
      const other = useAnotherInterpreter(stage);
      try {
        changePolicy(stage.it, WATCHED);
        await stage.ended(await stage.start('change', { reason: 'news for the watch', to: stage.other }), 'done');
        await poll(() => hasLooked(stage));
        // What is in use is told at check-in: the agent comes back.
        process.kill(stage.it.handle.pids().agent, 'SIGKILL');
        await poll(() => foreignEntries(stage) > 0);
        const id = hostWatchId(stage.it.handle.host);
        await watchAsks(stage, id);
        return { 'host-watch--interpreters-appeared': id };
      } finally {
        other.kill('SIGKILL');
      }
    },
  },
];
