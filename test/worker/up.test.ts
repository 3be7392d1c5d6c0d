import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { CONTROL_QUEUE, hostQueue } from '../../policy/names.js';
import { readCurrent, type CurrentInstance } from '../../worker/current.js';
import { up, type UpHandle } from '../../worker/up.js';
import { echo } from '../support/fixtures/workflows.js';
import { allGone, running, until } from '../support/processes.js';
import { temporaryFolder, testCli } from '../support/servers.js';

interface Instance {
  process: ChildProcess;
  address: string;
  pids: ReturnType<UpHandle['pids']>;
  home: string;
  currentFile: string;
  said: () => string;
}

/** Environment of an instance of its own: nothing of the user's is read or written but the CLI. */
async function isolated(t: TestContext): Promise<{ home: string; env: NodeJS.ProcessEnv; currentFile: string }> {
  const { dir, remove } = temporaryFolder('up');
  t.after(remove);
  const env = { ...process.env, HOME: dir, XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: path.join(dir, 'home'), RUNBOOK_TEMPORAL_CLI: (await testCli()).file, TEMPORAL_ADDRESS: '' };
  return { home: env.RUNBOOK_HOME, env, currentFile: path.join(dir, 'xdg/interpreter-runbooks/current.json') };
}

async function startInstance(t: TestContext): Promise<Instance> {
  const { home, env, currentFile } = await isolated(t);
  const child = fork(path.join(import.meta.dirname, '../support/fixtures/main-up.js'), [home], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  t.after(() => child.kill('SIGTERM') && once(child, 'exit'));
  let said = '';
  child.stderr!.on('data', (data: Buffer) => (said += data.toString()));
  const ended = once(child, 'exit').then(() => assert.fail(`the supervisor ended: ${said}`));
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [Pick<Instance, 'address' | 'pids'>];
  ended.catch(() => undefined);
  return { ...message, process: child, home, currentFile, said: () => said };
}

async function runs(address: string, workflowId: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    return await connection.withDeadline(Date.now() + 30_000, () => new Client({ connection }).workflow.execute(echo, { taskQueue: CONTROL_QUEUE, workflowId, args: [workflowId] }));
  } finally {
    await connection.close();
  }
}

const children = ({ pids }: Instance): number[] => [pids.server!, pids.control, pids.agent];
const changed = (instance: Instance, part: keyof CurrentInstance['children']): Promise<CurrentInstance> =>
  until(`a new ${part}`, () => {
    const current = readCurrent(instance.currentFile);
    return current !== null && current.children[part] !== instance.pids[part] ? current : null;
  });

test('up starts server, control worker and agent, tells where they are, and stops without leaving any', async (t) => {
  const instance = await startInstance(t);
  const all = running([instance.pids.supervisor, ...children(instance)]);
  assert.equal(await runs(instance.address, 'first'), 'noted first');
  const current = readCurrent(instance.currentFile);
  assert.deepEqual({ ...current, startTime: null }, { address: instance.address, namespace: 'default', uiUrl: null, home: instance.home, pid: instance.pids.supervisor, startTime: null, host: 'fixture-host', children: { server: instance.pids.server, control: instance.pids.control, agent: instance.pids.agent } });
  instance.process.kill('SIGTERM');
  const [code] = (await once(instance.process, 'exit')) as [number | null];
  assert.equal(code, 0);
  await allGone(all, 1_000);
  assert.ok(!existsSync(instance.currentFile));
});

test('the agent polls its host\'s two queues', async (t) => {
  const { address } = await startInstance(t);
  const connection = await Connection.connect({ address });
  t.after(() => connection.close());
  const pollers = async (name: string): Promise<number> => (await connection.workflowService.describeTaskQueue({ namespace: 'default', taskQueue: { name }, taskQueueType: 2 })).pollers?.length ?? 0;
  for (const queue of [hostQueue('fixture-host'), `${hostQueue('fixture-host')}.events`]) await until(`a poller of ${queue}`, async () => (await pollers(queue)) > 0);
});

test('a killed control worker is started again and works', async (t) => {
  const instance = await startInstance(t);
  const [old] = running([instance.pids.control]);
  process.kill(instance.pids.control, 'SIGKILL');
  const current = await changed(instance, 'control');
  assert.equal(await runs(instance.address, 'after'), 'noted after');
  assert.deepEqual([current.children.server, current.children.agent], [instance.pids.server, instance.pids.agent]);
  assert.match(instance.said(), /control ended \(SIGKILL\); starting it again\n.*control runs again/);
  await allGone([old!], 1_000);
});

test('a killed agent and a killed server are started again, and the workers find the server', async (t) => {
  const instance = await startInstance(t);
  assert.equal(await runs(instance.address, 'before'), 'noted before');
  process.kill(instance.pids.agent, 'SIGKILL');
  await changed(instance, 'agent');
  process.kill(instance.pids.server!, 'SIGKILL');
  await changed(instance, 'server');
  assert.equal(await runs(instance.address, 'after'), 'noted after');
  assert.equal(readCurrent(instance.currentFile)?.children.control, instance.pids.control, 'the control worker was not restarted');
});

test('Ctrl-C, which the whole process group gets, stops in order', async (t) => {
  const instance = await startInstance(t);
  const all = running(children(instance));
  for (const pid of [instance.pids.control, instance.pids.agent, instance.pids.supervisor]) process.kill(pid, 'SIGINT');
  await once(instance.process, 'exit');
  await allGone(all, 1_000);
  assert.doesNotMatch(instance.said(), /ended/);
});

test('when the supervisor is killed its children end, the server too', async (t) => {
  const instance = await startInstance(t);
  const all = running(children(instance));
  process.kill(instance.pids.supervisor, 'SIGKILL');
  await allGone(all);
  assert.equal(readCurrent(instance.currentFile), null, 'the pointer of a dead instance is none');
});

test('a second instance of the same home is refused by name; one of another home is not in its way', async (t) => {
  const instance = await startInstance(t);
  const saved = { ...process.env };
  t.after(() => void (process.env = saved));
  process.env['XDG_STATE_HOME'] = path.dirname(path.dirname(instance.currentFile));
  await assert.rejects(up({ allowRoot: true, port: 0, uiPort: null, home: instance.home, handleSignals: false }), new RegExp(`runs already: process ${instance.pids.supervisor}, Temporal at ${instance.address}`));
  assert.equal(await runs(instance.address, 'still'), 'noted still');
});

test('a taken port ends up at once with the reason, and nothing is left running', async (t) => {
  const { home, env, currentFile } = await isolated(t);
  const saved = { ...process.env };
  t.after(() => void (process.env = saved));
  Object.assign(process.env, env);
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.after(() => holder.close());
  const { port } = holder.address() as { port: number };
  const entry = (name: string): string => path.join(import.meta.dirname, `../support/fixtures/main-${name}.js`);
  const began = Date.now();
  await assert.rejects(up({ allowRoot: true, port, uiPort: null, home, handleSignals: false, entries: { control: entry('control'), agent: entry('agent') } }), new RegExp(`port ${port} .*held by process ${process.pid}`));
  assert.ok(Date.now() - began < 15_000);
  assert.ok(!existsSync(currentFile));
  assert.deepEqual(childrenOf(process.pid), []);
});

test('an address where no service answers is refused with a way out', async (t) => {
  const { home } = await isolated(t);
  mkdirSync(home, { recursive: true });
  await assert.rejects(up({ allowRoot: true, port: 0, uiPort: null, home, address: '127.0.0.1:1', handleSignals: false }), /Temporal at 127\.0\.0\.1:1: expected a service that answers.*Correct --address or TEMPORAL_ADDRESS/s);
  assert.deepEqual(childrenOf(process.pid), []);
});

test('root is refused without --allow-root, before anything is started', { skip: process.geteuid?.() !== 0 && 'needs root to be refused' }, async (t) => {
  const { home } = await isolated(t);
  await assert.rejects(up({ allowRoot: false, port: 0, uiPort: null, home, handleSignals: false }), /expected an ordinary user, got root.*--allow-root/);
  assert.ok(!existsSync(home));
});

/** Command lines of this process's children. */
function childrenOf(parent: number): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(ppid) === parent && state !== 'Z' ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}
