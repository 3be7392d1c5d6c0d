/** Commands where nothing answers: could not tell (69), with the way out, and nothing left behind. Each is a process of its own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { testCli } from '../../support/servers.js';

const BIN = path.resolve(import.meta.dirname, '../../../../bin/runbook.js');
const project = mkdtempSync(path.join(tmpdir(), 'runbooks-project-'));
writeFileSync(path.join(project, 'requirements.txt'), 'alpha==1.0\n');
after(() => rmSync(project, { recursive: true }));

interface Answer {
  code: number;
  stderr: string;
  /** Every path below its home afterwards. */
  left: string[];
}

/** Not fetched anew into each of these homes. */
const cli = (await testCli()).file;

/** A command where no instance was ever started; `address`: of a Temporal service that the environment names. */
function elsewhere(words: string[], address?: string): Promise<Answer> {
  const home = mkdtempSync(path.join(tmpdir(), 'runbooks-nowhere-'));
  mkdirSync(path.join(home, 'home/config'), { recursive: true });
  writeFileSync(path.join(home, 'home/config/agent.yaml'), stringify({ roots: [project] }));
  const env = { ...process.env, XDG_STATE_HOME: path.join(home, 'state'), RUNBOOK_HOME: path.join(home, 'home'), TEMPORAL_ADDRESS: address, RUNBOOK_TEMPORAL_CLI: cli };
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...words], { env }, (error, _stdout, stderr) => {
      const left = readdirSync(home, { recursive: true, encoding: 'utf8' });
      rmSync(home, { recursive: true });
      resolve({ code: error === null ? 0 : Number(error.code), stderr, left });
    });
  });
}

for (const words of [['plan', 'change', project], ['run', 'change', project, '--yes'], ['undo', project, '--reason', 'x']]) {
  test(`no server: ${words[0]} could not tell, and names the way out`, { timeout: 30_000 }, async () => {
    const { code, stderr, left } = await elsewhere(words);
    assert.equal(code, 69, stderr);
    for (const part of [/^refused: the Temporal server: expected one that answers, got none configured and none running$/m, /^ {2}try: runbook up/m, /^nothing was started$/m]) assert.match(stderr, part);
    assert.deepEqual(left.sort(), ['home', 'home/config', 'home/config/agent.yaml']);
  });
}

test('a server address where nobody listens: could not tell', { timeout: 30_000 }, async () => {
  const { code, stderr } = await elsewhere(['run', 'change', project, '--yes'], '127.0.0.1:9');
  assert.equal(code, 69, stderr);
  assert.match(stderr, /no answer at 127\.0\.0\.1:9[^]*try: [^]*TEMPORAL_ADDRESS/);
});

test('up on a port that is taken names the port, and leaves nothing running', { timeout: 60_000 }, async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await elsewhere(['up', '--allow-root', '--port', String(port), '--ui-port', '0']);
  taken.close();
  assert.equal(code, 69, stderr);
  assert.match(stderr, new RegExp(`^refused: .*port ${port}`, 'm'));
  assert.match(stderr, /--port/);
  assert.match(stderr, /nothing was started/);
});
