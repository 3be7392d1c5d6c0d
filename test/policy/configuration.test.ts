import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configEdits } from '../../policy/configuration.js';
import { planOf, requestFor, SETTINGS } from '../support/fake-host.js';

const settings = { ...SETTINGS, configFiles: [{ path: '.p_config', format: 'keyvalue' as const }, { path: 'config.yaml', format: 'yaml' as const }] };

test('WF-28, WF-29, WF-30, WF-33, DIS-13, DIS-15: every configured file gets the full version; a fallback says so', () => {
  const edits = configEdits({ ...planOf(requestFor('h', 'fallback')), settings }, '2026-01-01T00:00:00.000Z');
  assert.deepEqual(edits, [
    { path: '.env', format: 'env', set: { P_PYTHON_VERSION: '3.11.7', P_WHEEL_STATUS: 'fallback' } },
    { path: '.p_config', format: 'keyvalue', set: { python_version: '3.11.7', fallback_reason: 'wheel_failure', fallback_date: '2026-01-01T00:00:00.000Z' } },
    { path: 'config.yaml', format: 'yaml', set: { python_version: '3.11.7' } },
  ]);
});

test('a plain change says healthy; a project without these settings is not edited', () => {
  const change = planOf(requestFor('h'));
  assert.equal(configEdits({ ...change, settings }, 't')[0]!.set['P_WHEEL_STATUS'], 'healthy');
  assert.deepEqual(configEdits({ ...change, settings: { ...SETTINGS, envFile: null } }, 't'), []);
});
