import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { beginFull, nothingUnderWay } from '../../../activities/host/health-background.js';
import type { Lights } from '../../../activities/host/health-round.js';
import type { FullReason } from '../../../activities/host/store-health.js';
import { findRiders } from '../../../activities/host/riders.js';
import { healthFolder } from '../../../activities/host/health-log.js';
import { acquireLease, holderEnded } from '../../../activities/host/lease.js';
import { resolvePlace } from '../../../activities/host/paths.js';
import { processFile, processStat } from '../../../activities/host/proc.js';
import { fullDue, healthState } from '../../../activities/host/health-rules.js';
import { openAgentStore } from '../../../activities/host/store.js';
import { healthAlert } from '../../../policy/checks/health-alert.js';
import { driftBench, user, type DriftBench, type Drifting } from '../../support/drift.js';
import { noon, rulesOf, watching, type Watching } from '../../support/health.js';
import { testScope } from '../../support/host.js';
import { until } from '../../support/processes.js';

/** Longer than two looks of the loop that tells news. */
const TWO_LOOKS_MS = 1_500;

let bench: DriftBench;
let live: Drifting;
let agent: Watching;
let link: string;

before(async () => {
  bench = await driftBench();
  live = await bench.live(user);
  link = live.project.env.link;
});
after(() => bench.close());

/** A new agent process on a store whose health nobody knows; `sleep`: importing alpha takes as long as a test wants. */
function fresh(checks: object = { required: ['alpha'] }, now = noon()): Watching {
  const { store } = bench.host.ctx;
  store.exclusive(() => store.health.drop(link));
  agent = watching(bench.host, { now });
  agent.take(rulesOf(live.python, checks));
  return agent;
}

const fulls = ({ log }: Watching): string[] => log().filter((line) => line.includes('(full: '));
const lock = (): string => join(live.project.path, 'requirements.txt');

/** While its lock is away. */
async function withoutLock(act: () => Promise<void>): Promise<void> {
  renameSync(lock(), `${lock()}.x`);
  try {
    await act();
  } finally {
    renameSync(`${lock()}.x`, lock());
  }
}

test('VJ-17: without rules nothing is checked and no event says so; rules come with a question, outlive the agent and need no server', async () => {
  const one = watching(bench.host);
  await one.settle();
  assert.equal(one.row(link), undefined);
  assert.equal(existsSync(healthFolder(one.ctx)), false);
  const first = await one.next(0);
  assert.deepEqual([first.kind, 'rules' in first, 'health' in first], ['check-in', false, false]);
  const rules = rulesOf(live.python, { required: ['alpha'] });
  await assert.rejects(one.next(first.cursor, { health: rules }, TWO_LOOKS_MS), /no news/);
  await one.settle();
  const told = await one.next(first.cursor);
  assert.deepEqual([told.kind, told.rules, told.health!.map(({ link: at, state, mode, series }) => [at, state, mode, series])], ['check-in', rules.digest, [[link, 'GOOD', 'full', 'GOOD×2']]]);
  one.stop();

  const store = openAgentStore(one.ctx.store.path);
  try {
    const next = watching({ ...bench.host, ctx: { ...bench.host.ctx, store } });
    next.clock.now += 300_000;
    await next.settle();
    assert.deepEqual(next.row(link)!.series, [['GOOD', 1]], 'begins anew where it was told');
    const again = await next.next(told.cursor);
    assert.deepEqual([again.kind, again.rules, again.health!.length], ['check-in', rules.digest, 1]);
    next.stop();
  } finally {
    store.close();
  }
});

test('HM-01: a check every 300 s by the host\'s clock, at once by other rules; a clock that was set back delays nothing', async () => {
  const one = fresh();
  const count = (): number => one.row(link)?.series.reduce((sum, [, n]) => sum + n, 0) ?? 0;
  await one.settle();
  assert.equal(count(), 2, 'a light one and the first full one');
  one.clock.now += 299_000;
  await one.settle();
  assert.equal(count(), 2);
  one.clock.now += 1_000;
  await one.settle();
  assert.equal(count(), 3);
  one.take(rulesOf(live.python, { required: ['alpha'], warningLimit: 7 }));
  await one.settle();
  assert.equal(count(), 4);
  one.clock.now -= 10_000;
  await one.settle();
  assert.equal(count(), 5);
  one.stop();
});

test('HM-03, HM-04: GOOD to DEGRADED is followed by preflight and verifier at once, and told once; other words for the same checks are not told', async () => {
  const one = fresh();
  await one.settle();
  const { cursor } = await one.next(1_000);
  const before = fulls(one).length;
  await withoutLock(async () => {
    one.clock.now += 300_000;
    await one.settle();
    const row = one.row(link)!;
    assert.deepEqual([row.state, row.mode, fulls(one).length - before], ['DEGRADED', 'full', 1]);
    assert.deepEqual([row.verification!.status, row.verification!.critical], ['WARNING', 0]);
    const event = await one.next(cursor);
    assert.equal(event.kind, 'changed');
    const [state, ...none] = event.health!;
    assert.deepEqual([state!.state, state!.since, none], ['DEGRADED', new Date(one.clock.now).toISOString(), []]);
    assert.equal(state!.series, 'DEGRADED×2', 'a light one and a full one since the check-in');
    assert.deepEqual(state!.problems.map(({ check, severity }) => [check, severity]), [['wheel_status', 'warning']], 'as bad as the verifier says (DIS-07)');
    assert.equal(state!.problems.some((problem) => 'degrades' in problem), false);

    // Gone and empty are two messages and one problem.
    writeFileSync(lock(), '');
    one.clock.now += 300_000;
    await one.settle();
    assert.match(one.row(link)!.light[0]!.message, /is empty/);
    unlinkSync(lock());
    await assert.rejects(one.next(event.cursor, {}, TWO_LOOKS_MS), /no news/);

    // Another check is news.
    chmodSync(join(live.tree), 0o755);
    writeFileSync(join(live.tree, 'injected.pth'), '');
    one.clock.now += 300_000;
    await one.settle();
    const more = await one.next(event.cursor);
    assert.ok(more.health![0]!.problems.some(({ check, severity }) => check === 'package_integrity' && severity === 'critical'));
    assert.equal(more.health![0]!.problems[0]!.severity, 'critical', 'worst first');
    assert.equal(more.health![0]!.since, state!.since);
    unlinkSync(join(live.tree, 'injected.pth'));
    chmodSync(join(live.tree), 0o555);
    assert.equal(fulls(one).length - before, 1, 'at most one an hour');
  });
  one.stop();
});

test('HM-03, VJ-17: GOOD is said only where preflight ran: at once, and within the hour by other rules and on another lock', async () => {
  const one = fresh({ required: ['no_such_module'] });
  const before = fulls(one).length;
  await one.settle();
  assert.deepEqual([one.row(link)!.state, one.row(link)!.verification!.status, fulls(one).length - before], ['DEGRADED', 'PASSED', 1]);
  const hours = async (count: number): Promise<string> => {
    one.clock.now += count * 3_600_000;
    await one.settle();
    return `${one.row(link)!.state} ${fulls(one).length - before}`;
  };
  one.take(rulesOf(live.python, { required: ['alpha'] }));
  assert.equal(await hours(1), 'GOOD 2');
  assert.equal(await hours(1), 'GOOD 2', 'nothing is new');
  one.take(rulesOf(live.python, { required: ['no_such_module'] }));
  assert.equal(await hours(0.1), 'DEGRADED 3');
  one.take(rulesOf(live.python, { required: ['alpha'] }));
  assert.equal(await hours(0.9), 'DEGRADED 3', 'at most one an hour');
  assert.equal(await hours(0.1), 'GOOD 4');
  const text = readFileSync(lock(), 'utf8');
  try {
    writeFileSync(lock(), `${text}extra==1.0\n`);
    assert.equal(await hours(0.5), 'GOOD 4', 'at most one an hour');
    assert.equal(await hours(0.5), 'DEGRADED 5');
    assert.match(one.row(link)!.full!.findings[0]!.message, /extra==1\.0 is missing/);
  } finally {
    writeFileSync(lock(), text);
  }
  one.stop();
});

test('HM-05: a file that everybody may write is one critical violation, whichever of the checks saw it', async () => {
  const rules = rulesOf(live.python, { required: ['alpha'] });
  const one = fresh();
  await one.settle();
  const { mode } = statSync(lock());
  chmodSync(lock(), 0o666);
  try {
    one.clock.now += 300_000;
    await one.watch.look();
    const told = (): string[] => healthAlert(healthState(one.row(link)!), 'web-01', rules.policy).lines;
    assert.deepEqual(told(), ['1 critical violation found', '- security: requirements.txt: everybody may write it (mode 666)']);
    await one.watch.idle();
    assert.deepEqual(told(), ['1 critical violation found', '- security: everybody may write requirements.txt (mode 666)']);
    // The next light check sees it, too.
    one.clock.now += 300_000;
    await one.settle();
    assert.equal(one.row(link)!.light.length, 1);
    assert.equal(told().length, 2);
  } finally {
    chmodSync(lock(), mode);
  }
  one.stop();
});

test('HM-04: a full check that was made for no fault does not use up the turn of the first fault after it; one that was made for a fault does', () => {
  const { ctx } = watching(bench.host, { now: noon() });
  const ago = (minutes: number): string => new Date(noon() - minutes * 60_000).toISOString();
  const light = [{ check: 'security', severity: 'critical' as const, message: 'm', degrades: true }];
  const due = (why: FullReason | undefined, at: number, findings = light.slice(1)): FullReason | null =>
    fullDue(ctx, { link, state: 'DEGRADED', mode: 'light', since: ago(10), light, full: { findings, seen: 's', at: ago(at), ...(why ? { why } : {}), rules: 'r' }, verification: null, series: [], quietDay: null, recheckedAt: null }, 's', 'r');
  assert.deepEqual((['quiet', 'unmeasured', 'degraded', 'recheck', undefined] as const).map((why) => due(why, 20)), ['degraded', 'degraded', null, null, null]);
  assert.equal(due('unmeasured', 5), null, 'it has seen the fault');
  assert.equal(due('unmeasured', 20, light), null, 'it is what degrades');
  assert.equal(due('degraded', 60), 'degraded');
});

test('HM-03: what only a full check saw stands until the next one, which comes at once when a light one finds nothing any more', async () => {
  const one = fresh();
  await one.settle();
  const before = fulls(one).length;
  await withoutLock(async () => {
    one.clock.now += 300_000;
    await one.settle();
    assert.equal(one.row(link)!.state, 'DEGRADED');
  });
  one.clock.now += 300_000;
  await one.settle();
  const row = one.row(link)!;
  assert.deepEqual([row.state, row.light, row.full!.findings.filter(({ degrades }) => degrades), fulls(one).length - before], ['GOOD', [], [], 2]);
  // It comes and goes: one an hour for each turn, not more.
  await withoutLock(async () => {
    one.clock.now += 300_000;
    await one.settle();
  });
  one.clock.now += 300_000;
  await one.settle();
  assert.deepEqual([fulls(one).length - before, one.row(link)!.state], [2, 'GOOD']);
  one.stop();
});

test('HM-03: a full check that could not be made is no pass: what the last one found stands until one has measured again', async () => {
  const one = fresh({ required: ['no_such_module'] }, new Date(2026, 10, 21, 4, 59).getTime());
  const file = join(live.project.path, 'runbook.yaml');
  await one.settle();
  const checks = (): string[] => [...new Set(one.row(link)!.full!.findings.filter(({ degrades }) => degrades).map(({ check }) => check))].sort();
  assert.deepEqual([one.row(link)!.state, checks()], ['DEGRADED', ['package_integrity']]);
  const measured = one.row(link)!.full!;
  writeFileSync(file, 'nonsense: 1\n');
  try {
    for (const hour of [1, 2]) {
      one.clock.now += 3_600_000;
      await one.settle();
      assert.notEqual(one.row(link)!.full!.at, measured.at, `hour ${hour}: another one began`);
      const { findings } = one.row(link)!.full!;
      assert.deepEqual(findings.slice(0, -1), measured.findings);
      assert.deepEqual([findings.at(-1)!.check, findings.at(-1)!.severity, findings.at(-1)!.degrades], ['verification', 'warning', true]);
      assert.match(findings.at(-1)!.message, /^the full check could not be made: .*nonsense/);
    }
  } finally {
    unlinkSync(file);
  }
  // Light checks find nothing any more: that alone makes nothing healthy.
  one.clock.now += 300_000;
  await one.watch.look();
  assert.deepEqual([one.row(link)!.light, one.row(link)!.state], [[], 'DEGRADED']);
  await one.watch.idle();
  assert.deepEqual([one.row(link)!.state, one.row(link)!.full!.findings], ['DEGRADED', measured.findings], 'measured again');
  one.stop();
});

test('of several that are due the one is checked in full whose last full check is oldest, one that had none first', async () => {
  const one = fresh({ required: ['alpha'] }, new Date(2026, 10, 21, 12, 0).getTime());
  const { store } = one.ctx;
  await one.settle();
  const now = new Date(one.clock.now).toISOString();
  const lights: Lights = new Map();
  const ages: [string, string | null][] = [['/x/a', '2026-11-20T01:00:00.000Z'], ['/x/b', null], ['/x/c', '2026-11-19T01:00:00.000Z']];
  const bad = [{ check: 'security', severity: 'warning' as const, message: 'm', degrades: true }];
  try {
    for (const [name, at] of ages) {
      store.exclusive(() => store.health.put({ link: name, state: 'DEGRADED', mode: 'light', since: now, light: bad, full: at === null ? null : { findings: bad, seen: 's', at }, verification: null, series: [], quietDay: null, recheckedAt: null }));
      lights.set(name, { at: 0, elapsed: 0, seen: 's', epoch: 0 });
    }
    const background = nothingUnderWay();
    const order: string[] = [];
    for (let at = 0; at < ages.length; at++) {
      beginFull(one.ctx, store.health.rules()!, lights, background, new AbortController().signal);
      order.push(background.full!.link);
      await background.full!.done;
      one.clock.now += 1000;
    }
    assert.deepEqual(order, ['/x/b', '/x/c', '/x/a']);
    // One whose check is always given up, so that nothing of it is kept, lets the others go before it.
    for (const [name] of ages) store.exclusive(() => store.health.put({ ...store.health.get(name)!, full: null }));
    beginFull(one.ctx, store.health.rules()!, lights, background, AbortSignal.abort(new Error('given up')));
    assert.equal(background.full!.link, '/x/b');
    await background.full!.done;
    assert.equal(store.health.get('/x/b')!.full, null);
    one.clock.now += 1000;
    beginFull(one.ctx, store.health.rules()!, lights, background, new AbortController().signal);
    assert.equal(background.full!.link, '/x/c');
    await background.full!.done;
  } finally {
    for (const [name] of ages) store.exclusive(() => store.health.drop(name));
    one.stop();
  }
});

test('what can\'t be kept is said once, and tried again at the next interval', async () => {
  const one = fresh();
  const { store } = one.ctx;
  const name = '/x/full-disk';
  try {
    store.exclusive(() => store.health.put({ link: name, state: 'GOOD', mode: 'light', since: new Date(0).toISOString(), light: [], full: null, verification: null, series: [], quietDay: null, recheckedAt: null }));
    const lights: Lights = new Map([[name, { at: 0, elapsed: 0, seen: 's', epoch: 0 }]]);
    const [full, rules] = [{ ...one.ctx, store: { ...store, health: { ...store.health, put: () => { throw new Error('database or disk is full'); } } } }, store.health.rules()!];
    const background = nothingUnderWay();
    const began: number[] = [];
    for (let second = 0; second <= 2 * rules.everySeconds; second++) {
      beginFull(full, rules, lights, background, new AbortController().signal);
      if (background.full) began.push(second);
      await background.full?.done;
      one.clock.now += 1000;
    }
    assert.deepEqual(began, [0, rules.everySeconds, 2 * rules.everySeconds]);
    assert.deepEqual(one.warnings, [`full check of ${name}: database or disk is full`]);
    beginFull({ ...full, store }, rules, lights, background, new AbortController().signal);
    assert.equal(background.full, null, 'not before its time');
    one.clock.now += rules.everySeconds * 1000;
    beginFull({ ...full, store }, rules, lights, background, new AbortController().signal);
    await background.full!.done;
    assert.notEqual(store.health.get(name)!.full, null);
  } finally {
    store.exclusive(() => store.health.drop(name));
    one.stop();
  }
});

test('HM-04, DIS-28: in the quiet hours everything is checked in full once, also over midnight; a host that was off catches up in the next ones', async () => {
  const { agentFile } = bench.host.ctx;
  const hours = agentFile.health.quietHours;
  agentFile.health.quietHours = { from: '23:00', to: '03:00' };
  try {
    const one = fresh({ required: ['no_such_module'] });
    const before = fulls(one).length;
    const at = async (day: number, hour: number, minute: number): Promise<number> => {
      one.clock.now = new Date(2026, 10, day, hour, minute).getTime();
      await one.settle();
      return fulls(one).length - before;
    };
    assert.equal(await at(21, 12, 0), 1, 'the first one');
    assert.equal(one.row(link)!.quietDay, null);
    assert.equal(await at(22, 2, 59), 2, 'the night from the 21st to the 22nd');
    assert.equal(one.row(link)!.quietDay, '20261121');
    assert.deepEqual([one.row(link)!.state, one.row(link)!.full!.findings.find(({ degrades }) => degrades)!.check], ['DEGRADED', 'package_integrity']);
    one.take(rulesOf(live.python, { required: ['alpha'] }));
    assert.equal(await at(22, 3, 0), 2, 'over, and an hour is not');
    assert.equal(one.row(link)!.state, 'DEGRADED', 'no light check can say that it imports now');
    assert.equal(await at(22, 3, 59), 3, 'an hour later it is asked again');
    assert.equal(one.row(link)!.state, 'GOOD');
    assert.equal(await at(22, 22, 59), 3);
    assert.equal(await at(23, 0, 59), 4);
    assert.equal(await at(23, 2, 59), 4, 'once a night');
    // Off for two nights.
    assert.equal(await at(26, 1, 0), 5);
    one.stop();
  } finally {
    agentFile.health.quietHours = hours;
  }
});

/** A module whose import waits until the test's file is there. */
const WAITS = (gate: string): string => `import os, time\nopen(${JSON.stringify(`${gate}.began`)}, "a").write(str(os.getpid()) + "\\n")\nwhile not os.path.exists(${JSON.stringify(gate)}): time.sleep(0.01)\n`;

const runs = (pid: number): boolean => ![undefined, 'Z', 'X'].includes(processStat(pid)?.state);

/** Checks in full what waits in its import, from the project's own folder. */
async function whileItRuns(act: (one: Watching, pid: number) => Promise<void>): Promise<Watching> {
  const gate = join(live.project.path, `gate-${process.hrtime.bigint()}`);
  writeFileSync(join(live.project.path, 'waits.py'), WAITS(gate));
  chmodSync(live.project.path, 0o777);
  writeFileSync(join(live.project.path, 'runbook.yaml'), `name: waits\nlock: requirements.txt\nimportModule: waits\n`);
  const one = fresh({ required: ['waits'] }, new Date(2026, 10, 21, 4, 59).getTime());
  try {
    await one.watch.look();
    const pid = Number(await until('the import to begin', () => existsSync(`${gate}.began`) && (/^\d+(?=\n)/.exec(readFileSync(`${gate}.began`, 'utf8'))?.[0] ?? null)));
    await act(one, pid);
  } finally {
    writeFileSync(gate, '');
    one.stop();
    await one.watch.idle();
    for (const name of ['runbook.yaml', 'waits.py', ...readdirSync(live.project.path).filter((file) => file.startsWith('gate-'))]) unlinkSync(join(live.project.path, name));
    chmodSync(live.project.path, 0o755);
  }
  return one;
}

test('a full check runs at the lowest priority beside everything else: news and light checks go on, it is nobody\'s rider, and never runs twice', async () => {
  await whileItRuns(async (one, pid) => {
    assert.equal(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ')[16], '19');
    assert.match(processFile(pid, 'environ')!, /INTERPRETER_RUNBOOKS_OP=health\//);
    assert.deepEqual(findRiders(one.ctx, resolvePlace(one.ctx, live.project.env), live.tree).filter(({ kind }) => kind === 'process'), []);
    const checkIn = await one.next(5_000);
    assert.equal(checkIn.kind, 'check-in');
    const series = (): number => one.row(link)!.series.reduce((sum, [, n]) => sum + n, 0);
    const began = series();
    one.clock.now += 300_000;
    await one.watch.look();
    assert.equal(series(), began + 1);
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && processFile(Number(name), 'environ')?.includes('INTERPRETER_RUNBOOKS_OP=health/'));
    const groups = new Set(pids.map((name) => processStat(Number(name))?.pgrp));
    assert.equal(groups.size, 1, 'one check');
  });
});

test('what gave no answer at the lowest priority is asked again at the usual one: a busy host degrades nothing', async () => {
  const files: [string, string][] = [['picky.py', 'import os, signal\nif os.nice(0) == 19: os.kill(os.getpid(), signal.SIGTERM)\n'], ['runbook.yaml', 'name: picky\nlock: requirements.txt\nimportModule: picky\n']];
  for (const [name, text] of files) writeFileSync(join(live.project.path, name), text);
  try {
    const one = fresh({ required: ['picky'] }, new Date(2026, 10, 21, 4, 59).getTime());
    await one.settle();
    assert.deepEqual([one.row(link)!.state, one.row(link)!.verification!.status], ['GOOD', 'PASSED']);
    one.stop();
  } finally {
    for (const [name] of files) unlinkSync(join(live.project.path, name));
  }
});

test('a run that takes the environment ends the check\'s Pythons at once, and what they said is not believed; it is made anew afterwards', async () => {
  const holder = { workflowId: 'wf/h', chain: 'chain-h', run: 'ch-h' };
  const one = await whileItRuns(async (one, pid) => {
    await acquireLease(one.ctx, testScope(), { env: live.project.env, holder, priority: 'forward' });
    assert.equal(runs(pid), false, 'gone when the lease is given');
    await one.watch.look();
    await one.watch.idle();
    assert.deepEqual([one.row(link)!.full, one.row(link)!.quietDay, one.row(link)!.state], [null, null, 'GOOD']);
    assert.deepEqual(one.ctx.store.fence.groups(link), []);
    one.clock.now += 10_000;
    await one.settle();
    assert.equal(one.row(link)!.full, null, 'not while the run has it');
  });
  await holderEnded(one.ctx, testScope(), { env: live.project.env, chain: holder.chain });
  const next = fresh({ required: ['alpha'] }, new Date(2026, 10, 21, 4, 59).getTime());
  await next.settle();
  assert.equal(next.row(link)!.verification!.status, 'PASSED');
  next.stop();
});

test('HM-01: what a run leaves is checked as soon as the run has given it back', async () => {
  const one = fresh();
  await one.settle();
  const holder = { workflowId: 'wf/l', chain: 'chain-l', run: 'ch-l' };
  const count = (): number => one.row(link)!.series.reduce((sum, [, n]) => sum + n, 0);
  await acquireLease(one.ctx, testScope(), { env: live.project.env, holder, priority: 'forward' });
  one.clock.now += 300_000;
  await one.settle();
  assert.equal(count(), 2, 'a run has it: later');
  await holderEnded(one.ctx, testScope(), { env: live.project.env, chain: holder.chain });
  await one.settle();
  await one.settle();
  assert.equal(count(), 3);
  one.stop();
});

test('an agent that stops ends its full check with it and records nothing', async () => {
  await whileItRuns(async (one, pid) => {
    one.stop();
    await one.watch.idle();
    assert.equal(runs(pid), false);
    assert.equal(one.row(link)!.full, null);
    assert.deepEqual(one.warnings, []);
  });
});

test('a host that was silent answers a greeting at once, by what waits or by a check-in with the whole state', async () => {
  const one = fresh();
  await one.settle();
  const first = await one.next(20_000);
  one.clock.now += 300_000;
  await one.settle();
  const greeting = await one.next(first.cursor, { greet: true });
  assert.deepEqual([greeting.kind, greeting.health!.map(({ series }) => series)], ['check-in', ['GOOD×1']]);
  assert.deepEqual(await one.next(first.cursor, { greet: true }), greeting, 'the answer was lost: the same again');
  await assert.rejects(one.next(greeting.cursor, {}, TWO_LOOKS_MS), /no news/);
  one.stop();
});

test('decision 12, HM-04: an hour later all of it is told, with its run-length series, and interpreters in use', async () => {
  const one = fresh();
  await one.settle();
  const first = await one.next(30_000);
  for (let at = 0; at < 11; at++) {
    one.clock.now += 300_000;
    await one.settle();
  }
  await withoutLock(async () => {
    one.clock.now += 300_000;
    await one.watch.look();
    await one.watch.idle();
    const changed = await one.next(first.cursor);
    assert.match(changed.health![0]!.series, /^GOOD×11 DEGRADED×2$/);
    assert.equal('foreign' in changed, false);
    const hourly = await one.next(changed.cursor);
    assert.deepEqual([hourly.kind, hourly.health!.map(({ state, series }) => [state, series])], ['hourly', [['DEGRADED', '']]]);
    assert.ok(Array.isArray(hourly.foreign));
  });
  one.stop();
});
