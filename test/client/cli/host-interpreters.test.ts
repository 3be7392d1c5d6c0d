/** `runbook host interpreters`: what is installed, and what runs without the policy's leave. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { hostCommand } from '../../../client/cli/commands/host.js';
import { linesOf } from '../../../client/cli/commands/host-interpreters.js';
import type { ForeignInterpreter } from '../../../policy/checks/results.js';
import { checkCli, type CheckCli } from '../../support/check-cli.js';
import { someInterpreter } from '../../support/host.js';
import { inProcess } from '../../support/in-process.js';

let it: CheckCli;
before(() => (it = checkCli()));
after(() => it.close());

const interpreters = (...words: string[]) => inProcess(hostCommand, 'host', 'interpreters', ...words);

test('PV-35: a process on an interpreter the policy does not approve is told, with its version, and the exit code is 1', { timeout: 60_000 }, async () => {
  const { realpath, version } = await someInterpreter(it.bench.host.ctx, '3.11');
  const child = spawn(realpath, ['-I', '-c', 'print("up", flush=True); input()'], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(child.stdout, 'data');
    const { code, stdout } = await interpreters('--json');
    assert.equal(code, 1, stdout);
    const told = JSON.parse(stdout) as { interpreters: { version: string; role: string }[]; foreign: ForeignInterpreter[] };
    const found = told.foreign.find(({ path }) => path === realpath)!;
    assert.equal(found.version, version);
    assert.ok(found.processes >= 1);
    assert.match(found.why, /not an approved version/);
    assert.equal(told.interpreters.find((one) => one.version === version)!.role, 'not approved');
    assert.equal(told.interpreters.find((one) => one.version.startsWith('3.12.'))!.role, 'primary');
    const text = await interpreters();
    assert.match(text.stdout, new RegExp(`^✗ ${version.replaceAll('.', '\\.')} .*\\d+ running: `, 'm'));
    assert.match(text.stderr, /^ {2}try: /m);
    // Approved, it is no offence.
    it.policy({ interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version, justification: 'test' } } });
    const approved = JSON.parse((await interpreters('--json')).stdout) as { foreign: ForeignInterpreter[] };
    assert.equal(approved.foreign.some(({ path }) => path === realpath), false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    it.policy();
  }
});

test('bad input: a policy that is not there', async () => {
  const { code, stderr } = await interpreters('--policy', 'nosuch');
  assert.equal(code, 64);
  assert.match(stderr, /nothing was started$/);
});

test('a folder\'s name can neither write a line nor colour one', () => {
  const path = '/tmp/a\n\u001b[31m/python3';
  const lines = linesOf([], [{ path, version: '3.9.1', processes: 1, why: `used by ${path}` }]);
  assert.equal(lines.at(-1), '✗ 3.9.1 /tmp/a [31m/python3  1 running: used by /tmp/a [31m/python3');
});
