import assert from 'node:assert/strict';
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { openAgentStore, type AgentStore } from '../../activities/host/store.js';
import { CONFIG_VARIABLE, type ChildMessage } from '../../worker/child-process.js';
import { answers, type Prepared } from '../support/environments.js';
import { byClock, chainOf, exception } from '../support/exceptions.js';
import { testHost, type TestHost } from '../support/host.js';
import { until } from '../support/processes.js';
import { startDevServer } from '../support/servers.js';

const PACKAGE_ROOT = path.resolve(import.meta.dirname, '../../..');
let host: TestHost;
let store: AgentStore;
let home: string;
const started: ChildProcess[] = [];

before(() => {
  host = testHost();
  home = path.join(host.folder, 'home');
  // The store where an agent of this home looks for it.
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

/** Writes what the agent of this home reads. */
function writeAgentFile(): string {
  const file = path.join(home, 'config/agent.yaml');
  mkdirSync(path.dirname(file), { recursive: true });
  const { roots, environments } = host.ctx.agentFile;
  writeFileSync(file, stringify({ host: host.ctx.host, roots, environments }));
  return file;
}

/** The agent as a process of its own, in a group of its own. */
async function startAgent(address: string): Promise<{ child: ChildProcess; said: ChildMessage[]; stop(): Promise<void> }> {
  const config = { address, namespace: 'default', agentFile: writeAgentFile(), agentDir: host.ctx.stateDir, allowRoot: true };
  const child = fork(path.join(import.meta.dirname, '../../worker/main-agent.js'), [], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env: { ...process.env, [CONFIG_VARIABLE]: JSON.stringify(config) } });
  started.push(child);
  const said: ChildMessage[] = [];
  child.on('message', (message: ChildMessage) => said.push(message));
  const exited = once(child, 'exit');
  return { child, said, stop: async () => void (child.kill('SIGTERM'), await exited) };
}

const isBusyWith = (said: ChildMessage[], what: 'ends' | 'server'): boolean => said.some((message) => message.type === 'busy' && message.with === what);

/** An address where nothing answers. */
async function nowhere(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** Armed an hour ago; its end is so many seconds from now. */
async function endingIn(seconds: number, name: string): Promise<Prepared> {
  const now = Date.now();
  return exception(host, byClock(host, { now: now - 3_600_000 }), new Date(now + seconds * 1000).toISOString(), { name });
}

const endNow = (p: Prepared): void => store.armed.update({ ...store.armed.get(chainOf(p))!, end: new Date().toISOString() });
const isBack = (p: Prepared): boolean => store.ends.record(chainOf(p))?.outcome === 'restored';

/** The command line of this very build. */
function cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = pathToFileURL(path.join(import.meta.dirname, '../../client/cli/main.js')).href;
  const text = `const { main } = await import(${JSON.stringify(main)}); process.exitCode = await main(process.argv.slice(1));`;
  const env = { ...process.env, RUNBOOK_HOME: home, XDG_STATE_HOME: path.join(home, 'xdg'), TEMPORAL_ADDRESS: '' };
  return new Promise((resolve) => execFile(process.execPath, ['--input-type=module', '-e', text, '--', ...args], { env }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr })));
}

test('invariant 7: an end that comes while the agent waits for a server that is not there', { timeout: 120_000 }, async () => {
  const p = await endingIn(3600, 'no-server');
  const agent = await startAgent(await nowhere());
  await until('the agent to wait for its server', () => isBusyWith(agent.said, 'server'));
  assert.match(answers(p.project), /^3\.12\./);
  endNow(p);
  await until('the way back', () => isBack(p));
  assert.match(answers(p.project), /^3\.11\./);
  assert.equal(agent.child.exitCode, null);
  await agent.stop();
  assert.equal(agent.child.exitCode, 0);
});

test('invariant 7: the agent was killed before the end and started after it: back before it takes any order', { timeout: 120_000 }, async () => {
  const p = await endingIn(3600, 'killed');
  const address = await nowhere();
  const first = await startAgent(address);
  await until('the agent to wait for its server', () => isBusyWith(first.said, 'server'));
  process.kill(-first.child.pid!, 'SIGKILL');
  await once(first.child, 'exit');
  endNow(p);
  const second = await startAgent(address);
  await until('the agent to get to its server', () => isBusyWith(second.said, 'server'));
  assert.equal(isBack(p), true, 'not before what was due is back');
  assert.match(answers(p.project), /^3\.11\./);
  await second.stop();
});

test('invariant 7: the server is gone at the end, under an agent that served it', { timeout: 120_000 }, async (t) => {
  const p = await endingIn(3600, 'server-gone');
  const server = await startDevServer();
  let isStopped = false;
  t.after(() => (isStopped ? undefined : server.stop()));
  const agent = await startAgent(server.address);
  await until('the agent to be ready', () => agent.said.some(({ type }) => type === 'ready'));
  await server.stop();
  isStopped = true;
  endNow(p);
  await until('the way back', () => isBack(p));
  assert.deepEqual([agent.child.exitCode, agent.child.signalCode], [null, null], 'the same process');
  await agent.stop();
});

test('invariant 7: undo --due --local takes back what is due, with neither server nor agent; damaged: exit 4', { timeout: 120_000 }, async () => {
  const p = await endingIn(-60, 'due-local');
  const q = await endingIn(3600, 'not-due');
  writeAgentFile();
  const { code, stdout, stderr } = await cli('undo', '--due', '--local');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /due-local\/\.venv: ex-due-local ended at .*; rolled-back to 3\.11\.\d+, verified\n$/);
  assert.match(answers(p.project), /^3\.11\./);
  assert.match(answers(q.project), /^3\.12\./);
  const again = await cli('undo', '--due', '--local', '--json');
  assert.deepEqual([again.code, again.stdout], [0, '[]\n']);
  assert.equal((await cli('undo', '--due', '--local')).stdout, 'nothing is due\n');

  const damaged = await endingIn(-60, 'due-damaged');
  const tree = path.join(damaged.project.venvs, damaged.old);
  chmodSync(tree, 0o755);
  writeFileSync(path.join(tree, 'injected.pth'), '');
  writeAgentFile();
  const incomplete = await cli('undo', '--due', '--local');
  assert.equal(incomplete.code, 4);
  assert.match(incomplete.stdout, /rollback-incomplete: .*as armed/);
  unlinkSync(path.join(tree, 'injected.pth'));
  chmodSync(tree, 0o555);
  assert.equal((await cli('undo', '--due', '--local', '--boot')).code, 0);
});

test('undo --due wants --local and nothing beside; a target wants a reason', { timeout: 60_000 }, async () => {
  const cases: [string[], RegExp][] = [
    [['--due'], /--due without --local/],
    [['--boot', '--local'], /--boot without --due/],
    [['/srv/x', '--due', '--local'], /--due with \/srv\/x/],
    [['--due', '--local', '--reason', 'x'], /--due with --reason/],
    [['--local', '--reason', 'x'], /missing required argument 'target'/],
    [['/srv/x'], /required option '--reason <text>' not specified/],
  ];
  for (const [words, says] of cases) {
    const { code, stdout, stderr } = await cli('undo', ...words);
    assert.deepEqual([code, stdout, says.test(stderr)], [64, '', true], `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, /^refused: .+/m);
  }
});

test('the units for a host: what ended is taken back before agent and services, by a command that is one', () => {
  const read = (name: string): string => readFileSync(path.join(PACKAGE_ROOT, `deploy/systemd/interpreter-runbooks-${name}.service`), 'utf8');
  assert.match(read('expire'), /^Before=interpreter-runbooks-agent\.service$/m);
  assert.match(read('expire'), /^ExecStart=\/usr\/local\/bin\/runbook undo --due --local --boot$/m);
  assert.match(read('expire'), /^Type=oneshot$/m);
  assert.match(read('agent'), /^After=.*interpreter-runbooks-expire\.service$/m);
  assert.match(read('agent'), /^Restart=always$/m);
});
