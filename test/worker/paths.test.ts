import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readCurrent, removeCurrent, writeCurrent, type CurrentInstance } from '../../worker/current.js';
import { runbookPaths } from '../../worker/paths.js';
import { identify, isRunning, startTimeOf } from '../../worker/process-identity.js';
import { temporaryFolder } from '../support/servers.js';

const instance = (pid: number, startTime: string | null): CurrentInstance => ({ address: '127.0.0.1:7233', namespace: 'default', uiUrl: null, home: null, pid, startTime, host: 'h', children: { server: 1, control: 2, agent: 3 } });

test('paths follow the XDG folders, with their defaults', () => {
  const paths = runbookPaths({ HOME: '/home/ada', XDG_STATE_HOME: '/var/ada' });
  assert.equal(paths.policyFile, '/home/ada/.config/interpreter-runbooks/policy.yaml');
  assert.equal(paths.recordsDb, '/var/ada/interpreter-runbooks/records.db');
  assert.equal(paths.cacheDir, '/home/ada/.cache/interpreter-runbooks');
  assert.equal(paths.currentFile, '/var/ada/interpreter-runbooks/current.json');
  assert.equal(paths.home, null);
});

test('a relative XDG folder is ignored, as its specification says', () => {
  assert.equal(runbookPaths({ HOME: '/home/ada', XDG_CONFIG_HOME: 'here' }).configDir, '/home/ada/.config/interpreter-runbooks');
});

test('RUNBOOK_HOME holds a whole instance, but not the pointer to it', () => {
  const paths = runbookPaths({ HOME: '/home/ada', RUNBOOK_HOME: '/srv/r', XDG_CONFIG_HOME: '/etc/ada' });
  assert.deepEqual([paths.configDir, paths.stateDir, paths.cacheDir], ['/srv/r/config', '/srv/r/state', '/srv/r/cache']);
  assert.ok(Object.entries(paths).every(([name, value]) => name === 'currentFile' || value!.startsWith('/srv/r')));
  assert.equal(paths.currentFile, '/home/ada/.local/state/interpreter-runbooks/current.json');
});

test('the pointer is for its user only, and found while its process runs', (t) => {
  const { dir, remove } = temporaryFolder();
  t.after(remove);
  const file = path.join(dir, 'state/current.json');
  assert.equal(readCurrent(file), null);
  const written = { ...instance(process.pid, null), ...identify(process.pid) };
  writeCurrent(file, written);
  assert.deepEqual(readCurrent(file), written);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a pointer of an ended process, of another process with its pid, or of nonsense is no instance', async (t) => {
  const { dir, remove } = temporaryFolder();
  t.after(remove);
  const file = path.join(dir, 'current.json');
  const child = spawn('/bin/sleep', ['60']);
  const identity = identify(child.pid!);
  writeCurrent(file, { ...instance(0, null), ...identity });
  assert.equal(readCurrent(file)?.pid, child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(readCurrent(file), null);
  writeCurrent(file, instance(process.pid, `${startTimeOf(process.pid)}0`));
  assert.equal(readCurrent(file), null);
  writeCurrent(file, instance(process.pid, null));
  assert.equal(readCurrent(file), null);
  for (const nonsense of ['', '{', '{}', 'null']) {
    writeFileSync(file, nonsense);
    assert.equal(readCurrent(file), null, nonsense);
  }
});

test('an instance removes its own pointer, not that of a later one', (t) => {
  const { dir, remove } = temporaryFolder();
  t.after(remove);
  const file = path.join(dir, 'current.json');
  writeCurrent(file, { ...instance(0, null), ...identify(process.pid) });
  removeCurrent(file, process.pid + 1);
  assert.ok(existsSync(file));
  removeCurrent(file, process.pid);
  assert.ok(!existsSync(file));
});

test('a zombie is not a running process', async () => {
  // A shell that never waits: its child stays a zombie until the shell ends.
  const parent = spawn('/usr/bin/env', ['python3', '-c', 'import os,sys,time\npid=os.fork()\nif pid==0: os._exit(0)\nos.waitid(os.P_PID,pid,os.WEXITED|os.WNOWAIT)\nprint(pid,flush=True)\ntime.sleep(60)'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(line.toString());
  assert.ok(existsSync(`/proc/${zombie}`));
  assert.ok(!isRunning(identify(zombie)));
  parent.kill('SIGKILL');
});
