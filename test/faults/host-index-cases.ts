/** A package index that fails in every way real ones do, while an environment is built beside a live one. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { takeManifest } from '../../activities/host/manifest.js';
import { agentOwner } from '../../activities/host/owner.js';
import { prepare } from '../../activities/host/prepare.js';
import type { FailureClass, Interpreter } from '../../policy/model.js';
import type { CommandFailure } from '../../policy/names.js';
import { answers, litter } from '../support/environments.js';
import { sharedUv, someInterpreter, testHost, testScope, type TestHost } from '../support/host.js';
import { testIndex, type IndexMode, type TestIndex } from '../support/index.js';
import { asPresent, goLive, type Live } from '../support/live.js';

type Fault = [mode: IndexMode, classes: Record<'uv' | 'pip', FailureClass>, retryable: boolean];

/** What each is called, and whether trying again can help. */
const FAULTS: Fault[] = [
  [401, { uv: 'INDEX_AUTH', pip: 'INDEX_AUTH' }, false],
  [403, { uv: 'INDEX_AUTH', pip: 'INDEX_AUTH' }, false],
  [404, { uv: 'PROJECT_NOT_FOUND', pip: 'PROJECT_NOT_FOUND' }, false],
  [429, { uv: 'INDEX_RATE_LIMIT', pip: 'INDEX_RATE_LIMIT' }, true],
  [500, { uv: 'INDEX_DOWN', pip: 'INDEX_DOWN' }, true],
  ['hang', { uv: 'KILLED', pip: 'KILLED' }, true],
  // A log-in page is a page without links to either: the plan's own look at the index has told it apart before.
  ['html-page', { uv: 'VERSION_NOT_FOUND', pip: 'AMBIGUOUS' }, false],
  ['wrong-type', { uv: 'INDEX_NOT_AN_INDEX', pip: 'INDEX_NOT_AN_INDEX' }, false],
  ['wrong-hash', { uv: 'HASH_MISMATCH', pip: 'HASH_MISMATCH' }, false],
];
/** uv tells a file that broke off from one with another hash; some versions of pip do not. */
const BROKEN_OFF: Record<'uv' | 'pip', FailureClass[]> = { uv: ['NET_REFUSED', 'NET_TIMEOUT'], pip: ['NET_TIMEOUT', 'NET_REFUSED', 'HASH_MISMATCH', 'UNKNOWN'] };

const packageOf = (mode: IndexMode): string => `for-${mode}`;

/** The cases for one installer; each asks for a file that no cache has yet. */
export function indexFaults(installer: 'uv' | 'pip'): void {
  let index: TestIndex;
  let python: Interpreter;
  let host: TestHost;
  let at: Live;

  before(async () => {
    const modes = [...FAULTS.map(([mode]) => mode), 'truncated' as const];
    index = await testIndex([
      { name: 'alpha', version: '1.0', files: { 'alpha.py': 'VALUE = 1\n' } },
      ...modes.map((mode) => ({ name: packageOf(mode), version: '1.0', files: { [`${packageOf(mode).replace('-', '_')}.py`]: '' }, bulk: 300_000 })),
    ]);
    host = testHost({ uv: await sharedUv(), index: { url: index.url } });
    python = await someInterpreter(host.ctx);
    at = await goLive({ host, project: host.project('shop', { 'requirements.txt': 'alpha==1.0\n' }), run: 'ch-live', python, files: [index.file('alpha', '1.0')] });
  });
  after(() => {
    index.close();
    host.close();
  });

  async function fail(mode: IndexMode): Promise<ApplicationFailure & { facts: CommandFailure }> {
    const { project } = at;
    const plan = { ...host.plan(project, python, [index.file(packageOf(mode), '1.0')], { installer }), present: asPresent(at, python), undoTarget: at.id };
    const order = (await host.orders(project, `ch-${mode}`))('prepare');
    index.mode = mode;
    host.ctx.agentFile.limits.buildSeconds = mode === 'hang' ? 4 : 60;
    const error = await prepare(host.ctx, testScope(), order, plan).then(() => assert.fail('expected it to fail'), (e: unknown) => e as ApplicationFailure);
    index.mode = 'ok';
    host.ctx.agentFile.limits.buildSeconds = 60;
    assert.equal(error.type, 'CommandFailed', error.stack);
    assert.deepEqual(readdirSync(project.venvs).filter((name) => !name.startsWith('.') && name !== 'README' && name !== 'state.json'), [at.id], 'something half built was left');
    assert.deepEqual([litter(project), host.ctx.store.fence.groups(project.env.link)], [[], []]);
    assert.equal(answers(project), python.version);
    const { digest } = await takeManifest(host.ctx, { tree: at.tree, owner: agentOwner(), scope: 'all', record: false });
    assert.equal(digest, at.verification.manifestDigest, 'the live environment was touched');
    return Object.assign(error, { facts: error.details?.[0] as CommandFailure });
  }

  for (const [mode, classes, retryable] of FAULTS) {
    test(`${installer}, an index that answers ${mode}: named, nothing left behind, the live environment untouched`, async () => {
      const { facts, nonRetryable } = await fail(mode);
      assert.deepEqual([facts.class, nonRetryable], [classes[installer], !retryable], facts.tail);
      assert.ok(facts.remedy.length > 10);
    });
  }

  test(`${installer}, an index that breaks off in a file: named, nothing left behind, and with a whole one the same order is carried out`, async () => {
    const { facts } = await fail('truncated');
    assert.ok(BROKEN_OFF[installer].includes(facts.class), `${facts.class}: ${facts.tail}`);
    const plan = host.plan(at.project, python, [index.file(packageOf('truncated'), '1.0')], { installer });
    assert.equal((await prepare(host.ctx, testScope(2), (await host.orders(at.project, 'ch-whole'))('prepare'), plan)).id, 'ch-whole-2');
  });
}
