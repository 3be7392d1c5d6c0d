import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeInstalled, modulesToImport } from '../../../activities/host/tree-checks.js';
import { SETTINGS } from '../../support/fake-host.js';

test('DEF-05: what is imported and which version counts come from the metadata, never from a name taken for another', () => {
  const packages = [{ name: 'PyYAML', version: '6.0.1', modules: ['yaml', '_yaml'] }, { name: 'python-dateutil', version: '2.9.0.post0', modules: ['dateutil'] }];
  assert.deepEqual(modulesToImport(SETTINGS, packages, '/srv/p').map(({ name }) => name), ['yaml', '_yaml', 'dateutil']);
  const file = (project: string, version: string) => ({ project, version, name: `${project}.whl`, sha256: '0' });
  const plan = { settings: SETTINGS, files: [file('pyyaml', '6.0.1'), file('python_dateutil', '2.9.0.post0')] };
  assert.deepEqual(judgeInstalled(packages, plan).lock, { ok: true, installed: 2, expected: 2, differences: [] });
  const { lock } = judgeInstalled([{ ...packages[0]!, version: '6.0.2' }], plan);
  assert.deepEqual(lock.differences, ['pyyaml: expected 6.0.1, got 6.0.2', 'python_dateutil==2.9.0.post0 is missing']);
});

test('the project\'s own list wins over the metadata, and its own module is imported from the project', () => {
  const settings = { ...SETTINGS, imports: ['numpy'], importModule: 'pricer' };
  assert.deepEqual(modulesToImport(settings, [{ name: 'PyYAML', version: '6', modules: ['yaml'] }], '/srv/p'), [{ name: 'numpy' }, { name: 'pricer', folder: '/srv/p' }]);
});
