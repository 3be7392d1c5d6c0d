import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { barrierFrom, BARRIER_VARIABLE } from '../../worker/barrier.js';
import { until } from '../support/processes.js';
import { temporaryFolder } from '../support/servers.js';

test('decision 26: a barrier holds at an armed point only, tells who is there, and lets go', async (t) => {
  const { dir, remove } = temporaryFolder('barrier');
  t.after(remove);
  const barrier = barrierFrom({ [BARRIER_VARIABLE]: dir });
  const armed = path.join(dir, 'switch.intent');
  await barrier('switch.intent');
  writeFileSync(armed, '');
  await barrier('switch.effect');
  let passed = false;
  const held = barrier('switch.intent').then(() => (passed = true));
  await until('the point to be reached', () => existsSync(`${armed}.reached`));
  assert.equal(readFileSync(`${armed}.reached`, 'utf8'), String(process.pid));
  assert.equal(passed, false);
  rmSync(armed);
  await held;
});

test('without the variable nothing is ever held', async () => {
  await barrierFrom({})('switch.intent');
  await barrierFrom({ [BARRIER_VARIABLE]: '' })('switch.intent');
});
