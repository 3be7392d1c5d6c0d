/** The wheel-availability checklist of a real project on a real instance. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { wheelsCommand } from '../../../client/cli/commands/wheels.js';
import type { Checklist } from '../../../policy/wheel-checklist.js';
import { inProcess } from '../../support/in-process.js';
import { startInstance, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
before(async () => (it = await startInstance()), { timeout: 240_000 });
after(() => it.stop());

async function wheels(...words: string[]): Promise<{ out: string; talk: string; code: number }> {
  const { code, stdout, stderr } = await inProcess(wheelsCommand, 'wheels', ...words);
  return { code, out: stdout, talk: stderr };
}

test('PV-13, PV-16, PV-17: every dependency has a row with both verdicts; exit 0 where the fallback has all', { timeout: 60_000 }, async () => {
  const { out, talk, code } = await wheels(it.project);
  assert.equal(code, 0, talk);
  assert.match(out, new RegExp(`^PACKAGE +VERSION +${it.primary.version} +${it.fallback.version} +WHY$`, 'm'));
  assert.match(out, /^alpha +1\.0 +✓ wheel +✓ wheel$/m);
  assert.match(out, /^beta +1\.0 +✓ wheel +✓ wheel$/m);
});

test('PV-13: a wheel the primary lacks is a row with its reason, and the way on is named; still exit 0', { timeout: 60_000 }, async () => {
  it.lock('alpha==1.1\nbeta==2.0\n');
  const { out, talk, code } = await wheels(it.project, '--json');
  assert.equal(code, 0, talk);
  const list = JSON.parse(out) as Checklist;
  assert.deepEqual(list.missing, { primary: ['beta'], fallback: [] });
  assert.deepEqual(list.rows.map(({ project, primary, fallback }) => [project, primary, fallback]), [['alpha', 'wheel', 'wheel'], ['beta', list.rows[1]!.primary, 'wheel']]);
  assert.notEqual(list.rows[1]!.primary, 'wheel');
  assert.notEqual(list.rows[1]!.why, '');
  assert.match((await wheels(it.project)).talk, /next: runbook plan fallback /);
  assert.match((await wheels(it.project, '--report', 'md')).out, /^# Wheel availability of [^]*\| beta \| 2\.0 \| ✗ [a-z-]+ \| ✓ wheel \|/);
});

test('PV-17: exit 1 where the fallback lacks one, before anybody needs it', { timeout: 60_000 }, async () => {
  it.lock('alpha==9.9\nbeta==1.0\n');
  const { talk, code } = await wheels(it.project);
  assert.equal(code, 1, talk);
  assert.match(talk, /\(fallback\): 1 of 2 without a wheel: alpha/);
});

test('a project that has no environment yet can be asked about', { timeout: 60_000 }, async () => {
  const fresh = path.join(path.dirname(it.project), 'fresh');
  mkdirSync(fresh);
  writeFileSync(path.join(fresh, 'requirements.txt'), 'alpha==1.0\n');
  const { out, talk, code } = await wheels(fresh);
  assert.equal(code, 0, talk);
  assert.match(out, /^alpha /m);
});

test('an index that does not answer is 69, never a missing wheel', { timeout: 120_000 }, async () => {
  // Of alpha and beta the installer's cache knows; of this one nothing does.
  it.lock('alpha==1.0\ngamma==1.0\n');
  it.index.close();
  const { talk, code } = await wheels(it.project);
  assert.equal(code, 69, talk);
  assert.match(talk, /could not tell: /);
  assert.doesNotMatch(talk, /without a wheel: /);
});

test('an unknown form is refused before anything is asked', async () => {
  const { code, talk } = await wheels(it.project, '--report', 'pdf');
  assert.equal(code, 64);
  assert.match(talk, /expected md or html, got pdf/);
});
