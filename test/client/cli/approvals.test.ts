/** A run that people must allow, on a real instance: asked with a signature, decided with and without our command line, and exported. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { approveCommand, castVote } from '../../../client/cli/commands/approve.js';
import { auditCommand } from '../../../client/cli/commands/audit.js';
import { inboxCommand, openDecisions } from '../../../client/cli/commands/inbox.js';
import { carryOut, runCommand } from '../../../client/cli/commands/run.js';
import { showCommand } from '../../../client/cli/commands/show.js';
import { voteCommand } from '../../../client/cli/commands/vote.js';
import type { Io } from '../../../client/cli/io.js';
import { changeRequest } from '../../../client/cli/request.js';
import { approvalText } from '../../../policy/signed-texts.js';
import { poll, startInstance, type CliAnswer, type TestInstance } from '../../support/instance.js';
import { makePeople, peopleOf } from '../../support/people.js';
import { changePolicy, decisionOfRun, inProcess, signByHand, withoutOwnKeys } from '../../support/voting.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-approvals-'));
const people = makePeople(dir, ['alice', 'bob', 'carol', 'dan', 'mallory']);
const { mallory: _, ...known } = people;
let it: TestInstance;

before(async () => {
  it = await startInstance({ onSwitch: 'idle' });
  withoutOwnKeys(dir);
  policy({});
}, { timeout: 240_000 });
after(async () => {
  await it?.stop();
  rmSync(dir, { recursive: true });
});

/** Puts people and approvals beside what the instance's policy says. */
const policy = (more: object): void => changePolicy(it, { people: peopleOf(known), roles: { cab: ['alice', 'carol', 'dan'], security: ['bob'] }, defaultClass: { approvals: { change: 2 }, publicIndex: true }, ...more });

const lines = (text: string): string[] => text.trimEnd().split('\n');

/** Plans a change and asks for it as bob; answers with the run's short id. */
async function ask(to: string): Promise<string> {
  const plan = await it.cli('plan', 'change', it.project, '--to', to);
  const digest = /^plan ([0-9a-f]{8})/m.exec(plan.stdout)?.[1];
  assert.ok(digest, plan.stdout + plan.stderr);
  const asked = await it.cli('run', 'change', it.project, '--to', to, '--reason', 'CVE-2026-12345', '--yes', '--plan', digest, '--key', people.bob.file, '--detach', '--json');
  assert.equal(asked.code, 3, asked.stdout + asked.stderr);
  const { run } = JSON.parse(lines(asked.stdout).at(-1)!) as { run: string };
  await poll(async () => (await decisionOfRun(it, run)) !== null);
  return run;
}

const toSign = async (run: string): Promise<string> => (await inProcess(showCommand, 'show', run, '--to-sign')).stdout + '\n';

const carry = async (text: string, person: keyof typeof people, namespace?: string): Promise<CliAnswer> => inProcess(voteCommand, 'vote', ...signByHand(dir, text, people[person], namespace));

/** Events of a run on record, those of its decision included. */
function entriesOf(run: string): { event: string; data: Record<string, unknown> }[] {
  const records = it.records();
  const entries = records.entriesByEvent('vote').concat(records.entriesByEvent('vote-refused')).filter(({ entry }) => entry.run === run);
  records.close();
  return entries.map(({ entry }) => entry);
}

let first = '';

test('AP-01: where the policy asks for approvals, a request without a key, without --plan, or of nobody the policy knows starts nothing', { timeout: 120_000 }, async () => {
  const run = (...words: string[]) => inProcess(runCommand, 'run', 'change', it.project, '--to', it.fallback.version, '--yes', ...words);
  const keyless = await run('--plan', '12345678');
  assert.equal(keyless.code, 64);
  assert.match(keyless.stderr, /a key to sign with: expected --key, RUNBOOK_KEY, .* got none/);
  const planless = await run('--key', people.bob.file);
  assert.equal(planless.code, 64);
  assert.match(planless.stderr, /expected --plan with the digest of the plan agreed to/);
  const stranger = await run('--plan', '12345678', '--key', people.mallory.file);
  assert.equal(stranger.code, 64);
  assert.match(stranger.stderr, /expected a key of one of the people of the policy, got SHA256:/);
  const other = await run('--plan', '12345678', '--key', people.bob.file, '--as', 'alice');
  assert.match(other.stderr, /--as alice: expected bob, whose key/);
});

test('AP-08, AP-12: who must allow a change is asked, and each sees what is theirs', { timeout: 120_000 }, async () => {
  first = await ask(it.fallback.version);
  await poll(async () => (await openDecisions(it.client)).some(({ run }) => run === first));
  const inbox = await it.cli('inbox', '--key', people.alice.file);
  assert.match(inbox.stdout, new RegExp(`^${first} {2}change ${it.fallback.version}, testhost svc {2}2 of cab {2}by .* {2}asked by bob$`, 'm'));
  assert.match(inbox.stderr, new RegExp(`for you, alice\nnext: runbook approve ${first}`));
  const { decisions } = JSON.parse((await inProcess(inboxCommand, 'inbox', '--json', '--key', people.bob.file)).stdout) as { decisions: { run: string; mine: boolean; why: string }[] };
  assert.deepEqual(decisions.map(({ run, mine, why }) => [run, mine, why]), [[first, false, 'you asked']]);
});

test('invariant 6: who asked does not decide, whatever way the vote comes; what reached the decision is on record', { timeout: 120_000 }, async () => {
  for (const words of [['--as', 'bob'], ['--key', people.bob.file]]) {
    const own = await inProcess(approveCommand, 'approve', first, ...words);
    assert.equal(own.code, 1);
    assert.equal(own.stderr.trim().split('\n').at(-1), 'not counted: bob asked for this run');
  }
  const text = await toSign(first);
  const carried = await carry(text, 'bob');
  assert.equal(carried.code, 1);
  assert.equal(carried.stdout, 'not counted: bob asked for this run');
  assert.match((await carry(text, 'mallory')).stdout, /^not counted: nobody here has the key SHA256:/);
  assert.match((await carry(text.replaceAll(it.fallback.version, '3.9.1'), 'carol')).stdout, /^not counted: line \d+ of its text is /);
  assert.match((await carry(text.replaceAll('\n', '\r\n'), 'carol')).stdout, /^not counted: .*carriage returns/);
  assert.match((await carry(text, 'carol', 'runbook.request')).stdout, /^not counted: .*another purpose/);
  assert.deepEqual(entriesOf(first).map(({ event }) => event), Array(5).fill('vote-refused'));
  assert.deepEqual((await decisionOfRun(it, first))!.counted, []);
  // Another request is another decision: it never gets here.
  assert.match((await carry(text.replace(/^request \S+/m, 'request 00000000-0000-4000-8000-000000000000'), 'carol')).stderr, /expected one that the server knows/);
});

test('AP-08: a voter with nothing but ssh-keygen: exactly the text on stdout, stock signature, carried back by anybody', { timeout: 120_000 }, async () => {
  const shown = await it.cli('show', first, '--to-sign');
  assert.match(shown.stdout, new RegExp(`^interpreter-runbooks approval 1\nI approve ${first}: change\non testhost:`));
  assert.match(shown.stdout, /\ntrail \d+ sha256:[0-9a-f]{64}\n$/);
  assert.match(shown.stderr, /ssh-keygen -Y sign -n runbook\.approval/);
  const { code, stdout, stderr } = await it.cli('vote', ...signByHand(dir, shown.stdout, people.carol));
  assert.deepEqual([code, stdout], [0, 'counted: 1 of 2 of cab\n'], stderr);
  const sofar = await inProcess(auditCommand, 'audit', 'export', '--run', first, '--to', path.join(dir, 'so-far'));
  assert.match(sofar.stdout, /1 counted votes/, 'the vote is on record while the run still waits');
  const twice = await carry(shown.stdout, 'carol');
  assert.deepEqual([twice.code, twice.stdout], [1, 'not counted: carol has voted already (approve, as cab)']);
});

test('AP-08, AP-13: approve shows plan and lines, signs nothing but the plan that was named, and the change is carried out', { timeout: 120_000 }, async () => {
  const noPlan = await inProcess(approveCommand, 'approve', first, '--yes', '--key', people.alice.file);
  assert.equal(noPlan.code, 64);
  assert.match(noPlan.stderr, /--yes: expected --plan/);
  const another = await inProcess(approveCommand, 'approve', first, '--yes', '--plan', '00000000', '--key', people.alice.file);
  assert.equal(another.code, 64);
  const digest = /the same words with --yes --plan ([0-9a-f]{8})/.exec(noPlan.stderr)![1]!;
  const { code, stdout, stderr } = await it.cli('approve', first, '--yes', '--plan', digest, '--key', people.alice.file);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^counted: 2 of 2/);
  assert.match(stderr, new RegExp(`plan ${digest} {2}change`));
  assert.match(stderr, new RegExp(`what is signed:\n {2}interpreter-runbooks approval 1\n {2}I approve ${first}: change\n`));
  const watched = await it.cli('watch', first);
  assert.equal(watched.code, 0, watched.stdout + watched.stderr);
  assert.equal(it.version(), it.fallback.version);
  const late = await inProcess(approveCommand, 'approve', first, '--yes', '--plan', digest, '--key', people.dan.file);
  assert.equal(late.code, 1);
  assert.match(late.stderr, /not counted: the decision of .* has ended .*: approved/);
  assert.match((await it.cli('why', it.project)).stdout, new RegExp(`^${it.fallback.version} since .* by ${first} \\(bob.*alice.*carol|carol.*alice`));
});

test('AP-08, AU-12: years later stock tools verify the votes of that run from the export alone', { timeout: 120_000 }, async () => {
  const folder = path.join(dir, 'export');
  const { code, stdout, stderr } = await it.cli('audit', 'export', '--run', first, '--to', folder);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /2 counted votes/);
  const verify = () => spawnSync('/bin/sh', ['-e', 'VERIFY.txt'], { cwd: folder, env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' });
  const answer = verify();
  assert.equal(answer.status, 0, answer.stdout + answer.stderr);
  assert.match(answer.stdout, /Good "runbook\.approval" signature for carol[^]*Good "runbook\.approval" signature for alice[^]*Good "runbook\.request" signature/);
  writeFileSync(path.join(folder, '1-carol.txt'), readFileSync(path.join(folder, '1-carol.txt'), 'utf8').replace('I approve', 'I reject'));
  assert.notEqual(verify().status, 0);
});

/** A terminal whose person answers yes; what it was asked and told. */
function terminal(): { io: Io; asked: string[]; out: string[]; talk: string[] } {
  const [asked, out, talk]: string[][] = [[], [], []];
  return { asked: asked!, out: out!, talk: talk!, io: { out: (line) => void out!.push(line), talk: (line) => void talk!.push(line), interactive: true, ask: (question) => (asked!.push(question), Promise.resolve(true)), now: () => new Date() } };
}

test('AP-08: on a terminal both are asked before they sign; rejections that leave no quorum deny the run, and nothing was changed', { timeout: 120_000 }, async () => {
  const instance = it.instance();
  const bob = terminal();
  const { request, workflowId } = changeRequest(instance, 'change', it.env, { to: it.primary.version, reason: 'back again' });
  const running = carryOut(bob.io, instance, request, workflowId, { key: people.bob.file });
  const { run } = request;
  await poll(async () => (await decisionOfRun(it, run)) !== null);
  assert.deepEqual(bob.asked, ['Sign and ask as bob?']);
  assert.ok(bob.talk.some((line) => line.startsWith(run) && line.endsWith('(asks 2 of cab)')), bob.talk.join('\n'));
  await poll(() => bob.talk.some((line) => line.startsWith(`${run} waits for 2 of cab (alice carol dan), by `)));
  for (const [at, name] of (['alice', 'carol'] as const).entries()) {
    const voter = terminal();
    assert.equal(await castVote(voter.io, instance, run, 'reject', { key: people[name].file }), 0, voter.talk.join('\n'));
    assert.deepEqual(voter.asked, [`Sign these lines as ${name}?`]);
    assert.match(voter.out.join(), at === 0 ? /^counted/ : /^counted.*denied/);
  }
  assert.equal(await running, 1);
  assert.match(bob.out.join('\n'), /^denied/m);
  assert.equal(it.version(), it.fallback.version);
});

test('invariant 5: at the deadline a decision expires; a vote after it is not counted and says how it ended', { timeout: 120_000 }, async () => {
  policy({ timers: { cabApprovalHours: 0.003 } });
  const run = await ask(it.primary.version);
  const { request: { facts } } = (await decisionOfRun(it, run))!;
  await poll(async () => (await decisionOfRun(it, run))!.outcome !== null);
  const late = await carry(approvalText(facts, 'approve'), 'alice');
  assert.equal(late.code, 1);
  assert.match(late.stdout, /^not counted: (the decision has ended .*: expired|decided already)/);
  const watched = await it.cli('watch', run);
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, /^expired/m);
  assert.equal(it.version(), it.fallback.version);
});
