/** Cases of `ssh-tool.test.ts`: another program stands where ssh-keygen was, in a mount namespace of this process. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { judgeSignature, judgeSignatureSync, signText } from '../../activities/ssh-keygen.js';
import { findSshKeygen } from '../../activities/ssh-tool.js';
import { signersSchema } from '../../policy/files/people.js';
import { needsMounts } from '../support/own-mounts.js';
import { makePeople } from '../support/people.js';

const folder = mkdtempSync(path.join(tmpdir(), 'ssh-tool-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { alice } = makePeople(folder, ['alice'] as const);
const TEXT = 'interpreter-runbooks approval 1\n';
const real = findSshKeygen();

const good = await signText(alice.file, 'runbook.approval', TEXT);
const question = (text: string) => ({ signers: signersSchema.parse({ people: { alice: { keys: [{ key: alice.line }] } } }), namespace: 'runbook.approval' as const, text, signature: good, t: '2025-11-22T11:32:08Z' });

/** With `content` as an executable in the place of ssh-keygen. */
async function instead(content: string | null, act: () => Promise<void>): Promise<void> {
  const other = content === null ? '/dev/null' : path.join(folder, 'other');
  if (content !== null) writeFileSync(other, content, { mode: 0o755 });
  execFileSync('mount', ['--bind', other, real]);
  try {
    await act();
  } finally {
    execFileSync('umount', ['-l', real]);
  }
}

async function isUnavailable(asked: () => unknown, pattern: RegExp): Promise<void> {
  const error = await Promise.resolve().then(asked).then(() => assert.fail('it was judged'), (caught: unknown) => caught);
  assert.ok(error instanceof ApplicationFailure, String(error));
  assert.deepEqual([error.type, error.nonRetryable], ['SignaturesUnavailable', false]);
  assert.match(error.message, pattern);
}

test('the control case: with ssh-keygen itself one is valid and the other is not', async () => {
  assert.equal((await judgeSignature(question(TEXT))).valid, true);
  assert.match((await judgeSignature(question('other\n'))).reason, /does not match/);
});

const broken: [string, string | null, RegExp][] = [
  ['is gone', null, /in none of \/usr\/bin/],
  ['says no to everything', '#!/bin/sh\necho "Could not verify signature."\nexit 255\n', /known to be good/],
  ['ends by a signal', '#!/bin/sh\nkill -9 $$\n', /ssh-keygen: /],
  ['says something else', '#!/bin/sh\necho fine\n', /expected "Good/],
  ['talks without end', '#!/bin/sh\nexec yes good\n', /ssh-keygen: /],
];
for (const [what, content, pattern] of broken) {
  test(`where ssh-keygen ${what} nothing is invalid: it could not be told`, { skip: needsMounts }, async () => {
    await instead(content, async () => {
      for (const text of [TEXT, 'other\n']) {
        await isUnavailable(() => judgeSignature(question(text)), pattern);
        await isUnavailable(() => judgeSignatureSync(question(text)), pattern);
      }
    });
    assert.equal((await judgeSignature(question(TEXT))).valid, true, 'and afterwards it is judged');
  });
}

test('where ssh-keygen hangs it is ended, and it could not be told', { skip: needsMounts }, async () => {
  await instead('#!/bin/sh\nexec sleep 600\n', () => isUnavailable(() => judgeSignatureSync(question(TEXT)), /ETIMEDOUT|SIGKILL/));
});
