/** Builds that need something from the real package index: setuptools and wheel, and a release whose files can't change any more. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { recordedWheels } from '../../../activities/host/wheelhouse.js';
import { testBuilder } from '../../support/builder.js';

test('WF-39: a release with a setup.py alone gets setuptools and wheel to be built with, and only for that', async () => {
  const { on, house, build } = await testBuilder(null, [{ name: 'ancient', version: '1.0', legacy: true }]);
  try {
    const { built, failed } = await build(['ancient==1.0'], { run: 'fb-legacy' });
    assert.deepEqual([failed.map((one) => readFileSync(one.logPath, 'utf8')), built.map((one) => /^ancient-1\.0.*-none-any\.whl$/.test(one.file.name))], [[], [true]]);
    assert.deepEqual(recordedWheels(house).map((one) => one.project), ['ancient'], 'build requirements are in no wheelhouse');
  } finally {
    on.close();
  }
});

test('WF-37: a real release with a C extension, by the hash of its source release', async () => {
  const { on, house, build } = await testBuilder(null, []);
  try {
    const pin = { project: 'MarkupSafe', version: '2.1.3', native: true, hashes: ['sha256:af598ed32d6ae86f1b747b82783958b1a4ab8f617b06fe68795c7f026abbdcad'] };
    const { built, failed } = await build([pin]);
    assert.deepEqual([failed.map((one) => readFileSync(one.logPath, 'utf8')), built.map((one) => [one.project, one.warnings])], [[], [['markupsafe', []]]]);
    assert.match(recordedWheels(house)[0]!.name, /^markupsafe-2\.1\.3-cp3\d+-cp3\d+-/i);
  } finally {
    on.close();
  }
});
