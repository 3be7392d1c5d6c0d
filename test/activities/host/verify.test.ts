import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import type { Order } from '../../../activities/host/contract.js';
import { prepare } from '../../../activities/host/prepare.js';
import { readSeal } from '../../../activities/host/seal.js';
import { verifyLink } from '../../../activities/host/verify-link.js';
import { verifyTree } from '../../../activities/host/verify.js';
import { freezeHash } from '../../../policy/freeze.js';
import type { Interpreter, Plan, PlannedFile, ProjectSettings, Verification } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { TestHost, TestProject } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';

let index: TestIndex;
let host: TestHost;
let python: Interpreter;
let runs = 0;

before(async () => {
  index = await testIndex([
    { name: 'alpha', version: '1.0', files: { 'alpha/__init__.py': 'VALUE = 1\n', 'alpha/_private.py': '', 'tests/__init__.py': 'raise RuntimeError("nobody imports this")' } },
    { name: 'ns-one', version: '1.0', files: { 'space/one/__init__.py': '' } },
    { name: 'missing-dep', version: '1.0', files: { 'missing_dep.py': 'import not_there\n' } },
    { name: 'old-stdlib', version: '1.0', files: { 'old_stdlib.py': 'raise ModuleNotFoundError("No module named \'distutils\'")\n' } },
    { name: 'abi', version: '1.0', files: { 'abi.py': 'raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")\n' } },
    { name: 'native', version: '1.0', files: { 'native.py': 'raise ImportError("libfoo.so.1: cannot open shared object file")\n' } },
    { name: 'quits', version: '1.0', files: { 'quits.py': 'raise SystemExit(0)\n' } },
    { name: 'crashes', version: '1.0', files: { 'crashes.py': 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n' } },
    { name: 'hangs', version: '1.0', files: { 'hangs.py': 'import time; time.sleep(600)\n' } },
    { name: 'noisy', version: '1.0', files: { 'noisy.py': 'import sys; print("{" * 100000); print("}", file=sys.stderr)\n' } },
    { name: 'first', version: '1.0', files: { 'first.py': 'import sys; sys.modules["second"] = None\n' } },
    { name: 'second', version: '1.0', files: { 'second.py': '' } },
  ]);
  host = testHost({ uv: await sharedUv(), index: { url: index.url }, limits: { importSeconds: 2 }, linkMode: 'copy' });
  python = await someInterpreter(host.ctx);
});
after(() => {
  index.close();
  host.close();
});

interface Built {
  at: TestProject;
  plan: Plan;
  id: string;
  tree: string;
  site: string;
  order: (step: string) => Order;
  verify(seal?: boolean): Promise<Verification>;
}

/** A tree with these packages, built for real. */
async function built(names: string[], settings: Partial<ProjectSettings> = {}, files: Record<string, string> = {}): Promise<Built> {
  const run = `ch-v${++runs}`;
  const at = host.project(run, { 'requirements.txt': names.map((name) => `${name}==1.0\n`).join(''), ...files });
  const order = await host.orders(at, run);
  const plan = host.plan(at, python, names.map((name): PlannedFile => index.file(name, '1.0')), settings);
  const { id, path } = await prepare(host.ctx, testScope(), order('prepare'), plan);
  const site = join(path, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages');
  return { at, plan, id, tree: path, site, order, verify: (seal = true) => verifyTree(host.ctx, testScope(), order('verify'), { plan, tree: id, seal }) };
}

test('four verdicts of yes: sealed read-only, and .complete says of what', async () => {
  const { verify, tree, plan, site } = await built(['alpha', 'ns-one'], { tests: ['-c', 'print("3 passed in 0.1s")'] });
  const seen = await verify();
  assert.equal(seen.ok, true, JSON.stringify(seen));
  assert.deepEqual(seen.interpreter, { ok: true, expected: python.version, got: python.version });
  assert.deepEqual(seen.lock, { ok: true, installed: 2, expected: 2, differences: [] });
  // `alpha` and the package below the namespace; not `tests`, not private ones.
  assert.deepEqual(seen.imports, { ok: true, passed: 2, total: 2, failures: [] });
  assert.deepEqual([seen.tests.ok, seen.tests.ran, seen.tests.summary], [true, true, '3 passed in 0.1s']);
  assert.ok(seen.files.checked > 5);
  assert.equal(seen.freezeHash, freezeHash(plan.files));
  const seal = readSeal(tree)!;
  assert.deepEqual([seal.manifestDigest, seal.version, seal.lockSha256], [seen.manifestDigest, python.version, plan.lock.sha256]);
  for (const path of [tree, site, join(site, 'alpha/__init__.py'), join(tree, '.complete')]) assert.equal(lstatSync(path).mode & 0o222, 0, path);
});

test('without `seal` nothing is changed', async () => {
  const { verify, tree } = await built(['alpha']);
  assert.equal((await verify(false)).ok, true);
  assert.equal(existsSync(join(tree, '.complete')), false);
  assert.notEqual(lstatSync(tree).mode & 0o200, 0);
});

const tampering: [string, (built: Built) => void, RegExp][] = [
  ['a tampered file', ({ site }) => writeFileSync(join(site, 'alpha/__init__.py'), 'VALUE = 2\n'), /alpha\/__init__\.py: sha256 differs/],
  ['an injected .pth', ({ site }) => writeFileSync(join(site, 'evil.pth'), ''), /evil\.pth: no package's RECORD names it/],
  ['an injected .pyc', ({ site }) => writeFileSync(join(site, 'evil.pyc'), ''), /evil\.pyc: no package's RECORD names it/],
  ['a missing file', ({ site }) => unlinkSync(join(site, 'alpha/_private.py')), /_private\.py: missing/],
];
for (const [what, change, finding] of tampering) {
  test(`${what} is a no of the files alone, and nothing is sealed`, async () => {
    const one = await built(['alpha']);
    change(one);
    const seen = await one.verify();
    assert.deepEqual([seen.ok, seen.files.ok, seen.imports.ok, seen.lock.ok], [false, false, true, true]);
    assert.match(seen.files.bad.join('\n'), finding);
    assert.equal(existsSync(join(one.tree, '.complete')), false);
  });
}

test('with hard links, what was changed in one tree is in the next: the files say no, and the one after that is whole again', async () => {
  const hard = testHost({ uv: await sharedUv(), index: { url: index.url } });
  try {
    const at = hard.project('shop', { 'requirements.txt': 'alpha==1.0\n' });
    const round = async (run: string): Promise<[Verification, string]> => {
      const order = await hard.orders(at, run);
      const plan = hard.plan(at, python, [index.file('alpha', '1.0')]);
      const { id, path } = await prepare(hard.ctx, testScope(), order('prepare'), plan);
      return [await verifyTree(hard.ctx, testScope(), order('verify'), { plan, tree: id, seal: false }), path];
    };
    const [whole, path] = await round('ch-h1');
    assert.equal(whole.ok, true);
    appendFileSync(join(path, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages/alpha/__init__.py'), 'EVIL = 1\n');
    const [bad] = await round('ch-h2');
    assert.match(bad.files.bad.join(), /alpha\/__init__\.py/);
    assert.equal((await round('ch-h3'))[0].ok, true);
  } finally {
    hard.close();
  }
});

test('a test that writes into the tree is found out', async () => {
  const { verify } = await built(['alpha'], { tests: ['-c', 'import alpha, os; open(os.path.join(os.path.dirname(alpha.__file__), "left.py"), "w").close()'] });
  const seen = await verify();
  assert.deepEqual([seen.ok, seen.tests.ok, seen.files.ok], [false, true, false]);
  assert.match(seen.files.bad.join(), /left\.py/);
});

test('WF-45: each import in a process of its own; failures are classified, the others still count', async () => {
  const { verify } = await built(['alpha', 'missing-dep', 'old-stdlib', 'abi', 'native', 'quits', 'crashes', 'hangs', 'noisy', 'first', 'second']);
  const seen = await verify();
  assert.deepEqual([seen.ok, seen.files.ok, seen.lock.ok], [false, true, true]);
  const found = Object.fromEntries(seen.imports.failures.map(({ module, error, class: kind }) => [module, `${kind}: ${error}`]));
  assert.deepEqual(Object.keys(found).sort(), ['abi', 'crashes', 'hangs', 'missing_dep', 'native', 'old_stdlib', 'quits']);
  assert.match(found['abi']!, /^IMPORT_ABI: .*numpy\.dtype size changed/);
  assert.match(found['old_stdlib']!, /^IMPORT_STDLIB_REMOVED/);
  assert.match(found['native']!, /^IMPORT_NATIVE/);
  assert.match(found['missing_dep']!, /No module named 'not_there'/);
  assert.match(found['quits']!, /SystemExit/);
  assert.match(found['crashes']!, /ended by signal 11/);
  assert.match(found['hangs']!, /no answer within the time limit/);
  assert.deepEqual([seen.imports.passed, seen.imports.total], [4, 11]);
});

test('WF-47: the project\'s own module is imported from the project, with the packages it needs', async () => {
  const files = { 'shop/__init__.py': 'import alpha\n', 'broken/__init__.py': 'import alpha.nothing\n' };
  const good = await built(['alpha'], { importModule: 'shop', imports: ['alpha'] }, files);
  assert.deepEqual((await good.verify()).imports, { ok: true, passed: 2, total: 2, failures: [] });
  assert.deepEqual(readdirSync(join(good.at.path, 'shop')), ['__init__.py'], 'no bytecode is left in the project');
  const bad = await built(['alpha'], { importModule: 'broken' }, files);
  const seen = await bad.verify();
  assert.match(seen.imports.failures[0]!.error, /No module named 'alpha\.nothing'/);
});

test('WF-46: the project\'s tests run with the tree\'s Python in the project; a no is a verdict of its own', async () => {
  const script = 'import sys, os, alpha; print(os.getcwd()); print(sys.prefix); print(os.environ.get("PYTHONPATH")); print("1 failed"); sys.exit(1)';
  const { verify, at, tree } = await built(['alpha'], { tests: ['-c', script] });
  const seen = await verify();
  assert.deepEqual([seen.ok, seen.tests.ok, seen.tests.ran, seen.tests.summary], [false, false, true, '1 failed']);
  assert.deepEqual([seen.imports.ok, seen.files.ok, seen.lock.ok], [true, true, true]);
  assert.match(readFileSync(seen.tests.outputPath, 'utf8'), new RegExp(`${at.path}\n${tree}\nNone\n1 failed`));
  assert.equal(existsSync(join(tree, '.complete')), false);
});

test('tests that do not end are ended', async () => {
  const { verify } = await built(['alpha'], { tests: ['-c', 'import time; time.sleep(600)'], testsTimeoutSeconds: 1 });
  const seen = await verify();
  assert.deepEqual([seen.ok, seen.tests.ok, seen.tests.summary], [false, false, 'no end within 1 s']);
});

test('PV-18: the freeze must have the approved hash where the project names one', async () => {
  const good = await built(['alpha'], { expectedFreezeHash: freezeHash([{ project: 'alpha', version: '1.0' }]) });
  assert.equal((await good.verify()).ok, true);
  const bad = await built(['alpha'], { expectedFreezeHash: 'ab'.repeat(32) });
  const seen = await bad.verify();
  assert.deepEqual([seen.ok, seen.lock.ok], [false, false]);
  assert.match(seen.lock.differences.join(), /freeze hash: expected abab.*, got [0-9a-f]{64}/);
});

test('WF-44: what is missing, too much or of another version is named', async () => {
  const one = await built(['alpha', 'second', 'first']);
  rmSync(join(one.site, 'second-1.0.dist-info'), { recursive: true });
  const info = join(one.site, 'first-1.0.dist-info/METADATA');
  const text = readFileSync(info, 'utf8');
  unlinkSync(info);
  writeFileSync(info, text.replace('Version: 1.0', 'Version: 1.1'));
  mkdirSync(join(one.site, 'extra-3.dist-info'));
  writeFileSync(join(one.site, 'extra-3.dist-info/METADATA'), 'Name: Extra\nVersion: 3\n');
  writeFileSync(join(one.site, 'extra-3.dist-info/RECORD'), '');
  const seen = await one.verify();
  assert.deepEqual(seen.lock.differences.sort(), ['extra==3 is not in the lock', 'first: expected 1.0, got 1.1', 'second==1.0 is missing']);
});

test('a tree whose interpreter is gone is a no, not an exception', async () => {
  const one = await built(['alpha']);
  unlinkSync(join(one.tree, 'bin/python'));
  symlinkSync('/nonexistent/python', join(one.tree, 'bin/python'));
  const seen = await one.verify();
  assert.deepEqual([seen.ok, seen.interpreter.ok, seen.imports.ok], [false, false, false]);
  assert.match(seen.interpreter.got, /does not run/);
  assert.equal(seen.imports.failures[0]!.class, 'VENV_BASE_GONE');
});

test('asked again by the same order, a sealed tree is answered from the receipt; a seal cut short is written again', async () => {
  const one = await built(['alpha']);
  const order = one.order('verify');
  const input = { plan: one.plan, tree: one.id, seal: true };
  const seen = await verifyTree(host.ctx, testScope(1), order, input);
  assert.deepEqual(await verifyTree(host.ctx, testScope(2), order, input), seen);
  chmodSync(one.tree, 0o755);
  chmodSync(join(one.tree, '.complete'), 0o644);
  writeFileSync(join(one.tree, '.complete'), '{"run": "ch');
  const again = await verifyTree(host.ctx, testScope(3), order, input);
  assert.deepEqual([again.ok, again.manifestDigest], [true, seen.manifestDigest]);
  assert.equal(readSeal(one.tree)?.manifestDigest, seen.manifestDigest);
});

test('a tree is named by its id: no path, no option', async () => {
  const one = await built(['alpha']);
  for (const tree of ['../../etc', '--help', '/etc', '.', '']) {
    await assert.rejects(verifyTree(host.ctx, testScope(), one.order('verify'), { plan: one.plan, tree, seal: true }), (error: ApplicationFailure) => error.type === 'BadInput', tree);
  }
});

/** A sealed tree with the link on it. */
async function live(settings: Partial<ProjectSettings> = {}): Promise<Built & { digest: string; look(digest?: string): ReturnType<typeof verifyLink> }> {
  const one = await built(['alpha'], { imports: ['alpha'], ...settings });
  const { manifestDigest: digest } = await one.verify();
  symlinkSync(`.venvs/${one.id}`, one.at.env.link);
  return { ...one, digest, look: (given = digest) => verifyLink(host.ctx, testScope(), one.order('verify link'), { plan: one.plan, tree: one.id, manifestDigest: given }) };
}

test('WF-35: through the link, version, imports and manifest are those that were verified', async () => {
  const { look } = await live();
  const seen = await look();
  assert.deepEqual([seen.ok, seen.version, seen.problem], [true, python.version, '']);
});

test('through the link: a link elsewhere, another file, another mode and another digest are told', async () => {
  const one = await live();
  assert.match((await one.look('ab'.repeat(32))).problem, /expected manifest abababababab, got/);
  chmodSync(join(one.site, 'alpha/__init__.py'), 0o644);
  assert.match((await one.look()).problem, /changed since they were verified/);
  chmodSync(join(one.site, 'alpha/__init__.py'), 0o444);
  assert.equal((await one.look()).ok, true);
  chmodSync(join(one.site, 'alpha/__init__.py'), 0o644);
  appendFileSync(join(one.site, 'alpha/__init__.py'), 'import nowhere\n');
  assert.match((await one.look()).problem, /import alpha through .*No module named 'nowhere'/);
  unlinkSync(one.at.env.link);
  symlinkSync('.venvs/other-1', one.at.env.link);
  const seen = await one.look();
  assert.deepEqual([seen.ok, seen.version], [false, null]);
  assert.match(seen.problem, /expected it to lead to .*, got a link to nowhere: \.venvs\/other-1/);
});

test('as root, a tree is verified and sealed as its owner', { skip: process.getuid?.() !== 0 }, async () => {
  const owner = { uid: 65534, gid: 65534, name: 'nobody' };
  const theirs = await someInterpreter(host.ctx, undefined, owner);
  const at = host.project('theirs', { 'requirements.txt': 'alpha==1.0\n' }, owner);
  const order = await host.orders(at, 'ch-theirs');
  const plan = host.plan(at, theirs, [index.file('alpha', '1.0')], { tests: ['-c', 'import os; print(os.getuid(), os.getgroups())'] });
  const { id, path } = await prepare(host.ctx, testScope(), order('prepare'), plan);
  const seen = await verifyTree(host.ctx, testScope(), order('verify'), { plan, tree: id, seal: true });
  assert.equal(seen.ok, true, JSON.stringify(seen));
  assert.equal(seen.tests.summary, '65534 []');
  assert.equal(lstatSync(join(path, '.complete')).uid, 65534);
});
