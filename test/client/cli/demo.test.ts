/** A demo that can't succeed: what went wrong stays to be looked at. The one that succeeds is the README's own command. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { allGone, running, until } from '../../support/processes.js';
import { testCli } from '../../support/servers.js';

const BIN = path.resolve(import.meta.dirname, '../../../../bin/runbook.js');

/** No environment may stand below such a folder, which is said at once and in words: as good a reason to fail as any. */
const REFUSED = 'de\tmo';

async function demo(dir: string, ...words: string[]) {
  const env = { ...process.env, RUNBOOK_TEMPORAL_CLI: (await testCli()).file, XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: undefined };
  const child = spawn(process.execPath, [BIN, 'demo', '--dir', path.join(dir, REFUSED), '--port', '0', '--ui-port', '0', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) };
}

async function inFolder(act: (dir: string) => Promise<void>): Promise<void> {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-demo-')));
  await act(dir).finally(() => rmSync(dir, { recursive: true, force: true }));
}

test('a demo that fails says why and leaves the Web UI up until Ctrl-C; its exit code is 1', { timeout: 120_000 }, () => inFolder(async (dir) => {
  const { child, said, ended } = await demo(dir);
  try {
    await until(`the end of the demo's attempt`, () => said.err.includes('stay up until Ctrl-C') || child.exitCode !== null, 90_000);
    assert.match(said.err, /the demo did not succeed; server and Web UI stay up until Ctrl-C/, said.out + said.err);
    assert.match(said.err, /^refused: target .*: expected HOST:PATH.*, got control characters/m);
    assert.doesNotMatch(said.err, /our bug/);
    const ui = /http:\/\/127\.0\.0\.1:\d+/.exec(said.out)![0];
    assert.equal((await fetch(ui)).status, 200);
    const [self] = running([child.pid!]);
    child.kill('SIGINT');
    assert.equal(await ended, 1, said.err);
    await allGone([self!]);
    await assert.rejects(fetch(ui));
  } finally {
    // It stops server and workers, which are no children of this process's group.
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  }
}));

test('with --exit it ends at once, with the same code', { timeout: 120_000 }, () => inFolder(async (dir) => {
  const { said, ended } = await demo(dir, '--exit');
  assert.equal(await ended, 1, said.err);
  assert.doesNotMatch(said.err, /stay up/);
}));

test('a demo that is ended from outside takes server, workers and service with it', { timeout: 120_000 }, () => inFolder(async (dir) => {
  const { child, said, ended } = await demo(dir);
  await until('its Web UI', () => /http:\/\/127\.0\.0\.1:\d+/.test(said.out) || child.exitCode !== null, 90_000);
  const { pid } = JSON.parse(readFileSync(path.join(dir, 'xdg/interpreter-runbooks/current.json'), 'utf8')) as { pid: number };
  const supervisor = running([pid]);
  child.kill('SIGTERM');
  await allGone(supervisor);
  assert.notEqual(await ended, 0);
  await assert.rejects(fetch(/http:\/\/127\.0\.0\.1:\d+/.exec(said.out)![0]));
}));
