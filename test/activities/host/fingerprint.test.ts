import assert from 'node:assert/strict';
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MOST_NAMES, stampDifferences, stampTree } from '../../../activities/host/fingerprint.js';
import { noteChanges } from '../../../activities/host/changes.js';
import { snapshots } from '../../../activities/host/snapshot.js';
import { testHost, type TestHost } from '../../support/host.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

const PACKAGES = 'lib/python3.11/site-packages';

/** An environment as far as looks from outside go. */
function environment(name: string): { link: string; tree: string } {
  const { env, venvs } = host.project(name, { 'requirements.txt': '' });
  const tree = join(venvs, 'old-1');
  mkdirSync(join(tree, PACKAGES), { recursive: true });
  mkdirSync(join(tree, 'bin'));
  writeFileSync(join(tree, PACKAGES, 'one'), '');
  symlinkSync('.venvs/old-1', env.link);
  host.ctx.agentFile.environments.push({ link: env.link, onSwitch: 'idle', units: [] });
  return { link: env.link, tree };
}

/** Hard links: quickly made, and gone with their folder. */
function fill(folder: string, count: number): void {
  for (let i = 0; i < count; i += 1) {
    // A file has at most 65,000 names.
    if (i % 50_000 === 0) writeFileSync(join(folder, `of-${i}`), '');
    linkSync(join(folder, `of-${i - (i % 50_000)}`), join(folder, `name-${i}`));
  }
}

const look = (isFull = false) => noteChanges(host.ctx, snapshots(host.ctx), isFull);

test('a folder with very many names is one stamp that stays the same; that it came to be and went is news', () => {
  const { link, tree } = environment('crowded');
  const before = stampTree(tree, true);
  assert.equal(look(true).isChanged, false);
  const folder = join(tree, PACKAGES);
  fill(folder, 100_000);
  const crowded = stampTree(tree, true);
  assert.deepEqual([Object.keys(crowded.files).filter((path) => path.startsWith(PACKAGES)), crowded.files['bin'] !== undefined], [[`${PACKAGES}/`], true]);
  assert.deepEqual(stampDifferences(before, crowded), ['lib/python3.11/site-packages/ has too many names to watch']);
  assert.deepEqual(stampDifferences(crowded, before), ['lib/python3.11/site-packages/ has few enough names to watch again']);
  assert.match(look().drift.find((one) => one.link === link)!.what, /too many names to watch/);
  assert.ok(host.ctx.store.events.fingerprint(link)!.length < 2_000);
  writeFileSync(join(folder, 'one-more'), '');
  assert.deepEqual(look(), { isChanged: false, drift: [] });
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  assert.equal(look().isChanged, true);
});

test('very many folders have no more names than one', () => {
  const { tree } = environment('many-lines');
  for (let i = 0; i < 100; i += 1) mkdirSync(join(tree, `lib/python4.${i}/site-packages`), { recursive: true });
  for (let i = 0; i < 5; i += 1) {
    const folder = join(tree, `lib/python4.${i}/site-packages`);
    fill(folder, 8_000);
  }
  assert.ok(Object.keys(stampTree(tree, true).files).length < MOST_NAMES + 100);
  rmSync(join(tree, 'lib'), { recursive: true });
});

test('what did not change is not read again from the store', () => {
  const { link } = environment('quiet');
  look(true);
  const { events } = host.ctx.store;
  const original = events.fingerprint;
  let reads = 0;
  events.fingerprint = (one) => {
    reads += Number(one === link);
    return original(one);
  };
  try {
    assert.deepEqual([look(), look()], [{ isChanged: false, drift: [] }, { isChanged: false, drift: [] }]);
    assert.equal(reads, 0);
  } finally {
    events.fingerprint = original;
  }
});
