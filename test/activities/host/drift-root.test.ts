import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, lstatSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { verifyLink } from '../../../activities/host/verify-link.js';
import { driftBench, isRoot, type DriftBench, type Drifting } from '../../support/drift.js';
import { testScope } from '../../support/host.js';
import { asPresent, byHand, goLive, watcher } from '../../support/live.js';

const NEEDS_ROOT = isRoot ? false : 'only root ignores the modes of a read-only tree';

let bench: DriftBench;
before(async () => {
  bench = await driftBench();
});
after(() => bench.close());

describe('drift: as root, who ignores modes, each of these is noticed by the watch and named by the next plan', { skip: NEEDS_ROOT }, () => {
  const root = agentOwner();
  const hands: [string, (at: Drifting) => Promise<unknown> | void, RegExp][] = [
    ...(['uv pip install', 'pip install'] as const).map((name): [string, (at: Drifting) => Promise<unknown>, RegExp] => [
      name, async (at) => assert.equal((await byHand(root, at.project.path, ...bench.commands(at)[name]!)).code, 0), /site-packages\/extra(-1\.0\.dist-info|\.py) appeared/,
    ]),
    ['uv pip uninstall', async (at) => assert.equal((await byHand(root, at.project.path, ...bench.commands(at)['uv pip uninstall']!)).code, 0), /site-packages\/alpha is gone, .*alpha-1\.0\.dist-info is gone/],
    ['uv venv --clear', async (at) => assert.equal((await byHand(root, at.project.path, ...bench.commands(at)['uv venv --clear']!)).code, 0), /verified: \.complete is gone, .* and \d+ more;/],
    ['python -m venv --clear', (at) => byHand(root, at.project.path, ...bench.commands(at)['python -m venv --clear']!), /\.complete is gone/],
    ['rm -rf .venv/', async (at) => assert.equal((await byHand(root, at.project.path, '/bin/rm', '-rf', '.venv/')).code, 0), /\.complete is gone.* bin is gone, lib is gone/],
    // Nothing at the top of the tree shows it: found by the next whole look.
    ['edits in place', ({ site, python }) => {
      appendFileSync(join(site, 'alpha/__init__.py'), 'VALUE = 2\n');
      writeFileSync(join(site, 'alpha/other.py'), 'VALUE = 7\n');
      chmodSync(join(site, 'alpha/deep/inner.py'), 0o666);
      appendFileSync(join(site, `alpha/__pycache__/__init__.cpython-${python.version.split('.').slice(0, 2).join('')}.pyc`), 'x');
    }, /__init__\.py was changed, .*__init__\.cpython-\d+\.pyc was changed, .*inner\.py has mode 666, was 444, .*other\.py was changed;/],
    ['a dropped .pth and .pyc', ({ site }) => ['dropped.pth', 'dropped.pyc'].forEach((name) => writeFileSync(join(site, name), '')), /site-packages\/dropped\.pth appeared, .*site-packages\/dropped\.pyc appeared/],
    ['a removed seal', ({ tree }) => unlinkSync(join(tree, '.complete')), /\.complete is gone/],
    ['a forged seal', ({ tree }) => writeFileSync(join(tree, '.complete'), readFileSync(join(tree, '.complete'), 'utf8').replace(/"manifestDigest": "[0-9a-f]{6}/, '"manifestDigest": "abcdef')), /\.complete was changed/],
  ];
  for (const [what, change, words] of hands) {
    test(what, async () => {
      const own = bench.another();
      try {
        const at = await bench.live(root, own);
        const watch = watcher({ ...own.ctx });
        await watch.next('check-in');
        await change(at);
        // A new process looks at everything; so does each hour.
        const event = what === 'edits in place' ? await watcher({ ...own.ctx }, 50).next('changed') : await watch.next('changed');
        assert.equal(event.drift?.[0]?.link, at.project.env.link);
        assert.match(event.drift[0].what, words);
        assert.match(event.drift[0].what, new RegExp(`differs from what ${at.run} verified: .*; runbook run change ${at.project.path} rebuilds it`));
        const { current, objections } = await bench.look(at, own);
        assert.match(current!.drift!.join('\n'), words);
        assert.deepEqual(objections, [], 'drift is said and does not forbid the change that rebuilds it');
      } finally {
        own.close();
      }
    });
  }
});

test('drift: an order that finds files changed names them: arming, the look through the link, the proof of an undo', { skip: NEEDS_ROOT }, async () => {
  const at = await bench.live(agentOwner());
  writeFileSync(join(at.site, 'dropped.pth'), '');
  const seen = await verifyLink(bench.host.ctx, testScope(), (await bench.host.orders(at.project, bench.run()))('verify link'), { plan: at.plan, tree: at.id, manifestDigest: at.verification.manifestDigest });
  assert.match(seen.problem, /changed since they were verified: .*: lib\/python3\.\d+\/site-packages\/dropped\.pth appeared$/);
  const plan = { ...at.plan, present: asPresent(at, at.python), undoTarget: at.id };
  await assert.rejects(armUndo(bench.host.ctx, testScope(), (await bench.host.orders(at.project, bench.run()))('arm'), plan), { type: 'PlanChanged', message: /dropped\.pth appeared; somebody changed the environment since it was planned: plan again/ });
});

test('drift: files of trees are hard links into the cache, read-only like the tree; what root edits in one is found in the next build, and the one after it is whole', { skip: NEEDS_ROOT }, async () => {
  const own = bench.another();
  try {
    const root = agentOwner();
    const at = await bench.live(root, own);
    const file = join(at.site, 'alpha/__init__.py');
    assert.ok(lstatSync(file).nlink > 1, 'a hard link');
    assert.equal(lstatSync(file).mode & 0o222, 0);
    appendFileSync(file, 'EVIL = 1\n');
    const again = (run: string) => goLive({ host: own, project: own.project(run, { 'requirements.txt': 'alpha==1.0\n' }), run, python: at.python, files: [bench.index.file('alpha', '1.0')] });
    await assert.rejects(again('ch-damaged'), /alpha\/__init__\.py: expected \d+ bytes, got \d+/);
    const healed = await again('ch-healed');
    assert.equal(readFileSync(join(healed.site, 'alpha/__init__.py'), 'utf8'), 'VALUE = 1\n');
  } finally {
    own.close();
  }
});

test('drift: the agent without its copy of the manifest still says that the tree differs', { skip: NEEDS_ROOT }, async () => {
  const at = await bench.live(agentOwner());
  rmSync(join(bench.host.ctx.stateDir, 'manifests', at.verification.manifestDigest));
  writeFileSync(join(at.site, 'dropped.pth'), '');
  assert.match((await bench.look(at)).current!.drift!.join(), /differs from what ch-d\d+ verified: manifest [0-9a-f]{12} where it was [0-9a-f]{12}; runbook run change/);
});
