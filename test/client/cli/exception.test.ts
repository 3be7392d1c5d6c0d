/** The life of an emergency exception at the command line, on a real instance: declared, granted, standing, over; and what is refused. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { exceptionCommand } from '../../../client/cli/commands/exception.js';
import { openDecisions } from '../../../client/cli/commands/inbox.js';
import { runCommand } from '../../../client/cli/commands/run.js';
import { voteCommand } from '../../../client/cli/commands/vote.js';
import { whyCommand } from '../../../client/cli/commands/why.js';
import { poll, startInstance, type TestInstance } from '../../support/instance.js';
import { makePeople } from '../../support/people.js';
import { changePolicy, declare, inProcess, peopleWithout, signByHand, startedRun, untilAsked, vote, withoutOwnKeys } from '../../support/voting.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-exception-'));
const people = makePeople(dir, ['alice', 'bob', 'carol', 'dan', 'erin']);
/** 45 seconds: what is looked at while it stands takes one or two, and ten times that on a slow machine. */
const HOURS = 0.0125;
const WORDS = ['--ground', 'security-vulnerability', '--reason', 'CVE-2026-12345'];
let it: TestInstance;

before(async () => {
  it = await startInstance();
  withoutOwnKeys(dir);
  changePolicy(it, { people: peopleWithout(people), roles: { cab: ['alice', 'carol', 'dan'], security: ['bob'], engineering: ['erin'] }, approval: { escalateTo: ['engineering'] } });
}, { timeout: 240_000 });
after(async () => {
  await it?.stop();
  rmSync(dir, { recursive: true });
});

/** Asks as bob for the policy's fallback, which needs no exception elsewhere; answers with the run. */
const ask = async (hours = HOURS): Promise<string> => startedRun(await declare(it, people.bob, ['--to', it.fallback.version, '--hours', String(hours), ...WORDS]));

const rows = async (): Promise<Record<string, unknown>[]> => JSON.parse((await inProcess(exceptionCommand, 'exception', 'list', '--json')).stdout) as Record<string, unknown>[];
const rowOf = async (run: string): Promise<Record<string, unknown>> => (await rows()).find((row) => row['run'] === run) ?? {};

test('EE-01, EE-05: no ground, more hours than the policy allows, no exact version: refused before anything is asked', { timeout: 120_000 }, async () => {
  const run = (...words: string[]) => inProcess(runCommand, 'run', 'exception', it.project, '--key', people.bob.file, ...words);
  const to = ['--to', it.fallback.version];
  const cases: [string[], RegExp][] = [
    [[...to, '--hours', '1', '--reason', 'CVE'], /--ground: expected security-vulnerability, critical-compatibility, vendor-requirement, got none/],
    [[...to, '--hours', '1', '--reason', 'CVE', '--ground', 'convenience'], /--ground: .*, got convenience/],
    [[...to, '--hours', '100', ...WORDS], /--hours: expected more than 0, at most 72 .*, got 100/],
    [[...to, '--hours', '0', ...WORDS], /--hours: .*, got 0/],
    [[...to, '--hours', '1', '--ground', 'security-vulnerability'], /--reason: expected why/],
    [['--hours', '1', ...WORDS], /--to: expected the exact version/],
  ];
  for (const [words, says] of cases) {
    const { code, stderr } = await run(...words);
    assert.equal(code, 64, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started$/);
  }
  assert.deepEqual(await rows(), []);
});

test('EE-03: who has not the role security declares nothing, and is told who could', { timeout: 120_000 }, async () => {
  const words = ['--to', it.fallback.version, '--hours', '1', ...WORDS];
  const run = startedRun(await declare(it, people.alice, words));
  const ended = await it.cli('watch', run);
  assert.equal(ended.code, 1);
  assert.match(ended.stdout, /^refused .*this exception may not be declared; nothing was changed/);
  assert.match(ended.stderr, /by alice: expected somebody with the role security, got alice has cab\n {4}try: let one of them ask/);
  assert.equal(it.version(), it.primary.version);
  assert.equal((await rowOf(run))['state'], 'refused');
  assert.deepEqual(await openDecisions(it.client), [], 'nobody was asked');
});

let first = '';

test('EE-04, EE-05, AP-08: asked, in the inbox of the CAB, approved by our command and by stock ssh-keygen, and changed to', { timeout: 180_000 }, async () => {
  first = await ask();
  const { request } = await untilAsked(it, first, 'grant');
  assert.equal(request.facts.hours, HOURS);
  await poll(async () => (await openDecisions(it.client)).some(({ run }) => run === first));
  const inbox = await it.cli('inbox', '--key', people.alice.file);
  assert.match(inbox.stdout, new RegExp(`^${first} {2}exception ${it.fallback.version}, testhost svc, ${HOURS} h {2}2 of cab {2}by .*\\d\\d:\\d\\d {2}asked by bob$`, 'm'));
  const own = await vote(first, people.bob);
  assert.deepEqual([own.code, own.stderr.split('\n').at(-1)], [1, 'not counted: bob asked for this run']);
  assert.match((await vote(first, people.alice)).stdout, /^counted: 1 of 2 of cab/);
  const { stdout: text } = await it.cli('show', first, '--to-sign');
  assert.match(text, new RegExp(`^interpreter-runbooks approval 1\nI approve ${first}: grant of exception\n[^]*for ${HOURS} hours\n`));
  const counted = await inProcess(voteCommand, 'vote', ...signByHand(dir, text, people.carol));
  assert.match(counted.stdout, /^counted: 2 of 2 of cab; approved by alice \(cab\), carol \(cab\)/);
  await poll(async () => (await rowOf(first))['state'] === 'active');
  assert.equal(it.version(), it.fallback.version);
});

test('EE-12: while it stands, why, env list and exception list show it with its end', { timeout: 120_000 }, async () => {
  const why = await inProcess(whyCommand, 'why', it.project);
  assert.match(why.stdout, new RegExp(`^${it.fallback.version} since .* by ${first} \\(bob; alice, carol\\) to .*\\d\\d:\\d\\d, then ${it.primary.version}$`));
  const environments = await it.cli('env', 'list');
  assert.match(environments.stdout, new RegExp(`^${it.fallback.version} +${first} +\\S.* exception to \\S+ \\d\\d:\\d\\d `, 'm'));
  const { grantedAt, expiresAt, grantedBy } = await rowOf(first);
  assert.equal(Date.parse(String(expiresAt)) - Date.parse(String(grantedAt)), HOURS * 3_600_000);
  assert.deepEqual(grantedBy, ['alice', 'carol']);
});

test('EE-09, EE-13: it ends by itself, not before its end: back, verified, the service with it, and the incident report is there', { timeout: 240_000 }, async () => {
  const { expiresAt } = await rowOf(first);
  const watched = await it.cli('watch', first);
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, new RegExp(`^expired .*its ${HOURS} hours are over, and no root cause was handed in; back on ${it.primary.version}, verified`));
  assert.match(watched.stderr, /✓ undo .* again, verified/);
  assert.equal(it.version(), it.primary.version);
  assert.equal(it.mixed(), '');
  const records = it.records();
  const view = records.run(first)!;
  records.close();
  assert.ok(view.endedAt! >= String(expiresAt), `expected an end at ${String(expiresAt)} or later, got ${view.endedAt}`);
  assert.equal((await rowOf(first))['state'], 'reverted');
  const report = readFileSync(path.join(it.project, 'exception_report.md'), 'utf8');
  assert.match(report, new RegExp(`^# Emergency exception ${first}\n`));
  for (const fact of ['security-vulnerability', 'CVE-2026-12345', '| alice | cab | approve, counted |', '| carol | cab | approve, counted |', 'None was handed in.', 'expired: reverted']) assert.ok(report.includes(fact), `expected ${fact} in ${report}`);
});

test('AU-12: years later stock tools verify the grant of that exception from its export alone', { timeout: 120_000 }, async () => {
  const folder = path.join(dir, 'export');
  const { code, stderr } = await it.cli('audit', 'export', '--run', first, '--to', folder);
  assert.equal(code, 0, stderr);
  const { status, stdout } = spawnSync('/bin/sh', ['-e', 'VERIFY.txt'], { cwd: folder, env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /Good "runbook\.approval" signature for alice[^]*Good "runbook\.approval" signature for carol[^]*Good "runbook\.request" signature/);
});

test('EE-06, EE-13: denied by the CAB: nothing was changed, and the incident report says so', { timeout: 180_000 }, async () => {
  const run = await ask(1);
  await untilAsked(it, run, 'grant');
  assert.match((await vote(run, people.alice, 'reject')).stdout, /^counted/);
  assert.match((await vote(run, people.dan, 'reject')).stdout, /^counted.*denied/);
  const watched = await it.cli('watch', run);
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, /^denied .*; nothing was changed/);
  assert.equal(it.version(), it.primary.version);
  const { state, grantedAt, hours } = await rowOf(run);
  assert.deepEqual([state, grantedAt, hours], ['denied', null, 1]);
  assert.match(readFileSync(path.join(it.project, 'exception_report.md'), 'utf8'), new RegExp(`^# Emergency exception ${run}\n[^]*\\| alice \\| cab \\| reject, counted \\|`));
});

test('EE-12: an exception that is stopped before anybody granted it asks nobody any more', { timeout: 180_000 }, async () => {
  const run = await ask(1);
  await untilAsked(it, run, 'grant');
  assert.equal((await it.cli('abort', run, '--reason', 'not needed any more')).code, 0);
  const watched = await it.cli('watch', run);
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, /^rolled-back .*stopped by .*: not needed any more; nothing had been changed/);
  assert.deepEqual([(await rowOf(run))['state'], it.version()], ['withdrawn', it.primary.version]);
  await poll(async () => (await openDecisions(it.client)).length === 0);
  const late = await vote(run, people.alice);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /not counted: the decision of .* has ended/);
});

test('EE-09: undone by hand before its end, it is listed as undone; what stops it then says so', { timeout: 240_000 }, async () => {
  const run = await ask(1);
  await untilAsked(it, run, 'grant');
  for (const name of ['carol', 'dan'] as const) assert.match((await vote(run, people[name])).stdout, /^counted/);
  await poll(async () => (await rowOf(run))['state'] === 'active');
  const second = await declare(it, people.bob, ['--to', it.fallback.version, '--hours', '1', ...WORDS]);
  assert.match(second.stderr, new RegExp(`the exception ${run} of this environment: expected none, or one that is over`));
  const undone = await it.cli('undo', it.project, '--reason', 'prices differ');
  assert.equal(undone.code, 0, undone.stderr);
  assert.deepEqual([it.version(), (await rowOf(run))['state']], [it.primary.version, 'undone']);
  assert.equal((await it.cli('abort', run, '--reason', 'over')).code, 0);
  const watched = await it.cli('watch', run);
  assert.match(watched.stdout, /^rolled-back .*stopped by .*: over; it had been undone before/);
  assert.equal(it.version(), it.primary.version);
});
