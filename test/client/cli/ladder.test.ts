/** The ladder and the hands, as an operator sees them: on a real instance whose host may build from source. */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { poll, startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
before(async () => (it = await startInstance({ builder: true })), { timeout: 240_000 });
after(() => it.stop());

const SOURCE_ONLY = 'alpha==1.1\nbeta==2.0\ngamma==1.0\n';

test('WF-36, WF-37: a lock with a source release alone has no plan yet; the plan says which rungs are left, and starts nothing', { timeout: 60_000 }, async () => {
  it.lock(SOURCE_ONLY);
  const { code, stdout } = await it.cli('plan', 'fallback', it.project);
  assert.equal(code, 1);
  assert.match(stdout, /1 of 3 have no wheel: gamma/);
  assert.match(stdout, /^ {2}source-one: gamma can be built from source on a builder/m);
  assert.ok(stdout.indexOf('source-one') < stdout.indexOf('relock'));
});

test('with nobody to ask, the ladder is not climbed: expected --yes, nothing was started', { timeout: 60_000 }, async () => {
  const { code, stderr } = await it.cli('run', 'fallback', it.project, '--reason', 'gamma has no wheel');
  assert.equal(code, 64);
  assert.match(stderr, /expected --yes where there is no terminal.*\n.*--yes\nnothing was started/);
});

test('WF-38, AU-09: --yes climbs: built by hash, changed to, and the report tells of both', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await it.cli('run', 'fallback', it.project, '--reason', 'gamma has no wheel', '--yes', '--json');
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout) as { run: string; outcome: string; steps: { step: string }[] };
  assert.equal(result.outcome, 'done');
  assert.ok(result.steps.some(({ step }) => step === 'build source-one'));
  assert.equal(it.version(), it.fallback.version);
  const report = await it.cli('show', result.run, '--report', 'md');
  assert.match(report.stdout, /gamma 1\.0/);
  assert.match(report.stdout, /1 wheel built and 0 failed on testhost/);
  assert.equal((await it.cli('audit', 'verify')).code, 0);
});

test('what a hand dropped into the environment is on record, in why, and in the next plan', { timeout: 60_000 }, async () => {
  const tree = realpathSync(it.link);
  const lib = path.join(tree, 'lib');
  const packages = path.join(lib, readdirSync(lib, { withFileTypes: true }).find((entry) => entry.isDirectory())!.name, 'site-packages');
  const file = path.join(packages, 'by-hand.pth');
  chmodSync(packages, 0o755);
  writeFileSync(file, '\n');
  try {
    const why = await poll(async () => {
      const { stdout } = await it.cli('why', it.project);
      return stdout.includes('seen changed by hand') ? stdout : '';
    });
    assert.match(why, /by-hand\.pth/);
    const { stdout } = await it.cli('plan', 'change', it.project, '--to', it.fallback.version);
    assert.match(stdout, /! .*differs from what .* verified: .*by-hand\.pth/);
  } finally {
    rmSync(file);
    chmodSync(packages, 0o555);
  }
});
