/** An interpreter change at the command line, on a real instance: by itself, and as the final review that makes an exception permanent. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { evidenceCommand } from '../../../client/cli/commands/evidence.js';
import { exceptionCommand } from '../../../client/cli/commands/exception.js';
import { planCommand } from '../../../client/cli/commands/plan.js';
import { policyCommand } from '../../../client/cli/commands/policy.js';
import { runCommand } from '../../../client/cli/commands/run.js';
import { showCommand } from '../../../client/cli/commands/show.js';
import { whyCommand } from '../../../client/cli/commands/why.js';
import { sha256Hex } from '../../../policy/canonical.js';
import { reviewRunOf } from '../../../policy/exception-text.js';
import { poll, startInstance, type TestInstance } from '../../support/instance.js';
import { makePeople } from '../../support/people.js';
import { changePolicy, declare, inProcess, peopleWithout, startedRun, untilAsked, vote, withoutOwnKeys } from '../../support/voting.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-review-'));
const people = makePeople(dir, ['alice', 'bob', 'carol', 'dan', 'erin', 'cora', 'olga', 'pat', 'anna', 'mallory']);
const ROLES = { cab: ['alice', 'carol', 'dan'], security: ['bob', 'dan'], engineering: ['erin'], ci: ['cora'], operations: ['olga'], 'project-owner': ['pat'], 'architecture-board': ['anna'] };
/** Who decides each step of the policy's defaults; bob asks. */
const STEPS = [['technical-review', 'erin'], ['ci-validation', 'cora'], ['integration', 'olga'], ['security-review', 'dan'], ['document-update', 'pat']] as const;
const document = path.join(dir, 'document.md');
let it: TestInstance;

before(async () => {
  it = await startInstance({ onSwitch: 'idle' });
  withoutOwnKeys(dir);
  writeFileSync(document, 'looked at: as it should be\n');
  changePolicy(it, { header: { version: '1.0.0' }, people: peopleWithout(people, 'mallory'), roles: ROLES });
}, { timeout: 240_000 });
after(async () => {
  await it?.stop();
  rmSync(dir, { recursive: true });
});

const evidence = (run: string, step: string, ...more: string[]) => inProcess(evidenceCommand, 'evidence', run, step, document, ...more);
const show = async (run: string): Promise<string> => (await inProcess(showCommand, 'show', run)).stdout;
const review = (...words: string[]) => inProcess(runCommand, 'run', 'interpreter-change', it.project, ...words, '--yes', '--detach', '--json');

/** Hands in what a step wants, and has it approved. */
async function carryThrough(run: string, step: string, person: keyof typeof people): Promise<void> {
  const handedIn = await poll(async () => {
    const answer = await evidence(run, step);
    return answer.stdout.includes('is not open yet') ? null : answer;
  });
  assert.match(handedIn!.stdout, new RegExp(`^taken: ${step} sha256:${sha256Hex(readFileSync(document, 'utf8'))}`));
  await untilAsked(it, run, step);
  assert.match((await vote(run, people[person])).stdout, new RegExp(`^counted: .*approved by ${person}`));
}

test('AP-09, AP-13: what would be reviewed, step by step and by whom, is shown and can be refused before anything is asked', { timeout: 120_000 }, async () => {
  const plan = (...words: string[]) => inProcess(planCommand, 'plan', 'interpreter-change', it.project, ...words);
  const { code, stdout } = await plan('--from', '3.12.x', '--to', it.fallback.version);
  assert.equal(code, 0);
  const lines = stdout.split('\n').map((line) => line.trim());
  assert.deepEqual(lines.slice(2, 8), [
    '1 technical-review  its document, then 1 of engineering (erin)', '2 ci-validation     its document, then 1 of ci (cora)', '3 integration       its document, then 1 of operations (olga)',
    '4 security-review   its document, then 1 of security (bob dan)', `5 document-update   its document and a policy revision for ${it.fallback.version}, then 1 of project-owner (pat)`, '6 cab               2 of cab (alice carol dan)',
  ]);
  const ask = (...words: string[]) => inProcess(runCommand, 'run', 'interpreter-change', it.project, '--yes', ...words);
  const bob = ['--key', people.bob.file];
  const cases: [Promise<{ code: number; stderr: string }>, RegExp][] = [
    [ask('--to', '3.13.0', '--reason', 'x', ...bob), /--from: expected the version that is to be replaced, got none/],
    [ask('--from', '3.12.x', '--to', 'new', '--reason', 'x', ...bob), /--to "new": expected a version like/],
    [ask('--from', '3.12.x', '--to', '3.6', '--reason', 'x', ...bob), /Python 3\.6: expected 3\.11 or newer, the policy's minimum/],
    [ask('--from', '3.12.x', '--to', '3.12', '--reason', 'x', ...bob), /two that differ/],
    [ask('--from', '3.12.x', '--to', '3.13.x', '--hours', '1', '--reason', 'x', ...bob), /--hours for kind interpreter-change/],
    [ask('--from', '3.12.x', '--to', '3.13.x', '--reason', 'x', '--key', people.mallory.file), /expected a key of one of the people of the policy/],
    [ask('--from', '3.12.x', '--to', '3.13.x', '--reason', 'x', '--key', people.erin.file), /step technical-review: .*got 0 of engineering/],
    [inProcess(runCommand, 'run', 'change', it.project, '--from', '3.12.x'), /--from for kind change/],
  ];
  for (const [asked, says] of cases) {
    const { code, stderr } = await asked;
    assert.equal(code, 64, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started$/);
  }
});

test('AP-04, AP-09: asked with a signature; documents out of turn, twice, or for no review are not taken; abort ends it', { timeout: 120_000 }, async () => {
  const run = startedRun(await review('--from', '3.12.x', '--to', '3.13.x', '--reason', '3.13 is ready', '--key', people.bob.file));
  await poll(async () => (await show(run)).includes('… technical-review'));
  assert.match(await show(run), new RegExp(`^${run} {2}interpreter-change .* 3\\.12\\.x → 3\\.13\\.x\nasked by bob [^]*\n {2}… technical-review {2}open: waits for the document of technical-review\n {2}· ci-validation {5}to come\n[^]*to act: runbook evidence ${run} technical-review FILE$`));
  const early = await evidence(run, 'ci-validation');
  assert.deepEqual([early.code, early.stdout], [1, 'not taken: ci-validation is not open yet: technical-review is']);
  assert.match((await evidence(run, 'coffee')).stdout, /^not taken: expected a step of technical-review, .*, got coffee$/);
  assert.match((await evidence(run, 'technical-review', '--name', 'poem')).stdout, /^not taken: expected technical-review, got poem$/);
  assert.equal((await evidence(run, 'technical-review')).code, 0);
  assert.match((await evidence(run, 'technical-review')).stdout, /^not taken: technical-review was handed in already$/);
  await untilAsked(it, run, 'technical-review');
  assert.match((await vote(run, people.alice)).stdout, /^not counted: alice has none of the roles asked: engineering$/);
  const aborted = await it.cli('abort', run, '--reason', 'too early');
  assert.equal(aborted.code, 0);
  const watched = await it.cli('watch', run);
  assert.equal(watched.code, 1);
  assert.match(watched.stdout, /^rolled-back .*stopped by .*: too early/);
  const late = await evidence(run, 'ci-validation');
  assert.deepEqual([late.code, late.stdout], [1, 'not taken: it has ended: rolled-back']);
});

let exception = '';

test('EE-07: the root cause is taken from who has the role, signed, for an exception that was granted; the final review begins with it', { timeout: 180_000 }, async () => {
  exception = startedRun(await declare(it, people.bob, ['--to', it.fallback.version, '--hours', '1', '--ground', 'vendor-requirement', '--reason', 'the vendor ends 3.12']));
  const handIn = (...words: string[]) => inProcess(exceptionCommand, 'exception', 'root-cause', ...words);
  await untilAsked(it, exception, 'grant');
  assert.match((await handIn(exception, document, '--yes', '--key', people.erin.file)).stdout, /^not taken: there is no grant to explain now$/);
  for (const name of ['alice', 'dan'] as const) assert.match((await vote(exception, people[name])).stdout, /^counted/);
  // Not by starting its Python: where nothing may run from it, that would stop the change.
  await poll(async () => (await show(exception)).includes('waits for the end of the exception'));
  assert.equal(it.version(), it.fallback.version);
  const unasked = await handIn(exception, document, '--key', people.erin.file);
  assert.deepEqual([unasked.code, /expected --yes where there is no terminal/.test(unasked.stderr)], [64, true]);
  assert.match((await handIn(exception, path.join(dir, 'none.md'), '--yes', '--key', people.erin.file)).stderr, /none\.md: expected a text .* got nothing there/);
  assert.match((await handIn(exception, document, '--yes', '--key', people.alice.file)).stdout, /^not taken: alice has no role engineering$/);
  const taken = await handIn(exception, document, '--yes', '--key', people.erin.file);
  assert.deepEqual([taken.code, taken.stdout], [0, 'taken from erin; the final review begins'], taken.stderr);
  assert.match(taken.stderr, new RegExp(`I hand in the root cause of ${exception}\n {2}document sha256:${sha256Hex(readFileSync(document, 'utf8'))}\n`));
  assert.match((await handIn(exception, document, '--yes', '--key', people.erin.file)).stdout, /^not taken: erin handed it in already$/);
});

test('EE-08, AP-04, AP-05, AP-06, AP-07, AP-08, AP-09, AP-10: six steps in their order, the policy raised and signed on the way, make the exception permanent', { timeout: 240_000 }, async () => {
  const run = reviewRunOf(exception)!;
  await poll(async () => (await inProcess(showCommand, 'show', run)).stdout.includes('technical-review'));
  for (const [step, person] of STEPS.slice(0, 4)) await carryThrough(run, step, person);
  const old = await poll(async () => {
    const answer = await evidence(run, 'document-update');
    return answer.stdout.includes('is not open yet') ? null : answer;
  });
  assert.match(old!.stdout, /^not taken: the policy in force is still revision 1\.0\.0, with which the review began$/);
  changePolicy(it, { header: { version: '1.1.0' }, interpreters: { primary: { version: it.fallback.version.replace(/\d+$/, 'x'), justification: 'reviewed' }, fallback: { version: it.primary.version, justification: 'known to work' } } });
  const sign = (name: keyof typeof people) => inProcess(policyCommand, 'policy', 'sign', '--yes', '--key', people[name].file);
  const half = await sign('anna');
  assert.deepEqual([half.code, /missing: 1 of cab \(alice carol dan\)$/.test(half.stdout)], [3, true], half.stdout);
  assert.equal((await sign('alice')).code, 0);
  await carryThrough(run, ...STEPS[4]);
  await untilAsked(it, run, 'cab');
  assert.match(await show(run), / {2}cab: 2 of cab, open until [^]*✓ document-update .*\n {2}… cab +open\n/);
  assert.match((await vote(run, people.alice)).stdout, /^counted: 1 of 2 of cab/);
  assert.match((await vote(run, people.carol)).stdout, /^counted: 2 of 2 of cab; approved/);
  const watched = await it.cli('watch', exception);
  assert.equal(watched.code, 0, watched.stdout + watched.stderr);
  assert.match(watched.stdout, new RegExp(`^done .*${it.fallback.version} stays: approved by ${run}`));
  assert.equal(it.version(), it.fallback.version);
  const why = await inProcess(whyCommand, 'why', it.project);
  assert.match(why.stdout, new RegExp(`^${it.fallback.version} since .* by ${exception} .*for good by ${run}`));
  const { stdout: list } = await inProcess(exceptionCommand, 'exception', 'list');
  assert.match(list, new RegExp(`^${exception} {2}made-permanent [^]*root cause by erin · review ${run}: done`));
});
