/** `runbook gate`: preflight, verifier, the policy's answer to warnings, a person's acceptance, and the deployment itself. On a real instance. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Command } from 'commander';
import { gateCommand } from '../../../client/cli/commands/gate.js';
import { preflightCommand } from '../../../client/cli/commands/preflight.js';
import { whyCommand } from '../../../client/cli/commands/why.js';
import type { CliError } from '../../../client/cli/io.js';
import { signAndRecord } from '../../../client/cli/statements.js';
import { sha256Hex } from '../../../policy/canonical.js';
import { startInstance, type CliAnswer, type TestInstance } from '../../support/instance.js';
import { makePeople } from '../../support/people.js';
import { changePolicy, inProcess, peopleWithout, withoutOwnKeys } from '../../support/voting.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-gate-'));
const people = makePeople(dir, ['alice', 'bob']);
const OLD_BETA = { required: ['alpha', 'beta'], minimumVersions: { beta: '9.0' }, healthImports: ['alpha'] };
const NEW_BETA = { ...OLD_BETA, minimumVersions: { beta: '1.0' } };
let it: TestInstance;
const folder = process.cwd();

/** What the class of hosts does with warnings, and whether there are some. */
const situation = (onWarning: 'pass' | 'ask' | 'block', checks: object): void =>
  changePolicy(it, { people: peopleWithout(people), roles: { operations: ['alice'], security: ['bob'] }, defaultClass: { publicIndex: true, stage: 'production', checks: { onWarning } }, checks });

before(async () => {
  it = await startInstance({ onSwitch: 'idle' });
  withoutOwnKeys(dir);
  process.chdir(dir);
}, { timeout: 240_000 });
after(async () => {
  process.chdir(folder);
  await it?.stop();
  rmSync(dir, { recursive: true });
});

const gate = (...words: string[]) => inProcess(gateCommand, 'gate', ...words);
/** A deployment that leaves a mark. */
const deployment = (code = 0): [string[], () => string] => {
  const mark = path.join(dir, 'deployed');
  rmSync(mark, { force: true });
  return [[process.execPath, '-e', `require('fs').writeFileSync(${JSON.stringify(mark)}, process.argv.slice(1).join(' ')); process.exit(${code})`, '--', '--json', 'a b'], () => {
    try {
      return readFileSync(mark, 'utf8');
    } catch {
      return 'not run';
    }
  }];
};

test('PV-22, CI-10, CI-11: after both passed, the version first, the command runs, with its own words, and completion is told', { timeout: 120_000 }, async () => {
  situation('ask', NEW_BETA);
  const [command, mark] = deployment();
  const { code, stdout } = await gate(it.project, '--', ...command);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^preflight\n✓ Python version[^]*^READY {2}[^]*^verification\n[^]*^Status: PASSED$[^]*^gate passed[^]*^deployment completed$/m);
  assert.equal(mark(), '--json a b');
});

test('CI-11: the command\'s exit code is the gate\'s; without a path it is this folder', { timeout: 120_000 }, async () => {
  const [command] = deployment(7);
  process.chdir(it.project);
  try {
    const { code, stdout } = await gate('--', ...command);
    assert.equal(code, 7);
    assert.match(stdout, /^deployment failed: .* ended with 7$/m);
  } finally {
    process.chdir(dir);
  }
  const json = await gate(it.project, '--json', '--', ...command);
  assert.equal(json.code, 7);
  const told = JSON.parse(json.stdout) as { gate: { verdict: string }; exitCode: number; command: { exitCode: number } };
  assert.deepEqual([told.gate.verdict, told.exitCode, told.command.exitCode], ['pass', 7, 7]);
});

test('CI-10, DIS-07: a check that blocks: both are shown, the command does not run, 1; a missing lock always blocks', { timeout: 120_000 }, async () => {
  const file = path.join(it.project, 'requirements.txt');
  const lock = readFileSync(file);
  rmSync(file);
  try {
    const [command, mark] = deployment();
    const { code, stdout } = await gate(it.project, '--', ...command);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^NOT_READY[^]*^Status: [^]*^deployment blocked by preflight: Wheel status/m);
    assert.equal(mark(), 'not run');
  } finally {
    writeFileSync(file, lock);
  }
});

test('DIS-05: warnings pass with a notice, or block, as the class of hosts says', { timeout: 120_000 }, async () => {
  situation('pass', OLD_BETA);
  const passed = await gate(it.project);
  assert.equal(passed.code, 0, passed.stdout);
  assert.match(passed.stdout, /^Status: WARNING$[^]*^gate passed: verification warns of 1 violation: package_integrity: .*beta/m);
  situation('block', OLD_BETA);
  const [command, mark] = deployment();
  const blocked = await gate(it.project, '--', ...command);
  assert.equal(blocked.code, 1);
  assert.match(blocked.stdout, /^deployment blocked by verification: package_integrity\n  try: the policy blocks warnings here: /m);
  assert.equal(mark(), 'not run');
});

test('DIS-05: where the policy asks, the gate waits for a named person, who accepts exactly these warnings; then it passes', { timeout: 240_000 }, async () => {
  situation('ask', OLD_BETA);
  const [command, mark] = deployment();
  const waits = await gate(it.project, '--', ...command);
  assert.equal(waits.code, 3, waits.stdout);
  assert.equal(mark(), 'not run');
  const digest = /^ {2}runbook gate accept \S+ --digest ([0-9a-f]{64}) --reason …$/m.exec(waits.stdout)![1]!;
  const accept = (by: 'alice' | 'bob', of = digest, ...more: string[]) => gate('accept', it.project, '--digest', of, '--reason', 'known since Monday', '--key', people[by].file, '--yes', ...more);

  const stranger = await accept('bob');
  assert.equal(stranger.code, 64);
  assert.match(stranger.stderr, /signature of bob: expected somebody of operations or engineering \(checks\.acceptedBy\), got security/);
  const other = await accept('alice', '0'.repeat(64));
  assert.equal(other.code, 1);
  assert.match(other.stderr, /expected a gate that waits for exactly these warnings, got other warnings now: [0-9a-f]{64}/);

  const mute = await gate('accept', it.project, '--digest', digest, '--reason', ' ', '--key', people.alice.file, '--yes');
  assert.equal(mute.code, 64);
  assert.match(mute.stderr, /--reason: expected a reason of one line .*, got nothing/);

  const taken = await accept('alice', digest, '--json');
  assert.equal(taken.code, 0, taken.stdout + taken.stderr);
  assert.deepEqual(JSON.parse(taken.stdout), { taken: true, message: 'on record for alice', by: 'alice' });
  const passed = await gate(it.project, '--', ...command);
  assert.equal(passed.code, 0, passed.stdout);
  assert.match(passed.stdout, /^gate passed: .*accepted on record$/m);
  assert.equal(mark(), '--json a b');
  const again = await accept('alice');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /got a gate that passes/);

  const records = it.records();
  const { entry } = records.entriesByEvent('warnings-accepted').at(-1)!;
  assert.deepEqual([entry.actor, entry.host, entry.link, entry.data['digest'], entry.justification], ['alice', it.env.host, it.link, digest, 'known since Monday']);
  records.close();
});

test('DIS-05: an acceptance is for its warnings alone: another one asks anew', { timeout: 120_000 }, async () => {
  situation('ask', { ...OLD_BETA, minimumVersions: { beta: '9.0', alpha: '9.0' } });
  assert.equal((await gate(it.project)).code, 3);
});

test('DIS-05: the words to be typed name the policy that was judged by, and the environment that was measured', { timeout: 120_000 }, async () => {
  situation('ask', OLD_BETA);
  const own = path.join(dir, 'own policy.yaml');
  cpSync(path.join(it.home, 'config', 'policy.yaml'), own);
  const named = path.join(it.project, 'named');
  symlinkSync(readlinkSync(it.link), named);
  try {
    const { code, stdout } = await gate(named, '--policy', own, '--json', '--', '/bin/true');
    assert.equal(code, 3, stdout);
    const told = await gate(named, '--policy', own);
    assert.match(told.stdout, /^ {2}runbook gate accept \S+#named --digest [0-9a-f]{64} --reason … --policy '\S+own policy\.yaml'$/m);
    const other = await gate('accept', named, '--policy', own, '--digest', '0'.repeat(64), '--reason', 'x');
    assert.match(other.stderr, /gate of \S+#named: [^]*try: runbook gate \S+#named --policy '/m);
  } finally {
    rmSync(named);
  }
});

test('a statement that the records do not take is bad input, and says why', { timeout: 60_000 }, async () => {
  const io = { out: () => undefined, talk: () => undefined, interactive: false, ask: () => Promise.resolve(false), now: () => new Date() };
  const said = { kind: 'accept-warnings', env: it.env, digest: '0'.repeat(64), document: 'x'.repeat(200_001), reason: 'too much' } as const;
  await assert.rejects(signAndRecord(io, it.instance(), said, { key: people.alice.file, yes: true, json: true }), (error: CliError) => {
    assert.deepEqual([error.code, error.lines], [64, ['refused: the document: expected 1 to 200000 bytes, got 200001', '  try: measure and sign anew', 'nothing is on record']]);
    return true;
  });
});

test('CI-10: after -- a command is a command, whatever its name', { timeout: 60_000 }, async () => {
  const { code, stderr } = await gate('--', 'accept', 'x');
  // The working folder is no environment that passes: what matters is that it was judged, and nothing asked for --digest.
  assert.equal(code, 1, stderr);
  assert.doesNotMatch(stderr, /digest/);
});

test('PF-27: a form that is ticked on a terminal is signed and on record', { timeout: 120_000 }, async () => {
  situation('ask', NEW_BETA);
  const asked: string[] = [];
  const answer = await onTerminal(asked, 'preflight', it.project, '--manual', '--key', people.alice.file, '--reason', 'before the release');
  assert.equal(answer.code, 0, answer.stdout + answer.stderr);
  assert.equal(asked.filter((question) => /^\d\.\d /.test(question)).length, 18);
  assert.match(asked.at(-1)!, /^Sign these lines as alice/);
  const form = readdirSync(dir).find((name) => name.startsWith('preflight_form_'))!;
  const document = readFileSync(path.join(dir, form), 'utf8');
  assert.equal(document.match(/^- \[x\] /gm)?.length, 18);
  const records = it.records();
  const { entry } = records.entriesByEvent('preflight-signed').at(-1)!;
  assert.deepEqual([entry.actor, entry.link, entry.data['by'], entry.justification], ['alice', it.link, 'alice', 'before the release']);
  assert.equal(records.getEvidence(sha256Hex(document)), document, 'the form is kept');
  records.close();
});

test('PF-27: one box left open, and nothing is signed', { timeout: 120_000 }, async () => {
  const answer = await onTerminal([], 'preflight', it.project, '--manual', '--no-log', '--key', people.alice.file, { no: '2.2 ' });
  assert.equal(answer.code, 1);
  assert.match(answer.stdout, /^not signed; open: 2\.2$/m);
});

test('why names the approved run that once put there what stands against the record', { timeout: 240_000 }, async () => {
  const started = await it.start('change', { to: it.fallback.version, reason: 'why' });
  assert.equal((await it.result(started)).outcome, 'done');
  const settled = await inProcess(whyCommand, 'why', it.project);
  assert.match(settled.stdout, new RegExp(`^${it.fallback.version} since .* by ${started.run}`));
  assert.doesNotMatch(settled.stdout, /put there|another tree/);
  const earlier = readdirSync(path.join(it.project, '.venvs')).find((name) => /^ch-[0-9a-z]{4}-\d+$/.test(name) && !name.startsWith(started.run))!;
  const left = readlinkSync(it.link);
  const put = (target: string): void => {
    symlinkSync(target, `${it.link}.new`);
    renameSync(`${it.link}.new`, it.link);
  };
  put(`.venvs/${earlier}`);
  try {
    const { stdout } = await inProcess(whyCommand, 'why', it.project);
    assert.match(stdout, new RegExp(`^${it.primary.version}, which ${earlier.replace(/-\d+$/, '')} \\(.*\\) put there .*, and no run on record put back since ${started.run}; the last on record: ${it.fallback.version} since`));
    const live = (JSON.parse((await inProcess(whyCommand, 'why', it.project, '--json')).stdout) as { live: object }[])[0]!.live;
    assert.deepEqual(live, { version: it.primary.version, tree: earlier });
  } finally {
    put(left);
  }
});

test('gate: bad input starts nothing', { timeout: 60_000 }, async () => {
  const cases: [string[], RegExp][] = [
    [['nosuch'], /nothing there/],
    [[it.project, 'echo', 'hi'], /expected one path, and a command after --, got/],
    [['accept', it.project, '--digest', 'zz', '--reason', 'x'], /--digest: expected 8 to 64/],
    [[it.project, '--', '/nonexistent/deploy'], /command \/nonexistent\/deploy: expected an executable file/],
  ];
  for (const [words, says] of cases) {
    const { code, stderr } = await gate(...words);
    assert.equal(code, 64, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started$/);
  }
});

/** Somebody at a terminal who says yes, but to questions that begin with `no`. */
async function onTerminal(asked: string[], ...given: (string | { no: string })[]): Promise<CliAnswer> {
  const words = given.filter((word) => typeof word === 'string');
  const no = given.find((word) => typeof word === 'object')?.no;
  const [out, talk]: [string[], string[]] = [[], []];
  const ask = (question: string): Promise<boolean> => Promise.resolve((asked.push(question), no === undefined || !question.startsWith(no)));
  const program = new Command().exitOverride();
  preflightCommand(program, { out: (line) => void out.push(line), talk: (line) => void talk.push(line), interactive: true, ask, now: () => new Date() });
  await program.parseAsync(words, { from: 'user' });
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { code, stdout: out.join('\n'), stderr: talk.join('\n') };
}
