/** `runbook verify` alone, over real environments: exit codes, the saved result, the summary, JSON. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { RESULT_FILE } from '../../../client/cli/check-output.js';
import { verifyCommand } from '../../../client/cli/commands/verify.js';
import type { VerificationResult } from '../../../policy/checks/results.js';
import { verificationSchema } from '../../../policy/checks/schema.js';
import { useCheckCli } from '../../support/check-cli.js';
import { inProcess } from '../../support/in-process.js';

const it = useCheckCli();

const verify = (...words: string[]) => inProcess(verifyCommand, 'verify', ...words);
const saved = (): VerificationResult => verificationSchema.parse(JSON.parse(readFileSync(path.join(it.cwd, RESULT_FILE), 'utf8'))) as VerificationResult;

test('VJ-02, VJ-04, VJ-05: PASSED is 0, the counts are told, the result is saved under the document\'s name', { timeout: 60_000 }, async () => {
  const { code, stdout } = await verify(it.right.project);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^Status: PASSED\nViolations: 0\nWarnings: \d+$/m);
  assert.match(stdout, /^results .*runtime_verification_results\.json$/m);
  assert.equal(saved().overall_status, 'PASSED');
});

test('VJ-04: a warning is 2, a critical violation is 1, and each is told', { timeout: 120_000 }, async () => {
  const old = await it.bench.environment({ packages: ['pandas==2.10.0', 'numpy==1.26.4', 'beta==0.95'] });
  const warned = await verify(old.project, '--quick');
  assert.equal(warned.code, 2, warned.stdout);
  assert.match(warned.stdout, /^! warning {3}package_integrity: .*beta.*0\.95/m);
  assert.match(warned.stdout, /^Status: WARNING\nViolations: \d \(0 critical\)/m);
  const wrong = await it.bench.environment({ line: '3.11' });
  const failed = await verify(wrong.project, '--quick', '--out', '-');
  assert.equal(failed.code, 1, failed.stdout);
  assert.match(failed.stdout, /^✗ critical {2}python_version: /m);
  assert.match(failed.stdout, /^Status: FAILED\nViolations: \d+ \(1 critical\)/m);
});

test('--json is the result alone on standard output, the same that is saved; --out - saves nothing', { timeout: 60_000 }, async () => {
  const { stdout, stderr } = await verify(it.right.project, '--json', '--quick');
  assert.deepEqual(verificationSchema.parse(JSON.parse(stdout)), saved());
  assert.equal(stderr, '');
  rmSync(path.join(it.cwd, RESULT_FILE));
  assert.equal((await verify(it.right.project, '--quick', '--out', '-')).code, 0);
  assert.equal(existsSync(path.join(it.cwd, RESULT_FILE)), false);
});

test('the saved result replaces the earlier one, and a link in its place is not followed', { timeout: 60_000 }, async () => {
  const precious = path.join(it.cwd, 'precious');
  writeFileSync(precious, 'precious');
  symlinkSync(precious, path.join(it.cwd, RESULT_FILE));
  await verify(it.right.project, '--quick');
  assert.equal(readFileSync(precious, 'utf8'), 'precious');
  assert.equal(saved().overall_status, 'PASSED');
  assert.deepEqual(readdirSync(it.cwd).sort(), ['precious', RESULT_FILE]);
});

test('a drifted file is found by hashes, and --quick does not look', { timeout: 60_000 }, async () => {
  const drifted = await it.bench.environment();
  const file = path.join(drifted.site, 'numpy', '__init__.py');
  chmodSync(file, 0o644);
  writeFileSync(file, `${readFileSync(file, 'utf8')}# by hand\n`);
  const { code, stdout } = await verify(drifted.project);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^✗ critical {2}package_integrity: .*numpy/m);
  assert.equal((await verify(drifted.project, '--quick')).code, 0);
});

test('--junit: a test case each, a violation is a failure', { timeout: 60_000 }, async () => {
  const wrong = await it.bench.environment({ line: '3.11' });
  await verify(wrong.project, '--quick', '--junit', 'verify.xml');
  const text = readFileSync(path.join(it.cwd, 'verify.xml'), 'utf8');
  assert.match(text, /<testcase classname="verification" name="python_version">\n\s+<failure type="critical"/);
});

test('VJ-04: bad input is 64 and starts nothing', { timeout: 60_000 }, async () => {
  for (const [words, says] of [[['nosuch'], /nothing there/], [['.', '--out', 'nosuch/x.json'], /--out nosuch\/x\.json: expected a file in a folder/], [['.', '--policy', 'nosuch'], /--policy/]] as const) {
    const { code, stderr } = await verify(...words);
    assert.equal(code, 64, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /nothing was started$/);
  }
  assert.deepEqual(readdirSync(it.cwd), []);
});
