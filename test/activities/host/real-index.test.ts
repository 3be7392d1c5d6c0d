/** The same against the real package index, with releases whose files can't change any more. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { assess } from '../../../activities/host/assess.js';
import { discoverInterpreters } from '../../../activities/host/interpreters.js';
import { prepare } from '../../../activities/host/prepare.js';
import { probeLive } from '../../../activities/host/probe-live.js';
import { verifyLink } from '../../../activities/host/verify-link.js';
import { verifyTree } from '../../../activities/host/verify.js';
import type { Interpreter, LockVerdict } from '../../../policy/model.js';
import { sharedUv, testHost, testScope } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';

/** Wheels for 3.8 to 3.11, none for 3.12 and later. */
const LOCK = 'numpy==1.24.4\nsix==1.16.0\n';
const hosts: TestHost[] = [];
let all: Interpreter[];
let uv: string;

before(async () => {
  uv = await sharedUv();
  all = await discoverInterpreters(host().ctx);
});
after(() => hosts.forEach((one) => one.close()));

function host(fields: AgentFields = {}): TestHost {
  const made = testHost({ uv, ...fields });
  hosts.push(made);
  return made;
}

/** The newest interpreter of these lines, or an error that says what these tests need. */
function interpreter(lines: number[]): Interpreter {
  const found = all.find((one) => one.implementation === 'cpython' && !one.freeThreaded && lines.some((line) => one.version.startsWith(`3.${line}.`)));
  if (!found) throw new Error(`these tests need CPython 3.${lines.join(' or 3.')}: expected one on this machine, got ${all.map((one) => one.version).join(', ')}`);
  return found;
}

const filesOf = (verdict: LockVerdict) => verdict.pins.map(({ project, version, file }) => ({ project, version, ...file! }));

for (const installer of ['uv', 'pip'] as const) {
  test(`WF-07, WF-10, WF-18, WF-34: numpy 1.24.4 by ${installer}: judged, built and verified on a Python that has wheels, refused with a reason on one that has not`, { timeout: 300_000 }, async () => {
    const on = host(installer === 'pip' ? { installer } : {});
    const old = interpreter([11, 10, 9]);
    const recent = interpreter([13, 12]);
    const at = on.project('shop', { 'requirements.txt': LOCK });
    const [good, bad] = await assess(on.ctx, testScope(), { env: at.env, interpreters: [old, recent] });
    assert.deepEqual([good!.error, good!.missing], [null, []]);
    assert.deepEqual([bad!.error, bad!.missing], [null, ['numpy']]);
    const order = await on.orders(at, 'ch-real');
    const plan = on.plan(at, old, filesOf(good!), { installer });
    const { id } = await prepare(on.ctx, testScope(), order('prepare'), plan);
    const seen = await verifyTree(on.ctx, testScope(), order('verify'), { plan, tree: id, seal: true });
    assert.equal(seen.ok, true, JSON.stringify({ ...seen, files: seen.files.bad }));
    assert.deepEqual([seen.imports.total, seen.lock.installed], [2, 2]);
    symlinkSync(`.venvs/${id}`, at.env.link);
    const link = await verifyLink(on.ctx, testScope(), order('verify link'), { plan, tree: id, manifestDigest: seen.manifestDigest });
    assert.deepEqual([link.ok, link.version], [true, old.version], link.problem);
    const live = await probeLive(on.ctx, testScope(), { env: at.env, modules: ['numpy', 'scipy'] });
    assert.equal(live.python, old.version);
    assert.deepEqual([live.imports.passed, live.imports.failures.map((one) => one.module)], [1, ['scipy']]);
    assert.equal(live.tools['pip'], 'none in the environment');
    assert.ok(live.tools['interpreters']!.includes(recent.version));
    assert.match(live.tools['uv']!, installer === 'uv' ? /^\d+\.\d+\.\d+ \(/ : /^none$/);
  });
}

test('WF-10: an environment that is not there has no Python and no imports, and the probe says so', async () => {
  const on = host();
  const at = on.project('empty', { 'requirements.txt': LOCK });
  const live = await probeLive(on.ctx, testScope(), { env: at.env, modules: ['numpy'] });
  assert.deepEqual([live.python, live.imports.ok, live.imports.passed], ['', false, 0]);
  assert.match(live.tools['python']!, /expected an environment, got nothing there/);
});
