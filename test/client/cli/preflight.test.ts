/** `runbook preflight` alone, over real environments: lines, log, exit code, JSON, JUnit, the form, bad input. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileStamp, localStamp, writeNewFile } from '../../../client/cli/check-output.js';
import { preflightCommand } from '../../../client/cli/commands/preflight.js';
import type { PreflightReport } from '../../../policy/checks/results.js';
import { preflightSchema } from '../../../policy/checks/schema.js';
import { useCheckCli } from '../../support/check-cli.js';
import { fakeInterpreter } from '../../support/checked-environment.js';
import { inProcess, inProcessAt } from '../../support/in-process.js';

const it = useCheckCli();

const preflight = (...words: string[]) => inProcess(preflightCommand, 'preflight', ...words);
const logs = (): string[] => readdirSync(it.cwd).filter((name) => name.endsWith('.log')).sort();
const report = async (...words: string[]): Promise<PreflightReport> => preflightSchema.parse(JSON.parse((await preflight(...words, '--json', '--no-log')).stdout)) as PreflightReport;

test('PF-16, PF-17, PF-19: a right environment is READY: seven lines, the counts, the log by its name', { timeout: 60_000 }, async () => {
  const { code, stdout } = await preflight(it.right.project);
  assert.equal(code, 0, stdout);
  const lines = stdout.split('\n');
  assert.equal(lines.length, 9);
  assert.equal(lines.filter((line) => line.startsWith('✓ ')).length, 7, stdout);
  assert.match(lines[0]!, /^✓ Python version {2,}Python 3\.12\.\d+ is the policy's primary interpreter/);
  assert.equal(lines[7], 'READY  7 of 7 passed');
  const [log] = logs();
  assert.match(log!, /^preflight_check_\d{8}_\d{6}\.log$/);
  assert.match(lines[8]!, new RegExp(`^log \\S*/${log!}$`));
});

test('PF-02, PF-03: each line of the log has its time, and with --verbose those of the screen do; it opens with title, time and the versions that are expected', { timeout: 60_000 }, async () => {
  const { stdout } = await preflight(it.right.project, '--verbose');
  const file = path.join(it.cwd, logs()[0]!);
  const text = readFileSync(file, 'utf8');
  for (const line of text.trimEnd().split('\n')) assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d -/);
  assert.match(text, /^\S+ \S+ - === .*preflight.* ===\n\S+ \S+ - Timestamp: .*\n[^]*- Expected Python: 3\.12\.x\n.* - Fallback Python: 3\.11\.13\n/);
  assert.match(text, new RegExp(`- Log file: ${file}\\n`));
  assert.equal(stdout, text.trimEnd(), 'the screen shows the same');
});

test('PF-02: a log is never written over another of the same second', { timeout: 60_000 }, async () => {
  const took = await Promise.all([1, 2, 3].map(() => report(it.right.project)));
  assert.equal(took.every(({ logFile }) => logFile === null), true, '--no-log writes none');
  assert.deepEqual(logs(), []);
  // Written by hand for each second that the run can fall into: what is there stays.
  const first = await preflight(it.right.project);
  const stamp = /preflight_check_(\d{8}_\d{6})/.exec(first.stdout)![1]!;
  const io = { talk: () => undefined } as never;
  const again = [1, 2].map(() => writeNewFile(io, it.cwd, `preflight_check_${stamp}`, 'log', () => 'another'));
  assert.deepEqual(again.map((file) => path.basename(file!)), [`preflight_check_${stamp}-2.log`, `preflight_check_${stamp}-3.log`]);
  assert.match(readFileSync(path.join(it.cwd, `preflight_check_${stamp}.log`), 'utf8'), /=== Summary ===/);
});

test('PF-04, PF-18: all seven run after the first failed; the exit code is 1, and each way out is told', { timeout: 60_000 }, async () => {
  const wrong = await it.bench.environment({ line: '3.11', packages: ['pandas==2.10.0', 'numpy==1.26.4'] });
  chmodSync(path.join(wrong.project, 'requirements.lock'), 0o666);
  const { code, stdout } = await preflight(wrong.project, '--no-log');
  assert.equal(code, 1);
  for (const line of [/^✗ Python version {2,}Python 3\.11\.\d+ is not an approved version/m, /^✓ Virtual environment/m, /^✗ Package dependencies {2,}1 of 3 required packages missing|^✗ Package dependencies {2,}beta: not available/m, /^✗ Wheel status/m, /^✗ Security {2,}.*(requirements\.lock|1 file)/m, /^✓ Performance baseline/m, /^NOT_READY {2}\d of 7 passed.*, 4 failed$/m, /^ {4}try: chmod o-w /m]) assert.match(stdout, line, stdout);
});

test('PF-18, DIS-06: what only warns changes no exit code; a missing lock does, whatever the interpreter is', { timeout: 60_000 }, async () => {
  const bare = await it.bench.environment({ files: { '.env': '' } });
  const warned = await report(bare.project);
  assert.deepEqual([warned.status, warned.exitCode, warned.warned], ['READY', 0, 1]);
  rmSync(path.join(bare.project, 'requirements.lock'));
  const failed = await report(bare.project);
  assert.deepEqual([failed.status, failed.exitCode, failed.python.status], ['NOT_READY', 1, 'primary']);
});

test('a release candidate of the primary is NOT_READY; no environment at all is judged by what PATH names', { timeout: 60_000 }, async () => {
  const candidate = await it.bench.environment();
  fakeInterpreter(candidate, { text: '3.12.0rc2', info: '3, 12, 0, "candidate", 2' });
  const { code, stdout } = await preflight(candidate.project, '--no-log');
  assert.equal(code, 1);
  assert.match(stdout, /^✗ Python version.*3\.12\.0rc2/m);
  const { path: empty } = it.bench.host.project('empty', { 'requirements.txt': '' });
  const judged = await report(empty);
  assert.equal(judged.checks.length, 7);
  assert.equal(judged.status, 'NOT_READY');
});

test('PF-19: a log that can\'t be written is said and changes no verdict', { timeout: 60_000 }, async () => {
  const io: string[] = [];
  assert.equal(writeNewFile({ talk: (line: string) => void io.push(line) } as never, path.join(it.cwd, 'nosuch'), 'a', 'log', () => ''), null);
  assert.match(io[0]!, /^not written: ENOENT/);
});

test('--junit writes XML beside the report, with a test case a check', { timeout: 60_000 }, async () => {
  const file = path.join(it.cwd, 'junit.xml');
  const { code } = await preflight(it.right.project, '--no-log', '--junit', 'junit.xml');
  assert.equal(code, 0);
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^<\?xml version="1\.0"/);
  assert.equal(text.match(/<testcase /g)?.length, 7);
});

test('PF-27: the manual list as a form: written beside, with open boxes; nobody signed, so it waits', { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await preflight(it.right.project, '--manual', '--no-log');
  assert.equal(code, 3, stdout + stderr);
  const form = readdirSync(it.cwd).find((name) => /^preflight_form_\d{8}_\d{6}\.md$/.test(name))!;
  const text = readFileSync(path.join(it.cwd, form), 'utf8');
  assert.equal(text.match(/^- \[ \] \d\.\d /gm)?.length, 18);
  assert.match(stdout, /^not signed; open: 1\.1, 1\.2/m);
  assert.match(stderr, new RegExp(`^next: tick them in \\S*${form}, then runbook preflight \\S+ --manual --sign-off`, 'm'));
});

test('PF-27: a form that is not ticked, is another\'s, or says what is not so now is refused; without a server a whole one is kept', { timeout: 120_000 }, async () => {
  await preflight(it.right.project, '--manual', '--no-log');
  const form = path.join(it.cwd, readdirSync(it.cwd).find((name) => name.startsWith('preflight_form_'))!);
  const signOff = (file: string, project = it.right.project) => preflight(project, '--manual', '--no-log', '--sign-off', file, '--yes');
  const open = await signOff(form);
  assert.equal(open.code, 64);
  assert.match(open.stderr, /expected a form with every box ticked, got open: 1\.1, /);
  const ticked = path.join(it.cwd, 'ticked.md');
  writeFileSync(ticked, readFileSync(form, 'utf8').replaceAll('- [ ]', '- [x]'));
  const other = await it.bench.environment();
  const elsewhere = await signOff(ticked, other.project);
  assert.equal(elsewhere.code, 64);
  assert.match(elsewhere.stderr, /expected a manual preflight form of .*, got something else/);
  const alone = await signOff(ticked);
  assert.equal(alone.code, 69, alone.stderr);
  assert.match(alone.stderr, /the Temporal server: expected one that answers[^]*nothing was started/);
  assert.ok(existsSync(ticked));
  rmSync(path.join(it.right.project, '.env'));
  try {
    const now = await signOff(ticked);
    assert.equal(now.code, 64);
    assert.match(now.stderr, /expected what is measured now, got other verdicts: 4\.1 was pass, is warn/);
  } finally {
    writeFileSync(path.join(it.right.project, '.env'), `APP_PYTHON_VERSION=${it.right.python.version}\nAPP_WHEEL_STATUS=healthy\n`);
  }
});

test('bad input is refused in four parts, and nothing is started', { timeout: 60_000 }, async () => {
  writeFileSync(path.join(it.cwd, 'file'), '');
  writeFileSync(path.join(it.cwd, 'bad.yaml'), 'chekcs: {}\n');
  mkdirSync(path.join(it.cwd, 'broken'));
  writeFileSync(path.join(it.cwd, 'broken', 'runbook.yaml'), 'name: x\nlokc: y\n');
  const cases: [string[], RegExp][] = [
    [['nosuch'], /got nothing there/],
    [['file'], /got a file/],
    [['a; reboot'], /only a shell would want/],
    [['web-01:/srv/pricer'], /one on web-01[^]*on web-01: runbook preflight \/srv\/pricer/],
    [['.', '--policy', 'nosuch'], /--policy nosuch: expected a policy file, got nothing there/],
    [['.', '--policy', 'bad.yaml'], /chekcs[^]*checks/],
    [['.', '--log-dir', 'nosuch'], /--log-dir nosuch: expected a folder/],
    [['.', '--junit', 'nosuch/a.xml'], /--junit nosuch\/a\.xml: expected a file in a folder that is there/],
    [['.', '--sign-off', 'file'], /--sign-off without --manual/],
    [['.', '--manual', '--reason', ' '], /--reason: expected a reason of one line .*, got nothing/],
    [['broken'], /lokc[^]*lock/],
  ];
  for (const [words, says] of cases) {
    const { code, stdout, stderr } = await preflight(...words);
    assert.deepEqual([code, stdout], [64, ''], `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.match(stderr, /^refused: .*: expected .+, got .+\n {2}try: .+[^]*\nnothing was started$/);
  }
  assert.deepEqual(logs(), []);
});

test('the log\'s time is local time, as the document writes it', { timeout: 60_000 }, async () => {
  const at = new Date(2026, 2, 1, 3, 5, 7);
  assert.deepEqual([localStamp(at), fileStamp(at)], ['2026-03-01 03:05:07', '20260301_030507']);
  assert.equal((await inProcessAt(() => at, preflightCommand, 'preflight', it.right.project, '--no-log')).code, 0);
});
