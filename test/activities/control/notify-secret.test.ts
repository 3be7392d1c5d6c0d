import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readCa, readSecret } from '../../../activities/control/notify-secret.js';
import { fileFor, folderFor } from '../../support/receivers.js';

const secretOf = async (file: string): Promise<string> => {
  const read = await readSecret(file, 'password');
  return 'secret' in read ? read.secret : assert.fail(read.problem);
};
const problemOf = async (file: string): Promise<string> => {
  const read = await readSecret(file, 'password');
  return 'problem' in read ? read.problem : assert.fail('it was read');
};

test('the one line of a file of its owner, without its line end; through a link too', async (t) => {
  for (const [text, mode] of [['s3 cret', 0o600], ['s3 cret\n', 0o400], ['s3 cret\r\n', 0o600]] as const) assert.equal(await secretOf(fileFor(t, text, mode)), 's3 cret');
  const link = path.join(folderFor(t), 'link');
  symlinkSync(fileFor(t, 'behind'), link);
  assert.equal(await secretOf(link), 'behind');
});

test('invariant 13: a file that others may read, write or enter is refused with its mode and the way out, and not read out', async (t) => {
  for (const mode of [0o604, 0o640, 0o644, 0o620, 0o601, 0o610, 0o4644]) {
    const file = fileFor(t, 'hunter2-hunter2', mode);
    const problem = await problemOf(file);
    assert.ok(problem.startsWith(`${file}: expected a file that only its owner may read, got mode ${mode.toString(8).padStart(4, '0')}; chmod 600 ${file}`), problem);
    assert.doesNotMatch(problem, /hunter2/);
    chmodSync(file, 0o600);
    assert.equal(await secretOf(file), 'hunter2-hunter2', 'the way out is one');
  }
});

test('a file of another user is refused', { skip: process.geteuid?.() === 0 ? false : 'needs root to give a file away' }, async (t) => {
  const file = fileFor(t, 'theirs');
  chownSync(file, 12_345, 12_345);
  assert.match(await problemOf(file), /expected a file of user 0 or root, got one of user 12345/);
});

test('what is no secret on one line is refused in words, and a FIFO holds nothing up', async (t) => {
  const folder = folderFor(t);
  const fifo = path.join(folder, 'fifo');
  execFileSync('mkfifo', ['-m', '600', fifo]);
  mkdirSync(path.join(folder, 'directory'), { mode: 0o700 });
  const cases: [string, RegExp][] = [
    [path.join(folder, 'none'), /got ENOENT$/],
    [path.join(folder, 'directory'), /got something else$/],
    [fifo, /got something else$/],
    [fileFor(t, ''), /got an empty file$/],
    [fileFor(t, '\n'), /got an empty file$/],
    [fileFor(t, 'one-secret\ntwo-secret\n'), /got several lines or control characters$/],
    [fileFor(t, 'nul-secret\0'), /got several lines or control characters$/],
    [fileFor(t, 'long-secret'.repeat(400)), /at most 4096 bytes, got more$/],
  ];
  for (const [file, expected] of cases) {
    const problem = await problemOf(file);
    assert.match(problem, expected);
    assert.doesNotMatch(problem, /-secret/);
  }
  assert.equal((await secretOf(fileFor(t, 'x'.repeat(4096)))).length, 4096);
});

test('a CA bundle may be read by anybody, and is one', async (t) => {
  const file = fileFor(t, 'private notes', 0o644);
  const read = await readCa(file);
  assert.deepEqual(read, { problem: `${file}: expected certificates in PEM form` });
  writeFileSync(file, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
  assert.ok('secret' in (await readCa(file)));
});
