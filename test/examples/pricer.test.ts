import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { missingByPackaging } from '../../bench/oracle.js';
import { findPython, findUv, fullVersion, UV_ENVIRONMENT } from '../../bench/pythons.js';
import { cleanEnvironment, run, type Ran } from '../../bench/run.js';
import { projectFileSchema } from '../../policy/files/project-file.js';
import { freePort } from '../../worker/server/ports.js';
import { parse } from 'yaml';

const EXAMPLE = path.resolve(import.meta.dirname, '../../../examples/pricer');
const work = realpathSync(mkdtempSync(path.join(tmpdir(), 'pricer-')));
const project = path.join(work, 'project');
let primary: string;
let fallback: string;
let port: number;

interface Health {
  python: string;
  numpy: string;
  prefix: string;
  pid: number;
}

/** An environment with exactly a lock's pins, wheels only. */
async function makeEnvironment(name: string, python: string, lock: string): Promise<string> {
  const venv = path.join(work, name);
  const uv = await findUv();
  const env = cleanEnvironment(UV_ENVIRONMENT);
  await run(uv, ['venv', '-q', '--python', python, venv], { env });
  await run(uv, ['pip', 'install', '-q', '--python', path.join(venv, 'bin/python'), '--no-deps', '--only-binary', ':all:', '-r', path.join(EXAMPLE, lock)], { env });
  return venv;
}

/** The project's tests as `runbook.yaml` names them, by the environment's own Python. */
async function runTests(venv: string): Promise<string> {
  const { tests } = projectFileSchema.parse(parse(readFileSync(path.join(project, 'runbook.yaml'), 'utf8')));
  const ran = await run(path.join(venv, 'bin/python'), tests, { cwd: project, env: cleanEnvironment({ PYTHONDONTWRITEBYTECODE: '1' }), allow: [0, 1] });
  return ran.stdout.trim().split('\n').at(-1)!;
}

/** `pricerctl` as a unit command of an agent file starts it: absolute interpreter, absolute script. */
function control(verb: string, options: string[] = [], allow: number[] = [0]): Promise<Ran> {
  return run(primary, [path.join(EXAMPLE, 'pricerctl'), verb, '--project', project, ...options], { allow });
}

async function pointLinkAt(venv: string): Promise<void> {
  symlinkSync(venv, path.join(project, '.venv.new'));
  renameSync(path.join(project, '.venv.new'), path.join(project, '.venv'));
}

/** Whether a process runs; one that ended and was not yet collected does not. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

const getHealth = async (): Promise<Health> => (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as Health;

before(async () => {
  [primary, fallback] = [await findPython('3.12'), await findPython('3.11')];
  cpSync(EXAMPLE, project, { recursive: true });
});
after(async () => {
  await control('stop');
  rmSync(work, { recursive: true });
});

test('example: the new lock lacks exactly greenlet, numpy and pandas on the primary and nothing on the fallback', async () => {
  const missing = await missingByPackaging(path.join(EXAMPLE, 'requirements-new.lock'), [fallback, primary]);
  assert.deepEqual(missing, [[], ['greenlet', 'numpy', 'pandas']]);
});

test('example: the second pair of locks fits 3.13 and 3.12 in the same way', async () => {
  // Only 3.12 is needed to list the files; whether a wheel fits 3.13 is asked where a 3.13 is installed.
  const newest = await findPython('3.13').catch(() => null);
  const pythons = [primary, ...(newest ? [newest] : [])];
  const [arriving, present] = await Promise.all(['requirements-new-3.13.lock', 'requirements-primary-3.13.lock'].map((lock) => missingByPackaging(path.join(EXAMPLE, lock), pythons)));
  assert.deepEqual(arriving![0], []);
  if (newest) {
    assert.deepEqual(arriving![1], ['coverage', 'greenlet', 'grimp', 'markupsafe', 'numpy', 'pandas', 'pydantic-core', 'rpds-py']);
    assert.deepEqual(present![1], []);
  }
});

test('example: the lock that is live at first is the primary one, and every pin is exact', () => {
  const read = (name: string): string => readFileSync(path.join(EXAMPLE, name), 'utf8');
  assert.equal(read('requirements.txt'), read('requirements-primary.lock'));
  for (const name of ['requirements-primary.lock', 'requirements-new.lock', 'requirements-primary-3.13.lock', 'requirements-new-3.13.lock']) {
    for (const line of read(name).trim().split('\n')) assert.match(line, /^[a-z0-9-]+==[0-9][0-9a-z.]*$/, name);
  }
});

test('example: its tests pass in both environments, and the service moves from one to the other', { timeout: 300_000 }, async () => {
  const [old, next] = await Promise.all([makeEnvironment('old', primary, 'requirements-primary.lock'), makeEnvironment('next', fallback, 'requirements-new.lock')]);
  for (const venv of [old, next]) assert.match(await runTests(venv), / 15 passed(, 1 warning)? in /);

  await pointLinkAt(old);
  port = await freePort();
  await control('start', ['--port', String(port)]);
  const first = await getHealth();
  assert.deepEqual([first.python, first.numpy, first.prefix], [await fullVersion(primary), '1.26.4', old]);
  assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), new RegExp(`Python ${first.python}`));

  await pointLinkAt(next);
  assert.equal((await getHealth()).pid, first.pid, 'a new link alone moves nothing');
  assert.equal((JSON.parse((await control('status')).stdout) as { current: boolean }).current, false);
  await control('restart', ['--workers', '2']);
  const second = await getHealth();
  assert.deepEqual([second.python, second.numpy, second.prefix], [await fullVersion(fallback), '1.25.2', next]);
  assert.equal(isAlive(first.pid), false, 'the old one is gone');

  // A leader that is killed leaves workers behind; stop still ends them all.
  const { pid } = JSON.parse(readFileSync(path.join(project, 'run/pricer.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await control('stop');
  await control('health', [], [1]);
  await assert.rejects(getHealth());
});

test('example: pricerctl says no when somebody else answers on its port', { timeout: 120_000 }, async () => {
  const stranger: Server = createServer((_request, response) => response.end('{"status":"ok","pid":1}'));
  await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
  try {
    assert.equal((stranger.address() as AddressInfo).port, port);
    await control('health', [], [1]);
    const start = await control('start', ['--port', String(port)], [1]);
    assert.match(start.stderr, /ended at once with exit code 1/);
  } finally {
    stranger.close();
  }
});

test('example: pricerctl refuses a project without an environment or without the package', async () => {
  const empty = path.join(work, 'empty');
  cpSync(path.join(EXAMPLE, 'pricer'), path.join(empty, 'pricer'), { recursive: true });
  const script = path.join(EXAMPLE, 'pricerctl');
  assert.match((await run(primary, [script, 'start', '--project', empty], { allow: [1] })).stderr, /expected the environment's interpreter, got nothing there/);
  assert.match((await run(primary, [script, 'start', '--project', work], { allow: [2] })).stderr, /expected the folder that holds the package pricer/);
});
