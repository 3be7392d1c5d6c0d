import assert from 'node:assert/strict';
import { chmodSync, existsSync, lchownSync, lstatSync, readlinkSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { prepared, type Prepared } from '../../support/environments.js';
import { byClock, exception } from '../../support/exceptions.js';
import { healthRules, noon, rulesOf, watching, type Watching } from '../../support/health.js';
import { someInterpreter, testHost, type TestHost } from '../../support/host.js';

let host: TestHost;
let agent: Watching;

before(async () => {
  host = testHost();
  agent = watching(host);
  agent.take(rulesOf(await someInterpreter(host.ctx, '3.11')));
});
after(() => host.close());

const LOCK = { 'requirements.txt': '# nothing is pinned\n' };
const environment = (name: string, more: object = {}): Promise<Prepared> => prepared(host, { name, files: LOCK, ...more });

/** Checked again after the interval (twice as long, because a run has the lease: no full check begins either); what it says now. */
async function checked({ project }: Prepared): Promise<string[]> {
  agent.clock.now += 600_000;
  await agent.watch.look();
  const row = agent.row(project.env.link);
  return row ? [row.state, ...row.light.map(({ check }) => check)] : ['none'];
}

/** Does something to an environment, looks, takes it back. */
async function withChange(p: Prepared, change: () => void, back: () => void): Promise<string[]> {
  change();
  try {
    return await checked(p);
  } finally {
    back();
  }
}

test('HM-03: a light check says DEGRADED for each thing that preflight would fail for and a stat can see, and GOOD again when it is gone', async (t) => {
  const p = await environment('light');
  const [lock, tree] = [join(p.project.path, 'requirements.txt'), join(p.project.venvs, p.old)];
  const config = join(tree, 'pyvenv.cfg');
  assert.deepEqual(await checked(p), ['GOOD']);
  const target = readlinkSync(join(tree, 'bin/python'));
  const open = (path: string, act: () => void) => (): void => {
    const { mode } = lstatSync(path);
    chmodSync(path, 0o755);
    act();
    chmodSync(path, mode & 0o7777);
  };
  const relink = (to: string) => (): void => (unlinkSync(p.project.env.link), symlinkSync(to, p.project.env.link));
  const cases: [string, () => void, () => void, string[]][] = [
    ['the lock is gone', () => renameSync(lock, `${lock}.x`), () => renameSync(`${lock}.x`, lock), ['DEGRADED', 'wheel_status']],
    ['the lock is empty', () => truncateSync(lock), () => writeFileSync(lock, LOCK['requirements.txt']), ['DEGRADED', 'wheel_status']],
    ['everybody may write the lock', () => chmodSync(lock, 0o666), () => chmodSync(lock, 0o644), ['DEGRADED', 'security']],
    ['everybody may read the lock (DEF-01)', () => chmodSync(lock, 0o644), () => undefined, ['GOOD']],
    ['the link leads nowhere', relink('.venvs/nothing'), relink('.venvs/old-1'), ['DEGRADED', 'virtual_environment']],
    ['the link is gone', () => unlinkSync(p.project.env.link), () => symlinkSync('.venvs/old-1', p.project.env.link), ['DEGRADED', 'virtual_environment']],
    ['pyvenv.cfg is gone', open(tree, () => renameSync(config, `${tree}-cfg`)), open(tree, () => renameSync(`${tree}-cfg`, config)), ['DEGRADED', 'virtual_environment', 'package_integrity']],
    ['the base interpreter is gone', open(join(tree, 'bin'), () => (unlinkSync(join(tree, 'bin/python')), symlinkSync('/nowhere/python', join(tree, 'bin/python')))), open(join(tree, 'bin'), () => (unlinkSync(join(tree, 'bin/python')), symlinkSync(target, join(tree, 'bin/python')))), ['DEGRADED', 'virtual_environment', 'package_integrity']],
    ['a .pth was injected', open(join(tree, 'lib/python3.11/site-packages'), () => writeFileSync(join(tree, 'lib/python3.11/site-packages/injected.pth'), '')), open(join(tree, 'lib/python3.11/site-packages'), () => unlinkSync(join(tree, 'lib/python3.11/site-packages/injected.pth'))), ['DEGRADED', 'package_integrity']],
    ['the seal is gone', open(tree, () => renameSync(join(tree, '.complete'), `${tree}-seal`)), open(tree, () => renameSync(`${tree}-seal`, join(tree, '.complete'))), ['DEGRADED', 'package_integrity']],
    ['runbook.yaml has errors', () => writeFileSync(join(p.project.path, 'runbook.yaml'), 'nonsense: 1\n'), () => unlinkSync(join(p.project.path, 'runbook.yaml')), ['DEGRADED', 'environment_config']],
    ['the project lies elsewhere', () => renameSync(p.project.path, `${p.project.path}-x`), () => renameSync(`${p.project.path}-x`, p.project.path), ['DEGRADED', 'virtual_environment']],
  ];
  for (const [what, change, back, expected] of cases) {
    await t.test(what, async () => {
      assert.deepEqual(await withChange(p, change, back), expected);
      assert.deepEqual(await checked(p), ['GOOD']);
    });
  }
});

test('PF-11: an old lock is a note in the log and degrades nothing', async () => {
  const p = await environment('old-lock');
  const lock = join(p.project.path, 'requirements.txt');
  const seconds = agent.clock.now / 1000 - 86_400;
  utimesSync(lock, seconds, seconds);
  assert.deepEqual(await checked(p), ['GOOD']);
  assert.match(agent.log().at(-1)!, /old-lock\/\.venv Runtime health: GOOD; .*note wheel_status: lock file requirements\.txt is stale: older than 24 h/);
});

test('HM-13: where configuration says another version than stands there, each check logs it', async () => {
  const p = await environment('says-otherwise', { files: { ...LOCK, 'runbook.yaml': 'name: x\nlock: requirements.txt\nconfigFiles:\n  - path: x.cfg\n    format: keyvalue\n', 'x.cfg': 'python_version=3.12.1\n' } });
  assert.deepEqual(await checked(p), ['GOOD']);
  assert.match(agent.log().at(-1)!, /says-otherwise\/\.venv Runtime health: GOOD; note environment_config: x\.cfg says Python 3\.12\.1, and 3\.11\.\d+ runs$/);
});

test('PF-06: an interpreter that the policy does not approve degrades, without starting it; an exception allows it before its end', async () => {
  const { version } = await someInterpreter(host.ctx, '3.11');
  const p = await environment('version', { start: 'directory' });
  // Whoever starts it leaves a mark.
  const mark = join(host.folder, 'was-started');
  const python = join(p.project.env.link, 'bin/python');
  rmSync(python);
  writeFileSync(python, `#!/bin/sh\ntouch ${mark}\n`);
  chmodSync(python, 0o755);
  assert.deepEqual(await checked(p), ['GOOD']);
  agent.take(healthRules('3.99.x', '3.98.x'));
  await agent.watch.look();
  const row = agent.row(p.project.env.link)!;
  assert.deepEqual([row.state, row.light[0]!.check, row.light[0]!.severity], ['DEGRADED', 'python_version', 'critical']);
  assert.match(row.light[0]!.message, new RegExp(`Python ${version.replaceAll('.', '\\.')}.*approved are 3\\.99\\.x`));
  assert.equal(existsSync(mark), false);
  agent.take(rulesOf({ version }));
});

test('EE-11: a granted exception is GOOD until its end, by the host\'s own time, and DEGRADED after it', async () => {
  const clock = { now: noon() };
  const end = new Date(clock.now + 3_600_000).toISOString();
  const p = await exception(host, byClock(host, clock), end, { name: 'excepted', files: LOCK });
  const one = watching(host, clock);
  one.take(rulesOf(await someInterpreter(host.ctx, '3.11')));
  await one.watch.look();
  assert.deepEqual([one.row(p.project.env.link)!.state, one.row(p.project.env.link)!.light], ['GOOD', []]);
  clock.now += 3_600_000;
  await one.watch.look();
  const row = one.row(p.project.env.link)!;
  assert.equal(row.state, 'DEGRADED');
  assert.match(row.light.find(({ check }) => check === 'python_version')!.message, /^exception ex-excepted that allowed Python 3\.12\.\d+ ended at /);
  one.stop();
  await one.watch.idle();
});

test('what no run made and nobody has is no environment; what went away with its project is none any more, unless the agent file names it', async () => {
  const none = host.project('none-yet', LOCK);
  host.ctx.agentFile.environments.push({ link: none.env.link, onSwitch: 'idle', units: [] });
  const p = await environment('goes-away');
  const one = watching(host, agent.clock);
  one.take(rulesOf(await someInterpreter(host.ctx, '3.11')));
  await one.watch.look();
  assert.equal(one.row(none.env.link), undefined);
  assert.equal(one.row(p.project.env.link)!.state, 'GOOD');
  host.ctx.agentFile.environments.splice(host.ctx.agentFile.environments.findIndex(({ link }) => link === p.project.env.link), 1);
  renameSync(p.project.path, join(host.folder, 'gone'));
  one.clock.now += 300_000;
  one.clock.now += 300_000;
  await one.watch.look();
  assert.equal(one.row(p.project.env.link), undefined);
  one.stop();
  await one.watch.idle();
});

test('a link that hands turned to another whole tree is told with the run that left it elsewhere', async () => {
  const p = await exception(host, byClock(host, agent.clock), new Date(agent.clock.now + 86_400_000).toISOString(), { name: 'turned', files: LOCK });
  unlinkSync(p.project.env.link);
  symlinkSync('.venvs/old-1', p.project.env.link);
  lchownSync(p.project.env.link, process.getuid!(), process.getgid!());
  const one = watching(host, agent.clock);
  one.take(rulesOf(await someInterpreter(host.ctx, '3.11')));
  await one.watch.look();
  const row = one.row(p.project.env.link)!;
  assert.deepEqual([row.state, row.light.map(({ check }) => check)], ['DEGRADED', ['package_integrity']]);
  assert.match(row.light[0]!.message, /a link to \.venvs\/old-1 stands where ex-turned left a link to \.venvs\/ex-turned-1/);
  one.stop();
  await one.watch.idle();
});
