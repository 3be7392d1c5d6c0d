import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { checkedBench, fakeInterpreter, linkTo, type Checked, type CheckedBench } from '../../../support/checked-environment.js';

let bench: CheckedBench;
before(() => {
  bench = checkedBench({ limits: { importSeconds: 10 } });
});
after(() => bench.close());

const look = (at: Checked, env: NodeJS.ProcessEnv = {}): Promise<EnvironmentFacts> => at.measure({ probe: false, importTime: false, integrity: false, rules: at.rules({ required: [] }), env });
const problem = ({ interpreter }: EnvironmentFacts): string => (interpreter.ok ? 'it runs' : `${interpreter.kind}: ${interpreter.problem}`);

test('PF-05: found by the link, then VIRTUAL_ENV, then PATH, then not at all', async () => {
  const at = await bench.environment();
  const elsewhere = await bench.environment({ line: '3.11' });
  const env = { VIRTUAL_ENV: elsewhere.link, PATH: dirname(at.python.realpath) };
  const byLink = await look(at, env);
  assert.deepEqual([byLink.foundBy, byLink.virtualEnv, byLink.interpreter.ok && byLink.interpreter.value.executable], ['link', elsewhere.link, join(at.link, 'bin/python')]);
  rmSync(at.link, { recursive: true });
  const byVariable = await look(at, env);
  assert.deepEqual([byVariable.foundBy, byVariable.interpreter.ok && byVariable.interpreter.value.version, byVariable.virtual?.path], ['VIRTUAL_ENV', elsewhere.python.version, realpathSync(elsewhere.link)]);
  const byPath = await look(at, { PATH: env.PATH });
  assert.deepEqual([byPath.foundBy, byPath.interpreter.ok && byPath.interpreter.value.isVirtual, byPath.virtual, byPath.onPath], ['PATH', false, null, at.python.realpath]);
  const none = await look(at, { PATH: '/nonexistent:relative' });
  assert.deepEqual([none.foundBy, none.onPath, none.packages.ok], ['nothing', null, false]);
  assert.match(problem(none), /^absent: nothing stands at .*no python3 on PATH$/);
});

test('a link to nowhere is broken: no other interpreter answers in its place', async () => {
  const at = await bench.environment();
  linkTo(at, 'ch-gone-1');
  const facts = await look(at, { PATH: dirname(at.python.realpath) });
  assert.deepEqual([facts.foundBy, facts.virtual], ['link', null]);
  assert.match(problem(facts), /^broken: .*\.venv\/bin\/python can't be started: .*ENOENT/);
});

test('DEF-02: the version is told by the program itself, not by pyvenv.cfg or a folder\'s name', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.link, 'pyvenv.cfg'), `home = ${dirname(at.python.realpath)}\nversion_info = 3.11.13.final.0\ninclude-system-site-packages = true\n`);
  const facts = await look(at);
  assert.equal(facts.interpreter.ok && facts.interpreter.value.version, at.python.version);
  assert.deepEqual([facts.virtual?.configured, facts.virtual?.systemSitePackages], ['3.11.13', true]);
  assert.deepEqual(facts.virtual?.base.ok && facts.virtual.base.value.version, at.python.version, 'started by itself');
});

test('the base is another program: its own answer counts', async () => {
  const at = await bench.environment();
  const other = await bench.environment({ line: '3.11' });
  writeFileSync(join(at.link, 'pyvenv.cfg'), `home = ${dirname(at.python.realpath)}\nexecutable = ${other.python.realpath}\nversion = ${at.python.version}\n`);
  const { virtual } = await look(at);
  assert.deepEqual(virtual?.base, { ok: true, value: { executable: other.python.realpath, version: other.python.version } });
});

for (const [text, info] of [['3.12.0rc2', '3, 12, 0, "candidate", 2'], ['3.13.0a1', '3, 13, 0, "alpha", 1'], ['3.12.1+', '3, 12, 1, "final", 0']] as const) {
  test(`DEF-03: a fake interpreter that says ${text} is believed to be it`, async () => {
    const at = await bench.environment();
    fakeInterpreter(at, { text, info });
    const facts = await look(at);
    assert.equal(facts.interpreter.ok && facts.interpreter.value.version, text);
    assert.ok(facts.packages.ok && facts.packages.value.some(({ name }) => name === 'beta'));
  });
}

test('programs that say nothing, something else, or never end', async () => {
  const at = await bench.environment();
  const file = join(at.link, 'bin/python');
  const put = (text: string): void => {
    rmSync(file);
    writeFileSync(file, text, { mode: 0o755 });
  };
  put('#!/bin/false\n');
  assert.match(problem(await look(at)), /ended with code 1: no output$/);
  put('#!/bin/true\n');
  assert.match(problem(await look(at)), /did not say what it is: got ""$/);
  put('#!/bin/echo\n');
  assert.match(problem(await look(at)), /did not say what it is: got "/);
  put(`#!${at.python.realpath}\nimport time\ntime.sleep(3600)\n`);
  const { limits } = bench.host.ctx.agentFile;
  limits.importSeconds = 1;
  assert.match(problem(await look(at)), /gave no answer within the time limit$/);
  limits.importSeconds = 10;
  put(`#!${at.python.realpath}\nimport os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n`);
  await assert.rejects(look(at), /was ended by SIGTERM: expected it to end by itself; check again/);
  chmodSync(file, 0o644);
  assert.match(problem(await look(at)), /can't be started: .*EACCES/);
});

test('what a .pth prints before the answer does not spoil it', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.site, 'loud.pth'), 'import sys; print("hello")\n');
  assert.equal(problem(await look(at)), 'it runs');
});

test('packages are those that importing would find, by their own metadata, each version that lies there', async () => {
  const at = await bench.environment();
  const put = (folder: string, file: string, text: string): void => {
    mkdirSync(join(at.site, folder));
    writeFileSync(join(at.site, folder, file), text);
  };
  put('Old_Name-1.0.dist-info', 'METADATA', 'Metadata-Version: 2.1\nName: Old.Name\nSummary: x\n  folded\nVersion: 1.0\n\nName: body\n');
  put('Old_Name-0.9.dist-info', 'METADATA', 'Name: old-name\nVersion: 0.9\n');
  put('legacy-2.0.egg-info', 'PKG-INFO', 'Name: legacy\nVersion: 2.0\n');
  put('~eta-0.1.dist-info', 'METADATA', 'Name: beta\nVersion: 0.1\n');
  put('bare-3.1.dist-info', 'WHEEL', '');
  const { packages } = await look(at);
  assert.deepEqual(packages.ok && packages.value.map(({ name, version }) => `${name}==${version}`).sort(), ['Old.Name==1.0', 'bare==3.1', 'beta==0.100.0', 'legacy==2.0', 'numpy==1.26.4', 'old-name==0.9', 'pandas==2.10.0']);
});
