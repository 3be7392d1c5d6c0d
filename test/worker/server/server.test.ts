import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { freePort, portHolder } from '../../../worker/server/ports.js';
import { startServer, type RunningServer, type ServerOptions } from '../../../worker/server/server.js';
import { serverArguments } from '../../../worker/server/settings.js';
import { allGone, fakeExecutable, running } from '../../support/processes.js';
import { temporaryFolder, testCli } from '../../support/servers.js';

const ATTRIBUTES = { FixtureKind: 'KEYWORD', FixtureTags: 'KEYWORD_LIST', FixtureAt: 'DATETIME' } as const;

async function settings(t: TestContext): Promise<ServerOptions> {
  const { dir, remove } = temporaryFolder('server');
  t.after(remove);
  return { cli: await testCli(), dir, dbFile: path.join(dir, 'temporal.db'), port: await freePort(), uiPort: null, namespace: 'default', searchAttributes: ATTRIBUTES, retentionDays: 30, graceMs: 2_000 };
}

async function connected<T>(server: RunningServer, use: (client: Client, connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection }), connection);
  } finally {
    await connection.close();
  }
}

test('a restart on the same database keeps a workflow, its search attributes and the retention', async (t) => {
  const options = await settings(t);
  const first = await startServer(options);
  const started = await connected(first, async (client) => (await client.workflow.start('waiting', { workflowId: 'kept', taskQueue: 'nobody', searchAttributes: { FixtureKind: ['fallback'] } })).firstExecutionRunId);
  await first.stop();
  // Another port, and one more attribute: the server's own flag is ignored on an existing database.
  const second = await startServer({ ...options, port: await freePort(), searchAttributes: { ...ATTRIBUTES, FixtureLater: 'KEYWORD' } });
  t.after(second.stop);
  await connected(second, async (client, connection) => {
    const description = await client.workflow.getHandle('kept').describe();
    assert.deepEqual([description.status.name, description.runId], ['RUNNING', started]);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    for (const name of ['FixtureKind', 'FixtureTags', 'FixtureAt', 'FixtureLater']) assert.ok(name in (customAttributes ?? {}), name);
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 30 * 86_400);
  });
});

test('a killed server loses nothing it had answered', async (t) => {
  const options = await settings(t);
  const first = await startServer(options);
  await connected(first, (client) => client.workflow.start('waiting', { workflowId: 'kept', taskQueue: 'nobody' }));
  process.kill(first.pid, 'SIGKILL');
  assert.equal(await first.exited, 'SIGKILL');
  const second = await startServer(options);
  t.after(second.stop);
  assert.equal(await connected(second, async (client) => (await client.workflow.getHandle('kept').describe()).status.name), 'RUNNING');
});

test('a search attribute of another type is refused with words', async (t) => {
  const options = await settings(t);
  await (await startServer(options)).stop();
  await assert.rejects(startServer({ ...options, searchAttributes: { FixtureKind: 'INT' } }), /search attribute FixtureKind exists with another type; expected INT/);
});

test('decision 22: a database made by another version is refused, untouched, with two ways out', async (t) => {
  const options = await settings(t);
  writeFileSync(options.dbFile!, 'a database');
  writeFileSync(`${options.dbFile}.version`, '1.5.1\n');
  await assert.rejects(startServer(options), /made by Temporal CLI 1\.5\.1, and .* is 1\.9\.1.*RUNBOOK_TEMPORAL_CLI=.*move .*temporal\.db.*away/);
  assert.equal(readFileSync(options.dbFile!, 'utf8'), 'a database');
  assert.ok(!existsSync(path.join(options.dir, 'server.pid')), 'nothing was started');
});

for (const which of ['port', 'uiPort'] as const) {
  test(`a taken ${which} is refused, naming the process that holds it and the option`, async (t) => {
    const options = await settings(t);
    const holder = createServer();
    const port = await new Promise<number>((resolve) => holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port)));
    t.after(() => holder.close());
    assert.equal(portHolder(port)?.pid, process.pid);
    await assert.rejects(startServer({ ...options, [which]: port }), new RegExp(`expected port ${port} on 127\\.0\\.0\\.1 to be free, it is held by process ${process.pid}: .*Stop that process, or choose another port with --${which === 'port' ? 'port' : 'ui-port'}`));
    assert.ok(!existsSync(options.dbFile!), 'nothing was started');
  });
}

test('a server whose keeper was killed does not outlive it', async (t) => {
  const server = await startServer(await settings(t));
  const [daemon] = running([server.pid]);
  process.kill(server.keeperPid, 'SIGKILL');
  await server.exited;
  await allGone([daemon!], 1_000);
});

test('a CLI that ends at once, or never opens its port, is an error with the log\'s place and leaves nothing', async (t) => {
  const options = await settings(t);
  const cli = { ...options.cli, file: fakeExecutable(options.dir, 'ends', '#!/bin/sh\necho "no such flag"\nexit 2\n') };
  await assert.rejects(startServer({ ...options, cli }), /did not become ready: it ended \(code 2\); its log is .*server\.log/);
  assert.match(readFileSync(path.join(options.dir, 'server.log'), 'utf8'), /no such flag/);
  const mute = { ...options.cli, file: fakeExecutable(options.dir, 'mute', '#!/bin/sh\nexec sleep 60\n') };
  await assert.rejects(startServer({ ...options, cli: mute, readyMs: 300 }), /did not open its port in time/);
  const { pid } = JSON.parse(readFileSync(path.join(options.dir, 'server.pid'), 'utf8')) as { pid: number };
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});

test('the server listens on the loopback address only and asks nobody for updates', async (t) => {
  const args = serverArguments(await settings(t));
  assert.equal(args[args.indexOf('--ip') + 1], '127.0.0.1');
  assert.ok(args.includes('frontend.enableServerVersionCheck=false'));
  const server = await startServer({ ...(await settings(t)), uiPort: await freePort() });
  t.after(server.stop);
  assert.equal((await fetch(server.uiUrl!)).status, 200);
  const inodes = new Set(readdirSync(`/proc/${server.pid}/fd`).map((fd) => { try { return (/socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${server.pid}/fd/${fd}`)) ?? [])[1]; } catch { return undefined; } }));
  const listening = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1).map((line) => line.trim().split(/\s+/))).filter((f) => f[3] === '0A' && inodes.has(f[9]));
  assert.ok(listening.length >= 2);
  assert.deepEqual([...new Set(listening.map((f) => f[1]!.split(':')[0]))], ['0100007F']);
});
