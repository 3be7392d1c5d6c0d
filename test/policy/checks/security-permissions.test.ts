import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWorldWritable } from '../../../policy/checks/file-mode.js';
import { securityPermissions } from '../../../policy/checks/security-permissions.js';
import { goodFacts, rules } from '../../support/check-facts.js';

const judged = (modes: Record<string, number | null>) => securityPermissions.judge(goodFacts({ files: Object.entries(modes).map(([path, mode]) => ({ path, mode })) }), rules());
const GOOD = { 'requirements.txt': 0o644, 'requirements.lock': 0o644, '.smvm_config': 0o600 };

test('DEF-01: only the others-write bit counts, of every mode', () => {
  for (let mode = 0; mode <= 0o7777; mode += 1) assert.equal(isWorldWritable(mode), ['2', '3', '6', '7'].includes(mode.toString(8).at(-1)!), mode.toString(8));
  assert.equal(isWorldWritable(0o100644), false);
  assert.equal(isWorldWritable(0o100666), true);
});

test('PF-14, DEF-01: 644 is secure, 664 too; 666 fails with the file and the command that repairs it', () => {
  assert.equal(judged(GOOD).status, 'pass');
  assert.equal(judged({ ...GOOD, 'requirements.txt': 0o664 }).status, 'pass');
  const open = judged({ ...GOOD, 'requirements.lock': 0o666 });
  assert.equal(open.status, 'fail');
  assert.equal(open.lines[0], '1 file can be written by everybody');
  assert.ok(open.lines.includes('requirements.lock: everybody may write it (mode 666)'));
  assert.equal(open.remedy, 'chmod o-w /srv/pricer/requirements.lock');
});

test('PF-14: a file that is not there is noted, and does not fail', () => {
  const absent = judged({ ...GOOD, '.smvm_config': null });
  assert.equal(absent.status, 'pass');
  assert.ok(absent.lines.includes('.smvm_config: not present'));
});

test('DIS-12: all files of the list are judged, whatever others were looked at', () => {
  assert.equal(judged({ ...GOOD, 'notes.txt': 0o666 }).status, 'pass');
  assert.deepEqual(rules().criticalFiles, ['requirements.txt', 'requirements.lock', '.smvm_config']);
});

test('DEF-17: a file whose permissions were not read is unknown, and counts less than one known to be open', () => {
  const { '.smvm_config': _left, ...two } = GOOD;
  assert.equal(judged(two).status, 'unknown');
  assert.equal(judged({ 'requirements.txt': 0o666 }).status, 'fail');
});
