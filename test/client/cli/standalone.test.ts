/** `runbook worker` and `runbook agent` as processes of their own beside a server that knows nothing of runbooks. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startDevServer, temporaryFolder } from '../../support/servers.js';

const BIN = path.resolve(import.meta.dirname, '../../../../bin/runbook.js');

test('an existing server: the worker registers what it needs, the agent answers, and an environment is made', { timeout: 240_000 }, async () => {
  const { dir: made, remove } = temporaryFolder('standalone');
  const dir = realpathSync(made);
  const server = await startDevServer({ searchAttributes: {} });
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_STATE_HOME: undefined, RUNBOOK_HOME: undefined, HOME: dir, PYENV_ROOT: process.env['PYENV_ROOT'] ?? path.join(process.env['HOME'] ?? '/', '.pyenv'), TEMPORAL_ADDRESS: server.address };
  const cli = (...args: string[]) => new Promise<{ code: number; text: string }>((resolve) => execFile(process.execPath, [BIN, ...args], { env }, (error, out, err) => resolve({ code: error ? Number(error.code) : 0, text: out + err })));
  const project = path.join(dir, 'project');
  mkdirSync(project);
  writeFileSync(path.join(project, 'requirements.txt'), 'six==1.16.0\n');
  const children: ChildProcess[] = [];
  try {
    assert.equal((await cli('init', project)).code, 0);
    children.push(spawn(process.execPath, [BIN, 'worker'], { env, stdio: 'ignore' }), spawn(process.execPath, [BIN, 'agent', '--allow-root'], { env, stdio: 'ignore' }));
    let doctor = '';
    while (!/✓ agent {10}/.test(doctor) || !/✓ control worker/.test(doctor)) doctor = (await cli('doctor')).text;
    const { code, text } = await cli('env', 'create', project, '--yes');
    assert.equal(code, 0, text);
    assert.match((await cli('why', project)).text, /^3\.12/);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await Promise.all(children.map((child) => new Promise((resolve) => (child.exitCode === null && child.signalCode === null ? child.once('exit', resolve) : resolve(null)))));
    await server.stop();
    remove();
  }
});
