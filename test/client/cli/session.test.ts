/** A whole session of the command line on a real instance: what an operator does, in order. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { RunResult } from '../../../policy/model.js';
import { startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
let fallbackRun = '';
// Nothing of the agent's own environment may reach a child, a record or a log.
process.env['PIP_INDEX_URL_SECRET'] = 'sekret-of-the-test';
before(async () => (it = await startInstance()), { timeout: 240_000 });
after(() => it.stop());

const read = (name: string): string => readFileSync(path.join(it.project, name), 'utf8');

test('PV-01, WF-25: an environment is made by the policy\'s primary, behind a link into .venvs', () => {
  assert.equal(it.version(), it.primary.version);
  assert.match(readlinkSync(it.link), /^\.venvs\/ch-[0-9a-z]{4}-1$/);
});

test('a plan says what would be done and changes nothing', async () => {
  const before = readdirSync(it.project);
  const { code, stdout } = await it.cli('plan', 'change', it.project, '--to', it.fallback.version);
  assert.equal(code, 0);
  assert.match(stdout, /^plan [0-9a-f]{8} {2}change/m);
  assert.match(stdout, /2 wheels by hash from .*; nothing is compiled/);
  assert.match(stdout, /undo to \.venvs\//);
  assert.ok(stdout.split('\n').every((line) => line.length <= 160));
  assert.deepEqual(readdirSync(it.project), before);
});

test('WF-13: a fallback that is not needed ends so, and says why', async () => {
  const { code, stdout } = await it.cli('run', 'fallback', it.project, '--yes');
  assert.equal(code, 0);
  assert.match(stdout, /all 2 packages have a wheel/);
});

test('PV-16, WF-19: a change to a lock without wheels is refused with exit 64, naming each and the way out', async () => {
  it.lock('alpha==1.1\nbeta==2.0\n');
  const { code, stderr } = await it.cli('run', 'change', it.project, '--yes');
  assert.equal(code, 64);
  assert.match(stderr, /1 without: beta/);
  assert.match(stderr, /runbook run fallback/);
  assert.match(stderr, /nothing was started/);
  assert.equal(it.version(), it.primary.version);
});

test('WF-12, WF-34, WF-41: the fallback is carried out, the service restarted, and nothing was on a mix meanwhile', { timeout: 120_000 }, async () => {
  const loop = it.importLoop();
  const { code, stdout, stderr } = await it.cli('run', 'fallback', it.project, '--yes', '--reason', 'beta has no wheel');
  const { starts, failed } = await loop.stop();
  assert.equal(code, 0, stdout + stderr);
  assert.equal(it.version(), it.fallback.version);
  assert.ok(starts > 0);
  assert.deepEqual(failed, []);
  assert.equal(it.mixed(), '');
  fallbackRun = /(fb-[0-9a-z]{4})/.exec(stderr)![1]!;
  for (const step of ['assess', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'document']) assert.match(stderr, new RegExp(`✓ ${step} `));
});

test('WF-23, WF-31, WF-32, DIS-16: the logs and the report are written from the record', () => {
  assert.match(read('wheel_fallback.log'), new RegExp(`${fallbackRun}[^]*Primary Python: ${it.primary.version}`));
  assert.match(read('deployment.log'), new RegExp(`wheel_status: fallback_to_${it.fallback.version}`));
  assert.match(read('incident.log'), new RegExp(fallbackRun));
  assert.match(read('fallback_report.md'), /beta/);
});

test('WF-28, WF-29, WF-33, DIS-13, DIS-15, DEF-12: version variables and configuration name the full version, once', () => {
  assert.match(read('.env'), new RegExp(`^SVC_PYTHON_VERSION=${it.fallback.version}$`, 'm'));
  assert.match(read('.env'), /^SVC_WHEEL_STATUS=fallback$/m);
  assert.match(read('.svc_config'), /^fallback_reason=wheel_failure$/m);
  assert.equal(read('.svc_config').match(/^python_version=/gm)?.length, 1);
});

test('WF-22, WF-43, WF-44: what was installed before and what is now stand beside the project, with hashes', () => {
  const frozen = readdirSync(it.project).find((name) => /^requirements\.frozen\.\d{8}_\d{6}$/.test(name))!;
  assert.equal(read(frozen), 'alpha==1.0\nbeta==1.0\n');
  assert.match(read('requirements.lock'), /^alpha==1\.1 --hash=sha256:[0-9a-f]{64}\nbeta==2\.0 --hash=sha256:[0-9a-f]{64}$/m);
});

test('the same again is not needed', async () => {
  const { code, stdout } = await it.cli('run', 'change', it.project, '--to', it.fallback.version, '--yes');
  assert.equal(code, 0);
  assert.match(stdout, /not-needed/);
});

test('list, show, why, logs and history tell of it', async () => {
  const list = await it.cli('list');
  assert.match(list.stdout, new RegExp(`${fallbackRun} .*done`));
  assert.ok(list.stdout.split('\n').every((line) => line.length <= 80), list.stdout);
  const show = await it.cli('show', fallbackRun);
  assert.match(show.stdout, /✓ switch/);
  assert.match(show.stdout, /done in/);
  const why = await it.cli('why', it.project);
  assert.match(why.stdout, new RegExp(`^${it.fallback.version} since .* by ${fallbackRun} \\(.*"beta has no wheel", policy pre-approved\\); before it ${it.primary.version}`));
  const logs = await it.cli('logs', fallbackRun);
  assert.match(logs.stdout, /fallback-activated/);
  assert.match((await it.cli('env', 'history', it.project)).stdout, new RegExp(fallbackRun));
  assert.match((await it.cli('env', 'list')).stdout, new RegExp(it.fallback.version));
  assert.match((await it.cli('show', fallbackRun, '--report', 'md')).stdout, /^# /);
});

test('AU-12: every entry names workflow, execution, actor, host and time; the chain is whole', async () => {
  const records = it.records();
  for (const { entry } of records.entriesOf(fallbackRun)) {
    assert.ok(entry.workflowId && entry.runId && entry.actor && entry.host && entry.at, JSON.stringify(entry));
  }
  records.close();
  const verified = await it.cli('audit', 'verify');
  assert.equal(verified.code, 0);
  assert.match(verified.stdout, /^whole: \d+ entries, head \d+:[0-9a-f]{64}/);
});

test('undo goes back, verified, and restarts what runs', { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await it.cli('undo', it.project, '--reason', 'trying it');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^rolled-back/);
  assert.equal(it.version(), it.primary.version);
  assert.equal(it.mixed(), '');
  assert.doesNotMatch(read('.env'), new RegExp(it.fallback.version));
});

test('a second undo has nothing to go back to', async () => {
  const { code, stdout } = await it.cli('undo', it.project, '--reason', 'again');
  assert.equal(code, 0);
  assert.match(stdout, /^not-needed/);
  assert.equal(it.version(), it.primary.version, 'the environment is still there');
});

test('PV-30: one command takes the environment to the other version and back, and each transition is on record', { timeout: 120_000 }, async () => {
  it.lock('alpha==1.0\nbeta==1.0\n');
  for (const [to, from] of [[it.fallback.version, it.primary.version], [it.primary.version, it.fallback.version]] as const) {
    const { code, stdout, stderr } = await it.cli('run', 'change', it.project, '--to', to, '--yes', '--json', '--reason', `to ${to}`);
    assert.equal(code, 0, stdout + stderr);
    const result = JSON.parse(stdout) as RunResult;
    assert.deepEqual([result.outcome, result.from, result.to, it.version()], ['done', from, to, to]);
    assert.match((await it.cli('env', 'history', it.project)).stdout, new RegExp(`${result.run} +${from} → ${to}`));
  }
  assert.equal(it.mixed(), '');
  it.lock('alpha==1.1\nbeta==2.0\n');
});

test('undo --local goes back without a server, and .venvs/README names the way by hand', { timeout: 120_000 }, async () => {
  const changed = await it.cli('run', 'fallback', it.project, '--yes', '--reason', 'once more', '--json');
  assert.equal(changed.code, 0, changed.stderr);
  const readme = readFileSync(path.join(it.project, '.venvs', 'README'), 'utf8');
  assert.match(readme, /ln -s .*\.venvs\//);
  assert.match(readme, /mv -T/);
  const { code, stdout, stderr } = await it.cli('undo', it.project, '--local', '--reason', 'server is down');
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^rolled-back to 3\.12/);
  assert.equal(it.version(), it.primary.version);
});

test('invariant 3: of two changes at once the second waits, and says for whom', { timeout: 120_000 }, async () => {
  it.lock('alpha==1.1\nbeta==1.0\n');
  it.barrier.arm('prepare:started');
  const first = await it.start('change', { to: it.fallback.version });
  await it.barrier.reached('prepare:started');
  const second = await it.start('change', { to: it.primary.version });
  let shown = '';
  while (!shown.includes('waits for')) shown = (await it.cli('show', second.run)).stdout;
  assert.match(shown, new RegExp(`waits for ${first.run} to finish with this environment \\(place 1 in line\\)`));
  it.barrier.release('prepare:started');
  const [one, two] = [await it.result(first), await it.result(second)];
  assert.equal(one.outcome, 'done', one.message);
  assert.equal(two.outcome, 'refused', two.message);
  assert.match(two.message, /changed|plan/);
  assert.equal(it.version(), it.fallback.version);
});

test('list, show, why and logs answer when Temporal has forgotten the run', async () => {
  const { workflowId } = it.records().run(fallbackRun)!;
  await it.client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution: { workflowId } });
  await assert.doesNotReject(async () => {
    while (true) {
      const gone = await it.client.workflow.getHandle(workflowId).describe().then(() => false, () => true);
      if (gone) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
  assert.match((await it.cli('show', fallbackRun)).stdout, /✓ switch/);
  assert.match((await it.cli('list')).stdout, new RegExp(fallbackRun));
  assert.match((await it.cli('logs', fallbackRun)).stdout, /outcome/);
  assert.equal((await it.cli('why', it.project)).code, 0);
});

test('PV-37, DIS-38: names of lock, link, module and variables are the project\'s own', { timeout: 60_000 }, async () => {
  const other = path.join(path.dirname(it.project), 'other');
  mkdirSync(other);
  writeFileSync(path.join(other, 'requirements-py3.txt'), 'alpha==1.0\n');
  writeFileSync(path.join(other, 'runbook.yaml'), 'name: other\nlock: requirements-py3.txt\nlink: venv3\nimportModule: alpha\nenvPrefix: OTHER\nenvFile: vars.env\n');
  const { code, stderr } = await it.cli('env', 'create', other, '--yes');
  assert.equal(code, 0, stderr);
  assert.match(readlinkSync(path.join(other, 'venv3')), /^\.venvs\//);
  assert.match(readFileSync(path.join(other, 'vars.env'), 'utf8'), /^OTHER_PYTHON_VERSION=3\.12/m);
  assert.match((await it.cli('why', other)).stdout, /^3\.12/);
});

test('PV-11, DIS-37: approved versions with their patch levels, by our own command', async () => {
  const { code, stdout } = await it.cli('policy', 'versions');
  assert.equal(code, 0);
  assert.match(stdout, /3\.12\.x/);
  assert.ok(stdout.includes(it.fallback.version));
});

test('--yes --plan agrees to one plan only', async () => {
  it.lock('alpha==1.0\nbeta==1.0\n');
  const { code, stderr } = await it.cli('run', 'change', it.project, '--yes', '--plan', 'deadbeef');
  assert.equal(code, 64);
  assert.match(stderr, /the plan agreed to: expected deadbeef/);
});

test('Ctrl-C and SIGKILL of the CLI leave the run alone', { timeout: 60_000 }, async () => {
  it.barrier.arm('prepare:started');
  const cli = it.spawnCli('run', 'change', it.project, '--yes', '--reason', 'cli is killed');
  await it.barrier.reached('prepare:started');
  cli.kill('SIGKILL');
  it.barrier.release('prepare:started');
  const open = it.records().listRuns({ open: true });
  const run = open.find((view) => view.reason === 'cli is killed')!.run;
  const { code, stdout } = await it.cli('watch', run, '--json');
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as RunResult).outcome, 'done');
});

test('invariant 13: no secret of the environment is in records, logs or server', () => {
  const everything = readdirSync(path.join(it.home, 'state'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  assert.ok(everything.length > 3);
  for (const file of everything) if (existsSync(file) && statSync(file).size < 64 << 20) assert.ok(!readFileSync(file).includes('sekret-of-the-test'), file);
});
