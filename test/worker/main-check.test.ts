import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { processStat } from '../../activities/host/proc.js';
import { openAgentStore } from '../../activities/host/store.js';
import type { EnvironmentFacts } from '../../policy/checks/facts.js';
import type { CheckRules } from '../../policy/checks/model.js';
import { preflight } from '../../policy/checks/preflight.js';
import { checkedBench, RIGHT, type Checked, type CheckedBench } from '../support/checked-environment.js';

const MAIN = resolve(import.meta.dirname, '../../worker/main-check.js');
const isRoot = process.getuid!() === 0;
const nobody = { uid: 65534, gid: 65534, name: 'nobody' };

let bench: CheckedBench;
let home: string;
before(() => {
  bench = checkedBench();
  home = realpathSync(mkdtempSync(join(tmpdir(), 'check-home-')));
  chmodSync(home, 0o755);
  mkdirSync(join(home, 'tmp'), { mode: 0o777 });
  chmodSync(join(home, 'tmp'), 0o777);
  writeFileSync(join(home, 'policy.yaml'), 'checks: {required: [pandas, beta], minimumVersions: {}, healthImports: [beta]}\n');
});
after(() => {
  bench.close();
  rmSync(home, { recursive: true, force: true });
});

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

function start(args: string[], { env = {}, user = false }: { env?: Record<string, string>; user?: boolean } = {}): { child: ChildProcess; ended: Promise<Ran> } {
  const as = user && isRoot ? { uid: nobody.uid, gid: nobody.gid } : {};
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env: { PATH: '/usr/bin:/bin', HOME: home, RUNBOOK_HOME: join(home, 'instance'), TMPDIR: join(home, 'tmp'), ...env }, ...as });
  const texts = { stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr!.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  const ended = new Promise<Ran>((done) => child.once('close', (code) => done({ code, ...texts })));
  return { child, ended };
}

const policy = (): string[] => ['--policy', join(home, 'policy.yaml')];

async function check(args: string[], how: Parameters<typeof start>[1] = {}): Promise<{ facts: EnvironmentFacts; rules: CheckRules }> {
  const { code, stdout, stderr } = await start(args, how).ended;
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.split('\n').length, 2, 'one line');
  assert.deepEqual(readdirSync(join(home, 'tmp')), [], 'nothing of its own stays');
  return JSON.parse(stdout) as { facts: EnvironmentFacts; rules: CheckRules };
}

test('without agent file, folder or server: facts and rules as one line, and no state is made', async () => {
  const at = await bench.environment();
  const { facts, rules } = await check([at.project, ...policy()], { env: { APP_WHEEL_STATUS: 'healthy' } });
  assert.equal(preflight(facts, rules).status, 'READY', JSON.stringify(preflight(facts, rules).checks, null, 1));
  assert.deepEqual([rules.required, rules.primary, facts.variables['APP_WHEEL_STATUS']], [['pandas', 'beta'], '3.12.x', 'healthy']);
  assert.ok(facts.probe?.ok);
  assert.deepEqual([facts.importTime, facts.integrity, facts.conflicts, facts.wheels], [null, null, null, null]);
  assert.equal(existsSync(join(home, 'instance')), false);
});

test('--integrity measures all that a verification judges, --no-probe times nothing, --name takes another link', async () => {
  const at = await bench.environment();
  const all = await check([at.project, '--integrity', ...policy()]);
  assert.ok(all.facts.importTime?.ok && all.facts.integrity?.ok);
  assert.deepEqual(all.facts.integrity.value.differences, []);
  const quick = await check([at.project, '--no-probe', '--name', '.venv-next', ...policy()]);
  assert.deepEqual([quick.facts.probe, quick.facts.link], [null, join(at.project, '.venv-next')]);
  assert.notEqual(quick.facts.foundBy, 'link');
});

test('as an ordinary user on its own project, and on one it may only read', { skip: isRoot ? false : 'only root can become another user' }, async () => {
  const own = await bench.environment({ owner: nobody });
  const { facts } = await check([own.project, '--integrity', ...policy()], { user: true });
  assert.ok(facts.interpreter.ok && facts.integrity?.ok, JSON.stringify([facts.interpreter, facts.integrity]));
  const other = await bench.environment();
  chmodSync(join(other.project, 'requirements.lock'), 0o600);
  const { facts: seen } = await check([other.project, ...policy()], { user: true });
  assert.match(seen.lock.pins.ok ? '' : seen.lock.pins.problem, /can't be read: .*EACCES/);
});

test('root measures as the owner of the project', { skip: isRoot ? false : 'only root can' }, async () => {
  const at = await bench.environment({ owner: nobody });
  writeFileSync(join(at.site, 'whoami.py'), 'import os\nraise ImportError("uid %d" % os.getuid())\n');
  writeFileSync(join(home, 'who.yaml'), 'checks: {required: [whoami], minimumVersions: {}, healthImports: []}\n');
  const { facts } = await check([at.project, '--policy', join(home, 'who.yaml')]);
  assert.deepEqual(facts.imports, { ok: true, value: [{ module: 'whoami', ok: false, error: 'ImportError: uid 65534' }] });
});

test('the agent\'s own store says what stands for a time', async () => {
  const at = await bench.environment();
  const instance = join(home, 'with-agent');
  const agentDir = join(instance, 'state/agent');
  const store = openAgentStore(join(agentDir, 'agent.db'));
  const end = '2099-01-01T00:00:00.000Z';
  store.armed.put({ chain: 'c', run: 'ex-1', link: at.link, undoTarget: null, previousState: 'missing', manifestDigest: '', manifestScope: 'all', files: 0, version: null, end, planDigest: '', onSwitch: 'idle', switchingTo: 'ex-1-1', switched: true, undone: false, keepPin: true }, true);
  store.close();
  linkTree(at, 'ex-1-1');
  const { facts } = await check([at.project, '--no-probe', ...policy()], { env: { RUNBOOK_HOME: instance } });
  assert.deepEqual(facts.standing, { run: 'ex-1', end });
  if (!isRoot) return;
  chownSync(agentDir, nobody.uid, nobody.gid);
  const other = await check([at.project, '--no-probe', ...policy()], { env: { RUNBOOK_HOME: instance } });
  assert.equal(other.facts.standing, null, 'root makes no files in another user\'s folder');
});

function linkTree({ project, link }: Checked, tree: string): void {
  mkdirSync(join(project, '.venvs'));
  rmSync(link, { recursive: true });
  mkdirSync(join(project, '.venvs', tree));
  symlinkSync(join('.venvs', tree), link);
}

const refused = async (args: string[], words: RegExp, code = 64): Promise<void> => {
  const ran = await start(args).ended;
  assert.deepEqual([ran.code, ran.stdout], [code, ''], ran.stderr);
  assert.match(ran.stderr, words);
};

test('bad input is 64 and says what was expected', async () => {
  const at = await bench.environment();
  await refused([join(at.project, 'nowhere')], /refused: .*nowhere: expected the folder of a project, got nothing there\n {2}try: /);
  await refused([at.project, '--frob'], /refused: Unknown option '--frob'/);
  await refused([at.project, '--name', 'a/b'], /expected the name of a link/);
  writeFileSync(join(home, 'bad.yaml'), 'checks: {requird: []}\n');
  await refused([at.project, '--policy', join(home, 'bad.yaml')], /refused: .*bad\.yaml line 1.*requird/);
});

test('SIGTERM ends what it started and leaves no folder', async () => {
  const at = await bench.environment({ packages: [...RIGHT, 'hang==1.0'] });
  const mark = join(at.project, 'importing');
  writeFileSync(join(at.site, 'hang.py'), `import os, time\nopen(${JSON.stringify(mark)}, "w").write(str(os.getpid()))\ntime.sleep(3600)\n`);
  writeFileSync(join(home, 'hang.yaml'), 'checks: {required: [hang], minimumVersions: {}, healthImports: []}\n');
  const { child, ended } = start([at.project, '--no-probe', '--manual', '--policy', join(home, 'hang.yaml')]);
  for (let tries = 0; !(existsSync(mark) && readFileSync(mark, 'utf8') !== '') && tries < 3000; tries++) await new Promise((next) => setTimeout(next, 10));
  assert.ok(existsSync(mark));
  child.kill('SIGTERM');
  const { code, stdout } = await ended;
  assert.deepEqual([code, stdout], [143, '']);
  assert.deepEqual(readdirSync(join(home, 'tmp')), []);
  const pid = Number(readFileSync(mark, 'utf8'));
  assert.ok(['Z', 'gone'].includes(processStat(pid)?.state ?? 'gone'), 'nothing runs on');
});
