import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { armUndo } from '../../../activities/host/arm.js';
import { waitUntil } from '../../../activities/host/poll.js';
import { processStat } from '../../../activities/host/proc.js';
import { findRiders, processesLeft, settleRiders } from '../../../activities/host/riders.js';
import { fileRiders, type RiderPlaces } from '../../../activities/host/riders-files.js';
import { namesPath } from '../../../activities/host/riders-process.js';
import { switchLink } from '../../../activities/host/switch.js';
import { undo } from '../../../activities/host/undo.js';
import { answers, prepared, type Prepared, type PreparedOptions } from '../../support/environments.js';
import { testHost, testScope, type TestHost } from '../../support/host.js';

let host: TestHost;
const started: ChildProcess[] = [];
const startedGroups: number[] = [];
before(() => {
  host = testHost();
});
after(() => host.close());
afterEach(() => {
  // Whole groups: a forked child would hold the pipe, and with it this process, until it ends by itself.
  startedGroups.push(...started.splice(0).map((child) => child.pid!));
  for (const pgid of startedGroups.splice(0)) try { process.kill(-pgid, 'SIGKILL'); } catch { /* gone, as it should be */ }
});

/** Starts something that says so on its first line. */
async function start(file: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true, ...options });
  started.push(child);
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, said: chunk.toString().trim() };
}

const NO_PLACES: RiderPlaces = { cronFiles: [], cronFolders: [], cronSpools: [], unitFolders: [], scriptFolders: [] };
const WAIT = 'print("up", flush=True)\nimport time\ntime.sleep(600)\n';
/** Imports late, and has a child made by fork. */
const WORKER = 'import os, sys, time\npid = os.fork()\nif pid: print(pid, flush=True)\ntime.sleep(600)\nimport json.tool\n';

const ids = (p: Prepared): string[] => findRiders(host.ctx, p.place, null, NO_PLACES).filter((rider) => rider.kind === 'process').map((rider) => rider.id).sort();
const leftIds = (p: Prepared): number[] => processesLeft(host.ctx, p.place, join(p.place.venvsDir, p.old)).map((view) => view.stat.pid).sort((a, b) => a - b);

async function switched(options: PreparedOptions): Promise<Prepared> {
  const p = await prepared(host, options);
  await armUndo(host.ctx, testScope(), p.order('arm'), p.plan);
  return p;
}
const turn = (p: Prepared) => switchLink(host.ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
const settle = (p: Prepared, attempt = 1) => settleRiders(host.ctx, testScope(attempt), p.order('restart'), { plan: p.plan, leftTree: p.old, nowTree: p.next });

test('a process is found by link, by relative name, by PATH, through another link, and by the tree itself; a mention is none', async () => {
  const p = await prepared(host, { name: 'found' });
  const bin = join(p.project.env.link, 'bin');
  symlinkSync(p.project.path, join(host.folder, 'alias'));
  const ways: [string, string[], object?][] = [
    [join(bin, 'python'), ['-c', WAIT]],
    ['./.venv/bin/python', ['-c', WAIT], { cwd: p.project.path }],
    ['python', ['-c', WAIT], { env: { PATH: bin } }],
    [join(host.folder, 'alias/.venv/bin/python'), ['-c', WAIT]],
  ];
  const pids: string[] = [];
  for (const [file, args, options] of ways) pids.push(String((await start(file, args, options)).child.pid));
  const byTree = await start(join(p.project.venvs, p.old, 'bin/python'), ['-c', WAIT]);
  // Named, but not run from: an editor, our own command line, a shell whose environment is switched on.
  await start('/usr/bin/env', ['python3', '-c', WAIT, p.project.env.link]);
  await start('/bin/sh', ['-c', 'echo up; exec sleep 600', join(bin, 'python')], { env: { VIRTUAL_ENV: p.project.env.link, PATH: `${bin}:/bin:/usr/bin` } });
  assert.deepEqual(ids(p), pids.sort());
  const withTree = findRiders(host.ctx, p.place, join(p.project.venvs, p.old), NO_PLACES).map((rider) => rider.id);
  assert.ok(withTree.includes(String(byTree.child.pid)));
});

test('paths are compared whole', () => {
  const link = '/srv/a/.venv';
  for (const text of [link, `x=${link}/bin`, `"${link}"`, `${link}:/bin`, `a\0${link}\0b`, `#!${link}/bin/python`]) assert.equal(namesPath(text, link), true, text);
  for (const text of ['/srv/a/.venvs/x', '/srv/a/.venv.old/bin', '/srv/a/.venv2', '/mnt/srv/a/.venv', '/srv/a', '']) assert.equal(namesPath(text, link), false, text);
});

test('cron tables, unit files with their additions, scripts; what is named by neither link nor tree is left out', () => {
  const folder = join(host.folder, 'etc');
  const file = (name: string, text: string): string => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const link = '/srv/a/.venv';
  file('cron.d/job', `* * * * * app ${link}/bin/python -m job\n`);
  file('spool/app', `@daily ${link}/bin/tool\n`);
  file('units/app.service', `[Service]\nExecStart=${link}/bin/uvicorn\n`);
  file('units/other.service', '[Service]\nExecStart=/srv/a/.venv-other/bin/x\n');
  file('units/more.service.d/env.conf', `[Service]\nEnvironment=PATH=${link}/bin\n`);
  file('bin/tool', `#!${link}/bin/python\nprint()\n`);
  file('bin/plain', `#!/bin/sh\necho ${link}\n`);
  symlinkSync('/dev/null', join(folder, 'units/masked.service'));
  symlinkSync('/nowhere', join(folder, 'units/gone.service'));
  const places: RiderPlaces = { cronFiles: [file('crontab', '')], cronFolders: [join(folder, 'cron.d')], cronSpools: [join(folder, 'spool'), '/nonexistent'], unitFolders: [join(folder, 'units')], scriptFolders: [join(folder, 'bin')] };
  const owner = { uid: process.getuid!(), gid: process.getgid!(), name: 'x' };
  assert.deepEqual(fileRiders(owner, [link], places).map(({ kind, id }) => `${kind} ${id.split('/').at(-1)}`), ['cron job', 'cron app', 'unit app.service', 'unit env.conf', 'shebang tool']);
});

test('invariant 2: a worker that imports late and its forked child are found on the tree that was left; newcomers are not', async () => {
  const p = await switched({ name: 'left' });
  const worker = await start(join(p.project.env.link, 'bin/python'), ['-c', WORKER]);
  await turn(p);
  const newcomer = await start(join(p.project.env.link, 'bin/python'), ['-c', WAIT]);
  assert.deepEqual(leftIds(p), [worker.child.pid!, Number(worker.said)].sort((a, b) => a - b));
  const settled = await settle(p);
  assert.deepEqual([settled.healthy, settled.problem], [true, ''], 'tolerate');
  assert.equal(settled.left.length, 2);
  worker.child.kill('SIGKILL');
  await once(worker.child, 'exit');
  assert.deepEqual(leftIds(p), [Number(worker.said)], 'an orphan is where its parent was');
  process.kill(Number(worker.said), 'SIGKILL');
  assert.ok(await waitUntil(() => leftIds(p).length === 0, 5000, testScope()));
  assert.ok(processStat(newcomer.child.pid!));
});

test('idle: a process that is still on the left tree is a problem that names it', async () => {
  const p = await switched({ name: 'idle-left', onSwitch: 'idle' });
  const place = host.ctx.agentFile.environments.find((e) => e.link === p.project.env.link)!;
  place.onSwitch = 'tolerate';
  const worker = await start(join(p.project.env.link, 'bin/python'), ['-c', WAIT]);
  await turn(p);
  place.onSwitch = 'idle';
  const settled = await settle(p);
  assert.equal(settled.healthy, false);
  assert.match(settled.problem, new RegExp(`expected no process on .*/old-1, got ${worker.child.pid} `));
});

/** A unit: a Python script that starts the service in a session of its own, as a supervisor does. */
function unitOf(p: { project: { path: string } }, name: string, service: string): { restart: string[]; health: string[]; log: string } {
  const log = join(p.project.path, `${name}.log`);
  const script = join(p.project.path, `${name}.py`);
  writeFileSync(script, `
import os, signal, subprocess, sys, time
pidfile, log = ${JSON.stringify(join(p.project.path, `${name}.pid`))}, ${JSON.stringify(log)}
open(log, 'a').write('restart\\n')
if os.path.exists(pidfile):
    pid = int(open(pidfile).read())
    try:
        os.killpg(pid, signal.SIGKILL)
        while os.path.exists(f'/proc/{pid}/cwd'): time.sleep(0.01)
    except ProcessLookupError:
        pass
service = subprocess.Popen([${JSON.stringify(join(p.project.path, '.venv/bin/python'))}, '-c', ${JSON.stringify(service)}], start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
open(pidfile, 'w').write(str(service.pid))
`);
  chmodSync(script, 0o755);
  return { log, restart: ['/usr/bin/python3', script], health: ['/usr/bin/test', '-e', join(p.project.path, `${name}.pid`)] };
}

test('restart: the unit is restarted as the new environment, outlives the command, and nothing is left on the old one', async () => {
  const p = await switched({ name: 'restarted', onSwitch: 'restart' });
  const unit = unitOf(p, 'service', 'import os,time\npid = os.fork()\ntime.sleep(600)');
  host.ctx.agentFile.environments.at(-1)!.units.push({ name: 'service', restart: unit.restart, health: unit.health, restartWindowSeconds: 10 });
  await once(spawn(unit.restart[0]!, unit.restart.slice(1)), 'close');
  const pidfile = join(p.project.path, 'service.pid');
  const before = Number(readFileSync(pidfile, 'utf8'));
  assert.ok(await waitUntil(() => ids(p).length === 2, 5000, testScope()));
  await turn(p);
  assert.equal(leftIds(p).length, 2);
  const order = p.order('restart');
  const settled = await settleRiders(host.ctx, testScope(), order, { plan: p.plan, leftTree: p.old, nowTree: p.next });
  assert.deepEqual([settled.restarted, settled.left, settled.healthy, settled.problem], [['service'], [], true, '']);
  const now = Number(readFileSync(pidfile, 'utf8'));
  startedGroups.push(now);
  assert.notEqual(now, before);
  assert.ok(processStat(now), 'the service lives on after the restart command');
  assert.match(readFileSync(`/proc/${now}/maps`, 'latin1') + readFileSync(`/proc/${now}/cmdline`, 'latin1'), /\.venv/);
  assert.deepEqual(await settleRiders(host.ctx, testScope(2), order, { plan: p.plan, leftTree: p.old, nowTree: p.next }), settled);
  assert.equal(readFileSync(unit.log, 'utf8'), 'restart\nrestart\n', 'the order given again restarts nothing');
  const undone = await undo(host.ctx, testScope(), p.order('undo'), { chain: order.chain });
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
  startedGroups.push(Number(readFileSync(pidfile, 'utf8')));
  assert.match(answers(p.project), /^3\.11\./);
});

test('a unit whose health fails: not healthy, with the unit, its window and the command named', async () => {
  const p = await switched({ name: 'unhealthy', onSwitch: 'restart' });
  host.ctx.agentFile.environments.at(-1)!.units.push({ name: 'sick', restart: ['/bin/true'], health: ['/bin/false'], restartWindowSeconds: 0.5 });
  await turn(p);
  const settled = await settle(p);
  assert.deepEqual([settled.healthy, settled.restarted], [false, []]);
  assert.match(settled.problem, /unit sick: expected it to be healthy within 0\.5 s, got exit code 1 from \/bin\/false/);
});

test('a restart command that fails or hangs is said so', async () => {
  const p = await switched({ name: 'hangs', onSwitch: 'restart' });
  const units = host.ctx.agentFile.environments.at(-1)!.units;
  units.push({ name: 'fails', restart: ['/bin/false'], restartWindowSeconds: 2 });
  await turn(p);
  assert.match((await settle(p)).problem, /unit fails: expected it to be restarted within 2 s, got exit code 1/);
  units[0] = { name: 'hangs', restart: ['/bin/sleep', '60'], restartWindowSeconds: 0.3 };
  assert.match((await settle(p)).problem, /unit hangs: .*no end of the command by then/);
  units[0] = { name: 'absent', restart: ['/nonexistent/x'], restartWindowSeconds: 1 };
  assert.match((await settle(p)).problem, /unit absent: .*ENOENT/);
});

test('restart: a straggler of no unit makes the switch fail, and after the undo it is home', async () => {
  const p = await switched({ name: 'straggler', onSwitch: 'restart' });
  host.ctx.agentFile.environments.at(-1)!.units.push({ name: 'ok', restart: ['/bin/true'], restartWindowSeconds: 2 });
  const straggler = await start(join(p.project.env.link, 'bin/python'), ['-c', WAIT]);
  await turn(p);
  const settled = await settle(p);
  assert.equal(settled.healthy, false);
  assert.match(settled.problem, new RegExp(`got ${straggler.child.pid} .*name the unit they belong to`));
  const between = await start(join(p.project.env.link, 'bin/python'), ['-c', WAIT]);
  const { chain } = p.order('x');
  const first = await undo(host.ctx, testScope(), p.order('undo'), { chain });
  assert.equal(first.verified, false, 'what began between switch and undo runs from the tree that was left');
  assert.match(first.problem, new RegExp(`got ${between.child.pid} `));
  assert.doesNotMatch(first.problem, new RegExp(`got ${straggler.child.pid} |, ${straggler.child.pid} `));
  between.child.kill('SIGKILL');
  await once(between.child, 'exit');
  const again = await undo(host.ctx, testScope(), p.order('undo'), { chain });
  assert.deepEqual([again.outcome, again.verified, again.problem], ['restored', true, '']);
  assert.ok(existsSync(p.project.env.link));
});
