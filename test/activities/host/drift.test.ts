import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { closeChange } from '../../../activities/host/close.js';
import { takeManifest } from '../../../activities/host/manifest.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { undo } from '../../../activities/host/undo.js';
import { driftBench, user, type DriftBench } from '../../support/drift.js';
import { ordersOf } from '../../support/environments.js';
import { testScope } from '../../support/host.js';
import { asPresent, byHand, goLive, watcher, type Live } from '../../support/live.js';

let bench: DriftBench;
before(async () => {
  bench = await driftBench();
});
after(() => bench.close());

test('drift: what a user may do through the link changes nothing in a read-only tree; the watch and the next plan have nothing to say', async () => {
  const at = await bench.live(user);
  const hasPip = (await byHand(user, '/', at.python.realpath, '-I', '-m', 'pip', '--version')).code === 0;
  for (const [name, [file, ...args]] of Object.entries(bench.commands(at))) {
    if (name === 'pip install' && !hasPip) continue;
    const { code, text } = await byHand(user, at.project.path, file, ...args);
    assert.notEqual(code, 0, `${name}: ${text}`);
    assert.match(text, /ermission denied|not permitted|Unable to create/, name);
    const { digest } = await takeManifest(bench.host.ctx, { tree: at.tree, owner: user, scope: 'all', record: false });
    assert.equal(digest, at.verification.manifestDigest, `${name} changed a file`);
  }
  const source = join(bench.host.folder, 'anybody-reads');
  writeFileSync(source, '', { mode: 0o644 });
  for (const path of ['alpha/__init__.py', 'dropped.pth', 'alpha/__pycache__/dropped.pyc']) {
    const { code } = await byHand(user, at.project.path, '/bin/cp', source, join(at.site, path));
    assert.notEqual(code, 0, path);
  }
  assert.notEqual((await byHand(user, at.project.path, '/bin/rm', '-f', join(at.tree, '.complete'))).code, 0);
  assert.equal((await bench.look(at)).current!.drift, undefined);
  assert.deepEqual((await watcher({ ...bench.host.ctx }, 1000).next('check-in')).drift, undefined);
});

describe('drift of the link, which its owner can always change', () => {
  const moves: [string, (at: Live) => void, RegExp, RegExp][] = [
    ['removed', ({ project }) => unlinkSync(project.env.link), /nothing there stands where ch-d\d+ left a link to \.venvs\/ch-d\d+-1/, /somebody removed the link: ln -s \.venvs\/ch-d\d+-1 \S+\.venv puts it back, runbook env create/],
    ['replaced by a directory', ({ project, tree }) => (unlinkSync(project.env.link), mkdirSync(project.env.link), symlinkSync(join(tree, 'bin'), join(project.env.link, 'bin'))), /a directory stands where ch-d\d+ left a link to/, /^$/],
    ['turned elsewhere', ({ project }) => (unlinkSync(project.env.link), symlinkSync('/usr', project.env.link)), /a link to \/usr, which is not ours stands where ch-d\d+ left/, /move it away/],
    ['its tree moved away', ({ tree }) => renameSync(tree, `${tree}.moved`), /a link to nowhere: \.venvs\/ch-d\d+-1 stands where/, /remove the link, then runbook env create/],
  ];
  for (const [what, move, words, wayOut] of moves) {
    test(what, async () => {
      const own = bench.another();
      try {
        const first = await bench.live(agentOwner(), own);
        const at = await goLive({ host: own, project: first.project, run: bench.run(), python: first.python, files: [bench.index.file('alpha', '1.0')], present: asPresent(first, first.python) });
        const watch = watcher({ ...own.ctx });
        await watch.next('check-in');
        move(at);
        const event = await watch.next('changed');
        assert.deepEqual(event.drift?.map(({ link }) => link), [at.project.env.link]);
        assert.match(event.drift[0]!.what, words);
        const planned = await bench.look(at, own);
        assert.match(planned.objections.map((one) => one.wayOut).join(), wayOut);
        if (planned.current) assert.match(planned.current.drift!.join(), words);
        const undone = await undo(own.ctx, testScope(), (await ordersOf(own, at.project, 'rb', 'undo'))('undo'), { chain: at.order('x').chain });
        assert.deepEqual([undone.outcome, undone.verified], ['superseded', false], 'what somebody changed is not undone over their head');
        assert.match(undone.problem, /somebody changed it since, so nothing was touched/);
      } finally {
        own.close();
      }
    });
  }
});

test('drift: what runs of ours do to the link is news without drift: a switch, an undo, both closed', async () => {
  const at = await bench.live(agentOwner());
  const watch = watcher({ ...bench.host.ctx }, 5000);
  await watch.next('check-in');
  const next = await goLive({ host: bench.host, project: at.project, run: bench.run(), python: at.python, files: [bench.index.file('alpha', '1.0')], present: asPresent(at, at.python) });
  const switched = await watch.next('changed');
  assert.deepEqual([switched.drift, switched.environments.find(({ link }) => link === at.project.env.link)?.tree], [undefined, next.id]);
  const rollback = await ordersOf(bench.host, at.project, 'rb', 'undo');
  assert.equal((await undo(bench.host.ctx, testScope(), rollback('undo'), { chain: next.order('x').chain })).verified, true);
  await closeChange(bench.host.ctx, testScope(), rollback('close'), { keepPin: false });
  const undone = await watch.next('changed');
  assert.deepEqual([undone.drift, undone.environments.find(({ link }) => link === at.project.env.link)?.tree], [undefined, at.id]);
});
