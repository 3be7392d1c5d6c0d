import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guardObjection, type GuardFacts } from '../../../policy/checks/guard.js';
import type { PythonStatus } from '../../../policy/checks/results.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString();

const facts = (changes: Partial<GuardFacts> = {}, status: PythonStatus = 'primary'): GuardFacts => ({
  now: NOW, link: '/srv/pricer/.venv', target: '/srv/pricer', treeId: 'ex-3p9d-1', version: '3.12.1', configured: '3.12.1',
  judged: { status, text: 'the policy says so', to: '3.12' }, entry: null, ...changes,
});
const entry = (end: string | null, tree = 'ex-3p9d-1', run: string | null = 'ex-3p9d') => ({ tree, run, end });

test('PV-19: approved interpreters may start, no others', () => {
  assert.equal(guardObjection(facts()), null);
  assert.equal(guardObjection(facts({}, 'fallback')), null);
  for (const status of ['unsupported', 'not_found', 'exception'] as const) {
    assert.deepEqual(guardObjection(facts({}, status)), { what: 'interpreter of /srv/pricer/.venv', expected: 'one that the policy approves', got: 'the policy says so', wayOut: 'runbook run change /srv/pricer --to 3.12' });
  }
});

test('EE-09, EE-11: until its end an exception allows what the policy does not; from its end on nothing starts, approved or not', () => {
  for (const [end, status, allowed] of [
    [at(1), 'unsupported', true], [at(0), 'unsupported', false], [at(-1), 'unsupported', false], [null, 'unsupported', false],
    [at(1), 'primary', true], [at(0), 'primary', false], [at(-1), 'fallback', false], [null, 'primary', true], ['no instant', 'primary', false],
  ] as const) {
    assert.equal(guardObjection(facts({ entry: entry(end) }, status)) === null, allowed, `${end} ${status}`);
  }
  assert.match(guardObjection(facts({ entry: entry(at(0)) }))!.expected, /when ex-3p9d ended/);
  assert.match(guardObjection(facts({ entry: entry(at(0), 'ex-3p9d-1', null) }))!.expected, /when its change ended/);
});

test('what is written of another tree says nothing of this one, nor of a folder that is no tree of ours', () => {
  assert.equal(guardObjection(facts({ entry: entry(at(-1), 'old-1') })), null);
  assert.notEqual(guardObjection(facts({ entry: entry(at(1), 'old-1') }, 'unsupported')), null);
  assert.notEqual(guardObjection(facts({ entry: entry(at(1)), treeId: null }, 'unsupported')), null);
});

test('an interpreter of another line than the packages were installed for; a patch release of the same one is none', () => {
  for (const configured of ['3.12', '3.12.9', '3.12.1.final.0', '3.12.0rc1', null, 'unknown', '']) assert.equal(guardObjection(facts({ configured })), null, String(configured));
  for (const configured of ['3.11.7', '3.1', '3.120.1', '2.7']) assert.match(guardObjection(facts({ configured }))?.expected ?? '', /for which its packages were installed/, configured);
});
