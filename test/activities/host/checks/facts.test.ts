import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Wanted } from '../../../../activities/host/checks/context.js';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { checkedBench, linkTo, SETTINGS, type Checked, type CheckedBench } from '../../../support/checked-environment.js';

let bench: CheckedBench;
before(() => {
  bench = checkedBench();
});
after(() => bench.close());

const look = (at: Checked, changes: Partial<Wanted> = {}): Promise<EnvironmentFacts> => at.measure({ probe: false, importTime: false, integrity: false, rules: at.rules({ required: [] }), ...changes });
const pins = ({ lock }: EnvironmentFacts): unknown => (lock.pins.ok ? lock.pins.value : lock.pins.problem);

test('PV-15: pins are those whose markers hold for this interpreter; without one, markers are not guessed', async () => {
  const text = 'beta==0.100.0\nold==1.0 ; python_version < "3.12"\nnew==1.0 ; python_version >= "3.12" and sys_platform == "linux"\nwin==1.0 ; os_name == "nt"\n';
  const at = await bench.environment({ files: { 'requirements.lock': text } });
  assert.deepEqual(pins(await look(at)), [{ project: 'beta', version: '0.100.0' }, { project: 'new', version: '1.0' }]);
  rmSync(at.link, { recursive: true });
  assert.match(String(pins(await look(at))), /has environment markers, and no interpreter says which of them hold/);
  writeFileSync(join(at.project, 'requirements.lock'), 'beta==0.100.0\n');
  assert.deepEqual(pins(await look(at)), [{ project: 'beta', version: '0.100.0' }]);
});

test('a pylock is read as one', async () => {
  const at = await bench.environment({ settings: 'name: app\nlock: pylock.toml\n', files: { 'pylock.toml': 'lock-version = "1.0"\n[[packages]]\nname = "beta"\nversion = "0.100.0"\n[[packages]]\nname = "win"\nversion = "1"\nmarker = "sys_platform == \'win32\'"\n' } });
  assert.deepEqual(pins(await look(at)), [{ project: 'beta', version: '0.100.0' }]);
});

test('PF-10, PF-11: a lock that is none, a folder, from the future; its age is its own', async () => {
  const at = await bench.environment({ files: { 'requirements.lock': 'beta>=1\n-e .\n' } });
  const lock = join(at.project, 'requirements.lock');
  assert.match(String(pins(await look(at))), /^line 1 of the lock: expected one pinned version: NAME==VERSION, got .*; and 1 more$/);
  utimesSync(lock, 1, Date.now() / 1000 + 3600);
  assert.ok((await look(at)).lock.ageSeconds! < -3000);
  rmSync(lock);
  mkdirSync(lock);
  const facts = await look(at);
  assert.deepEqual([facts.lock.exists, facts.lock.sha256], [true, null]);
  assert.match(String(pins(facts)), /can't be read: requirements\.lock is no regular file$/);
});

test('PF-13: variables come from the process, else from the project\'s file; empty ones are none', async () => {
  const at = await bench.environment({ files: { '.env': 'export APP_PYTHON_VERSION="3.12.1" # why\nAPP_WHEEL_STATUS=\n' } });
  assert.deepEqual((await look(at)).variables, { APP_PYTHON_VERSION: '3.12.1', APP_WHEEL_STATUS: null });
  assert.deepEqual((await look(at, { env: { APP_PYTHON_VERSION: '3.11.13', APP_WHEEL_STATUS: 'healthy' } })).variables, { APP_PYTHON_VERSION: '3.11.13', APP_WHEEL_STATUS: 'healthy' });
  const without = await bench.environment({ settings: 'name: app\nlock: requirements.lock\n' });
  assert.deepEqual((await look(without)).variables, {});
});

test('VJ-13: configuration is read by its format; what can\'t be read says why', async () => {
  const settings = 'name: app\nlock: requirements.lock\nconfigFiles:\n  - {path: .smvm_config, format: keyvalue}\n  - {path: app.yaml, format: yaml}\n  - {path: bad.yaml, format: yaml}\n  - {path: gone.conf, format: keyvalue}\n  - {path: bare.conf, format: keyvalue}\n';
  const at = await bench.environment({ settings, files: { '.smvm_config': '# python_version=3.9\npython_version = \'3.12.1\'\n', 'app.yaml': 'python_version: 3.10 # a number to YAML\n', 'bad.yaml': 'a: [\n', 'bare.conf': 'other=1\n' } });
  const { config } = await look(at);
  assert.deepEqual(config.map(({ path, exists, pythonVersion }) => [path, exists, pythonVersion]), [['.smvm_config', true, '3.12.1'], ['app.yaml', true, '3.10'], ['bad.yaml', true, null], ['gone.conf', false, null], ['bare.conf', true, null]]);
  assert.deepEqual(config.map(({ problem }) => problem === null), [true, true, false, true, true]);
});

test('DIS-12, PF-14: modes are those of the files, also behind a link; a missing file has none', async () => {
  const at = await bench.environment();
  writeFileSync(join(at.project, 'real.txt'), '');
  chmodSync(join(at.project, 'real.txt'), 0o602);
  symlinkSync('real.txt', join(at.project, 'requirements.txt'));
  chmodSync(join(at.project, 'requirements.lock'), 0o640);
  const { files } = await look(at);
  assert.deepEqual(files, [{ path: 'requirements.txt', mode: 0o602 }, { path: 'requirements.lock', mode: 0o640 }, { path: '.smvm_config', mode: 0o644 }]);
});

test('HM-19, HM-20: the project\'s own report, and every way in which it is none', async () => {
  const at = await bench.environment({ settings: `${SETTINGS}metrics: run.json\n` });
  const write = (value: unknown): void => writeFileSync(join(at.project, 'run.json'), typeof value === 'string' ? value : JSON.stringify(value));
  const problem = async (): Promise<string> => {
    const { metrics } = await look(at);
    return metrics === null ? 'none' : metrics.ok ? 'ok' : metrics.problem;
  };
  assert.match(await problem(), /there is no such file yet/);
  for (const [value, words] of [['{', /run\.json: /], [[1], /expected an object/], [{ solveSeconds: 1 }, /expected "at"/], [{ at: '2026-01-01T00:00:00Z', crashes: -1 }, /expected crashes to be a number of 0 or more, got -1/], [{ at: '2026-01-01T00:00:00Z', memoryMiB: '5' }, /memoryMiB/]] as const) {
    write(value);
    assert.match(await problem(), words);
  }
  write({ at: '2026-01-01T00:00:00Z', solveSeconds: 1.5, crashes: 0, other: 'x' });
  assert.deepEqual((await look(at)).metrics, { ok: true, value: { at: '2026-01-01T00:00:00Z', solveSeconds: 1.5, crashes: 0 } });
  assert.equal((await look(await bench.environment())).metrics, null);
});

test('EE-11: what stands for a time, by the file beside the trees; only for the tree that stands there', async () => {
  const at = await bench.environment();
  assert.equal((await look(at)).standing, null);
  linkTo(at, 'ex-1-1');
  mkdirSync(join(at.project, '.venvs/ex-1-1'));
  const write = (text: string): void => writeFileSync(join(at.project, '.venvs/state.json'), text);
  const state = (tree: string, end: string | null, run: string | null = 'ex-1'): string => JSON.stringify({ version: 1, environments: { '.venv': { tree, run, end } } });
  write(state('ex-1-1', '2026-12-01T00:00:00.000Z'));
  assert.deepEqual((await look(at)).standing, { run: 'ex-1', end: '2026-12-01T00:00:00.000Z' });
  write(state('ex-1-1', null));
  assert.deepEqual((await look(at)).standing, { run: 'ex-1', end: null });
  for (const text of [state('ex-0-1', '2026-12-01T00:00:00.000Z'), state('ex-1-1', null, null), '{', '[]', '{"version": 2}']) {
    write(text);
    assert.equal((await look(at)).standing, null, text);
  }
});

test('EE-11: where the agent\'s store knows the environment, a file that the project\'s owner can write proves nothing', async () => {
  const at = await bench.environment();
  linkTo(at, 'ch-2-1');
  mkdirSync(join(at.project, '.venvs/ch-2-1'));
  writeFileSync(join(at.project, '.venvs/state.json'), JSON.stringify({ version: 1, environments: { '.venv': { tree: 'ch-2-1', run: 'ex-9', end: '2099-01-01T00:00:00.000Z' } } }));
  const { armed } = bench.host.ctx.store;
  const row = { chain: 'c', run: 'ch-2', link: at.link, undoTarget: null, previousState: 'missing', manifestDigest: '', manifestScope: 'all', files: 0, version: null, end: null, planDigest: '', onSwitch: 'idle', switchingTo: 'ch-2-1', switched: true, undone: false, keepPin: false } as const;
  armed.put(row, true);
  assert.deepEqual((await look(at)).standing, { run: 'ch-2', end: null });
  armed.update({ ...row, undone: true });
  assert.equal((await look(at)).standing, null);
});

test('PF-21: requirements that nothing installed meets, with markers and extras as pip check reads them', async () => {
  const at = await bench.environment();
  const info = join(at.site, 'asks-1.0.dist-info');
  mkdirSync(info);
  const asks = ['beta<0.100', 'numpy (>=1.24,<2)', 'gone', 'gone2 ; sys_platform == "win32"', 'pandas[all]>=2.9', 'beta @ https://example.invalid/beta.whl', 'extra-only ; extra == "x"', '???'];
  writeFileSync(join(info, 'METADATA'), `Name: asks\nVersion: 1.0\n${asks.map((it) => `Requires-Dist: ${it}\n`).join('')}`);
  rmSync(at.project + '/requirements.lock');
  const { conflicts, wheels } = await look(at, { manual: true });
  assert.deepEqual(conflicts, { ok: true, value: ['asks 1.0 requires beta<0.100, and beta 0.100.0 is installed', 'asks 1.0 requires gone, which is not installed', 'asks 1.0 has a requirement that can\'t be read: ???'] });
  assert.equal(wheels?.ok, false, 'without a lock nothing can be asked for');
});
