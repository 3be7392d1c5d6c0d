import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkedBench, RIGHT, SETTINGS, type CheckedBench } from '../../../support/checked-environment.js';

let bench: CheckedBench;
before(() => {
  bench = checkedBench();
});
after(() => bench.close());

const NOT_TIMED = { probe: false, importTime: false, integrity: false };

test('an import that hangs ends after the limit and is a fact; the others are judged', async (t) => {
  const at = await bench.environment({ packages: [...RIGHT, 'hang==1.0'] });
  const { limits } = bench.host.ctx.agentFile;
  const usual = limits.importSeconds;
  // What does not hang must be done within it on any machine.
  limits.importSeconds = 5;
  t.after(() => void (limits.importSeconds = usual));
  const facts = await at.measure({ integrity: false, probe: false, rules: at.rules({ required: ['hang', 'beta'], healthImports: ['hang'] }) });
  assert.deepEqual(facts.imports, { ok: true, value: [{ module: 'hang', ok: false, error: 'no answer within the time limit' }, { module: 'beta', ok: true, error: '' }] });
  assert.deepEqual(facts.importTime, { ok: false, problem: 'no answer within the time limit' });
});

test('PF-15: the probe imports pandas and numpy and adds up a frame of theirs; memory is the probe\'s own', async () => {
  const at = await bench.environment();
  const { probe, importTime } = await at.measure({ integrity: false });
  assert.ok(probe?.ok && importTime?.ok);
  assert.ok(probe.value.seconds > 0 && probe.value.seconds < 5);
  // This process has more than an empty Python: none of it may be counted.
  assert.ok(importTime.value.rssMiB > 2 && importTime.value.rssMiB < 40, `${importTime.value.rssMiB} MiB`);
});

test('DEF-17: a module that is there and fails gives the probe no time, and says why', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.site, 'numpy/__init__.py'), 'raise ImportError("libfoo.so.1: cannot open shared object file")\n');
  const { probe, importTime, imports } = await at.measure({ integrity: false });
  for (const timed of [probe, importTime]) assert.match(timed?.ok === false ? timed.problem : 'measured', /ImportError: libfoo\.so\.1/);
  assert.deepEqual(imports.ok && imports.value.map(({ module, ok }) => [module, ok]), [['pandas', false], ['numpy', false], ['beta', true]]);
});

test('each import is a process of its own: one that crashes or ends it is one failure', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.site, 'crash.py'), 'import os\nos.abort()\n');
  writeFileSync(join(at.site, 'leave.py'), 'import os\nos._exit(0)\n');
  const { imports } = await at.measure({ ...NOT_TIMED, rules: at.rules({ required: ['crash', 'leave', 'beta'] }) });
  assert.deepEqual(imports.ok && imports.value.map(({ error }) => error), ['the import ended by signal 6', 'the import ended the process with code 0', '']);
});

test('an import that somebody killed has not said no: the imports could not be told', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.site, 'killed.py'), 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n');
  const { imports } = await at.measure({ ...NOT_TIMED, rules: at.rules({ required: ['killed', 'beta'] }) });
  assert.match(imports.ok ? '' : imports.problem, /^import of killed: the import ended by signal 9; look for the out-of-memory killer/);
});

test('the project\'s own module is found in its folder, and packages never there', async () => {
  const at = await bench.environment({ settings: `${SETTINGS}importModule: app\n`, files: { 'app.py': 'import beta\n', 'shadow.py': '' } });
  const { imports } = await at.measure({ ...NOT_TIMED, rules: at.rules({ required: ['app', 'shadow'] }) });
  const timed = await at.measure({ integrity: false, rules: at.rules({ required: ['app', 'beta'], healthImports: ['app'] }) });
  assert.deepEqual([timed.probe?.ok, timed.importTime?.ok, timed.imports.ok && timed.imports.value.every(({ ok }) => ok)], [true, true, true]);
  assert.deepEqual(imports.ok && imports.value.map(({ ok }) => ok), [true, false]);
});

test('what the probe imports first has its own answer where the probe fails later, in the place it was asked for', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.site, 'numpy/__init__.py'), '');
  const { probe, imports } = await at.measure({ integrity: false, rules: at.rules({ required: ['beta', 'pandas', 'numpy', 'beta'] }) });
  assert.match(probe?.ok === false ? probe.problem : 'measured', /AttributeError/);
  assert.deepEqual(imports, { ok: true, value: ['beta', 'pandas', 'numpy', 'beta'].map((module) => ({ module, ok: true, error: '' })) });
});

test('a project without pandas is probed with what it requires; nothing required is measured, too', async () => {
  const at = await bench.environment();
  const { probe } = await at.measure({ integrity: false, rules: at.rules({ required: ['beta'] }) });
  assert.ok(probe?.ok);
  const { probe: empty, imports } = await at.measure({ integrity: false, rules: at.rules({ required: [], healthImports: [] }) });
  assert.ok(empty?.ok);
  assert.deepEqual(imports, { ok: true, value: [] });
});

test('measuring leaves no bytecode and no file behind', async () => {
  const at = await bench.environment();
  const files = () => readdirSync(at.project, { recursive: true, encoding: 'utf8' }).sort();
  writeFileSync(join(at.site, 'beta.py'), '# other\n');
  const before = [files(), readFileSync(join(at.site, '__pycache__/beta.cpython-312.pyc'), 'hex')];
  await at.measure();
  assert.deepEqual([files(), readFileSync(join(at.site, '__pycache__/beta.cpython-312.pyc'), 'hex')], before);
});
