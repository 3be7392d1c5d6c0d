import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSigners } from '../../../activities/host/signers.js';

let folder: string;
let file: string;
/** Who owns what this test makes. */
const uid = process.geteuid!();
const OTHER = uid + 4321;
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'signers-')));
  chmodSync(folder, 0o755);
  file = join(folder, 'signers.yaml');
  writeFileSync(file, 'roles: { cab: [alice] }\n');
  chmodSync(file, 0o644);
});
after(() => rmSync(folder, { recursive: true, force: true }));

const words = (agentUid: number, ownerUid: number, at: string | null = file): string => {
  const read = readSigners({ file: at, agentUid, ownerUid });
  return 'signers' in read ? 'believed' : read.objections.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join('\n');
};

test('invariant 6: a list is believed when neither the project\'s owner nor anybody beside root (a root agent) could have written it', () => {
  assert.equal(words(OTHER, OTHER), 'believed', 'an agent that is not root, a list of another user or root');
  if (uid === 0) {
    assert.equal(words(0, OTHER), 'believed');
    assert.equal(words(0, 0), 'believed', 'a project of root itself');
  } else {
    assert.match(words(uid, uid), /expected to be owned by root, or by a user other than the project's owner, got user \d+/, 'the agent is the project\'s owner, and so is the list\'s');
    assert.match(words(0, OTHER), /expected to be owned by root, got user \d+/);
  }
});

test('a list has the host\'s rules with their defaults', () => {
  const read = readSigners({ file, agentUid: OTHER, ownerUid: OTHER });
  assert.ok('signers' in read);
  assert.deepEqual(read.signers.warrants, { change: [{ role: 'cab', quorum: 2 }], fallback: 'policy', exception: [{ role: 'cab', quorum: 2 }] });
  assert.deepEqual([read.signers.namespace, read.signers.maxExceptionHours, read.signers.roles], ['default', 72, { cab: ['alice'] }]);
});

test('invariant 6: no list, a relative step in its path, a link on the way, what is too large: refused in words', () => {
  assert.match(words(OTHER, OTHER, null), /"signers" in the agent file: expected the file of people, keys and roles.*got none/);
  assert.match(words(OTHER, OTHER, join(folder, 'nowhere/signers.yaml')), /nowhere: expected a folder on the way to the signers file, and no link, got nothing there/);
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'linked'));
  writeFileSync(join(folder, 'real/signers.yaml'), '');
  assert.match(words(OTHER, OTHER, join(folder, 'linked/signers.yaml')), /linked: expected a folder.*got a link/);
  assert.equal(words(OTHER, OTHER, `${folder}/linked/../signers.yaml`), 'believed', 'the path is read as it is written: no link is gone through');
  writeFileSync(join(folder, 'large.yaml'), '#'.repeat(1024 * 1024 + 1));
  assert.match(words(OTHER, OTHER, join(folder, 'large.yaml')), /expected at most 1048576 bytes, got 1048577/);
});
