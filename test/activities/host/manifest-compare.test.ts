import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readExpected } from '../../../activities/host/manifest-compare.js';
import { testHost, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

test('a look at a tree ends soon after twice the entries that it should have and 10,000, and says so; up to there differences are named', () => {
  const digest = 'a'.repeat(64);
  const tree = join(host.folder, 'tree');
  mkdirSync(join(host.ctx.stateDir, 'manifests'), { recursive: true });
  mkdirSync(join(tree, 'full'), { recursive: true, mode: 0o755 });
  writeFileSync(join(tree, 'one.py'), '', { mode: 0o644 });
  writeFileSync(join(host.ctx.stateDir, 'manifests', digest), `d\t755\t-\t-\tfull\nf\t644\t0\t${createHash('sha256').digest('hex')}\tone.py\n`);
  const look = readExpected(host.ctx, digest)!;
  assert.deepEqual(look(tree), []);
  const most = 2 * 2 + 10_000;
  for (let at = 0; at < most - 2; at++) writeFileSync(join(tree, 'full', String(at)), '');
  assert.equal(look(tree).length, most - 2, 'each named');
  writeFileSync(join(tree, 'full', 'more'), '');
  assert.deepEqual(look(tree), [`it has more than ${most} entries, expected 2`]);
  // Spread over folders it is counted as well.
  mkdirSync(join(tree, 'other'));
  assert.deepEqual(look(tree), [`it has more than ${most} entries, expected 2`]);
});
