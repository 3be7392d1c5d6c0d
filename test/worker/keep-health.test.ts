import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { stringify } from 'yaml';
import { openAgentStore, type AgentStore } from '../../activities/host/store.js';
import { keepHealth } from '../../worker/keep-health.js';
import { CONFIG_VARIABLE } from '../../worker/child-process.js';
import { prepared } from '../support/environments.js';
import { rulesOf, watching } from '../support/health.js';
import { someInterpreter, testHost, type TestHost } from '../support/host.js';
import { until } from '../support/processes.js';

let host: TestHost;
let store: AgentStore;
let home: string;
const started: ChildProcess[] = [];

before(() => {
  host = testHost();
  home = path.join(host.folder, 'home');
  host.ctx.stateDir = path.join(home, 'state/agent');
  store = openAgentStore(path.join(host.ctx.stateDir, 'agent.db'));
  host.ctx.store = store;
});
after(() => {
  store.close();
  host.close();
});
afterEach(() => {
  for (const { pid } of started.splice(0)) try { process.kill(-pid!, 'SIGKILL'); } catch { /* gone, as it should be */ }
});

/** An address where nothing answers. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** The agent as a process of its own, in a group of its own. */
async function startAgent(): Promise<{ child: ChildProcess; stop(): Promise<void> }> {
  const file = path.join(home, 'config/agent.yaml');
  mkdirSync(path.dirname(file), { recursive: true });
  const { roots, environments } = host.ctx.agentFile;
  writeFileSync(file, stringify({ host: host.ctx.host, roots, environments }));
  const config = { address: await nowhere(), namespace: 'default', agentFile: file, agentDir: host.ctx.stateDir, allowRoot: true };
  const child = fork(path.join(import.meta.dirname, '../../worker/main-agent.js'), [], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env: { ...process.env, [CONFIG_VARIABLE]: JSON.stringify(config) } });
  started.push(child);
  const exited = once(child, 'exit');
  return { child, stop: async () => void (child.kill('SIGTERM'), await exited) };
}

function log(): string[] {
  const folder = path.join(host.ctx.stateDir, 'health');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^runtime_health_\d{8}\.log$/.test(name)).sort() : [];
  return names.flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1));
}

test('HM-01, DEF-13: the agent checks and logs without any server, from wherever it was started, and stops with what it started', { timeout: 120_000 }, async () => {
  const p = await prepared(host, { name: 'alone', files: { 'requirements.txt': '# nothing\n' } });
  store.leases.put({ ...store.leases.get(p.project.env.link), state: 'free', holder: null });
  const rules = rulesOf(await someInterpreter(host.ctx, '3.11'));
  store.exclusive(() => store.health.setRules({ ...rules, digest: 'every-second', everySeconds: 1 }));
  const agent = await startAgent();
  await until('the first check', () => log().some((line) => line.includes(`${p.project.env.link} Runtime health: GOOD`)), 60_000);
  assert.match(log()[0]!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - Runtime health monitoring \(interval: 1 s\), agent /);
  unlinkSync(path.join(p.project.path, 'requirements.txt'));
  await until('the lock to be missed', () => log().some((line) => line.includes(`${p.project.env.link} Runtime health: DEGRADED: warning wheel_status: lock file requirements.txt not found`)));
  await until('the full check', () => log().some((line) => line.includes('Runtime health: DEGRADED (full: verification ')), 60_000);
  await agent.stop();
  assert.equal(agent.child.exitCode, 0);
  assert.deepEqual(store.fence.groups(), []);
});

test('nothing that fails ends the watch: told once, and checks go on when it works again', { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const { ctx, warnings } = watching(host, { now: Date.now() });
  let isBroken = true;
  const broken = { ...ctx.store.health, rulesDigest: () => { if (isBroken) throw new Error('disk I/O error'); return ctx.store.health.rulesDigest(); } };
  const kept = keepHealth({ ...ctx, store: { ...ctx.store, health: broken } }, controller.signal, 5);
  try {
    await until('it to be told', () => warnings.length > 0);
    const lines = log().length;
    isBroken = false;
    await until('the next check', () => log().length > lines);
    assert.deepEqual(warnings, ['health can\'t be watched now: disk I/O error']);
  } finally {
    controller.abort();
    await kept;
  }
});
