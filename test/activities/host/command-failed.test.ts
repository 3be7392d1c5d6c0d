import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { askAgainIfEnded, throwIfEnded } from '../../../activities/host/command-failed.js';
import { runCommand, type CommandResult } from '../../../activities/host/command.js';
import { helperPython, treeInterpreter } from '../../../activities/host/interpreters.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { importModules, starter } from '../../../activities/host/tree-checks.js';
import type { CommandFailure } from '../../../policy/names.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
let folder: string;
let python: string;
before(async () => {
  host = testHost();
  folder = mkdtempSync(join(tmpdir(), 'ended-'));
  python = await helperPython(host.ctx);
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
  host.close();
});

/** A child that ends itself by a signal, as somebody else would end it. */
function endedBy(signal: string, timeoutMs = 20_000): Promise<CommandResult> {
  const text = signal === 'never' ? 'import time; time.sleep(60)' : `import os, signal; os.kill(os.getpid(), signal.${signal})`;
  return runCommand({ file: python, args: ['-I', '-c', text], cwd: '/', owner: agentOwner(), timeoutMs });
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'] as const) {
  test(`invariant 10: a command that ${signal} ended could not tell, and is tried again`, async () => {
    const result = await endedBy(signal);
    assert.throws(() => throwIfEnded('the tests', result), (error: ApplicationFailure) => {
      const { class: kind } = error.details![0] as CommandFailure;
      return error.nonRetryable === false && kind === 'KILLED' && error.message.includes(`it was ended by ${signal}`);
    });
  });
}

test('invariant 10: a command whose failure is an answer is given again when others ended it; ended each time, that is its answer', async () => {
  const [ended, crashed] = [await endedBy('SIGKILL'), await endedBy('SIGSEGV')];
  for (const attempt of [1, 2, 3, 4]) {
    assert.throws(() => askAgainIfEnded('a build', ended, testScope(attempt)), { type: 'CommandFailed', nonRetryable: false });
    askAgainIfEnded('a build', crashed, testScope(attempt));
  }
  askAgainIfEnded('a build', ended, testScope(5));
});

test('a command that crashed, failed or was too slow has said no', async () => {
  for (const result of [await endedBy('SIGSEGV'), await endedBy('SIGABRT'), await endedBy('never', 300)]) {
    assert.equal(result.failed, true);
    throwIfEnded('the tests', result);
  }
});

test('an import that others end is no verdict on its module; one that crashes is', async () => {
  const start = starter(host.ctx, agentOwner(), {});
  const module = (name: string, signal: string) => writeFileSync(join(folder, `${name}.py`), `import os, signal\nos.kill(os.getpid(), signal.${signal})\n`);
  module('killed', 'SIGKILL');
  module('crashes', 'SIGSEGV');
  await assert.rejects(importModules(host.ctx, start, python, [{ name: 'json' }, { name: 'killed', folder }]), /import of killed .*ended by signal 9/);
  const { ok, failures } = await importModules(host.ctx, start, python, [{ name: 'crashes', folder }]);
  assert.deepEqual([ok, failures.map(({ module }) => module)], [false, ['crashes']]);
});

test('an interpreter that others end is not one that does not run', async () => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  writeFileSync(join(tree, 'bin/python'), '#!/bin/sh\nkill -KILL $$\n', { mode: 0o755 });
  await assert.rejects(treeInterpreter(host.ctx, tree, agentOwner()), /ended by SIGKILL/);
});
