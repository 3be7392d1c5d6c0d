import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, detailsMarkdown, formatMs, PHASES, summaryLine, type RunState } from '../../policy/describe.js';

const state: RunState = { run: 'fb-7k2m', kind: 'fallback', where: 'h:/srv/p', requester: 'bob', reason: 'why', from: '3.12.1', to: '3.11.7', step: 'prepare', steps: [], waitsFor: null, aborting: null, outcome: null, message: '' };
const done = { step: 'arm', ok: true, fact: 'a | b', workMs: 1, startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:01.500Z' };

test('one phase and one message for every state', () => {
  assert.equal(describe({ ...state, step: null }).phase, 'starting');
  assert.equal(describe(state).phase, 'preparing');
  assert.deepEqual(describe({ ...state, waitsFor: { what: 'ch-1 to finish', until: null, command: null } }), { phase: 'waiting', message: 'waits for ch-1 to finish' });
  assert.deepEqual(describe({ ...state, outcome: 'done', message: 'm', waitsFor: { what: 'x', until: null, command: null } }), { phase: 'ended', message: 'done: m' });
  assert.match(describe({ ...state, aborting: { by: 'alice', reason: 'r' } }).message, /abort asked by alice: r/);
  for (const step of ['plan', 'assess', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'undo', 'document', 'keep', 'unheard of']) assert.ok(PHASES.includes(describe({ ...state, step }).phase), step);
});

test('details are a table that foreign words can\'t break, with the command to act', () => {
  const text = detailsMarkdown({ ...state, steps: [done], waitsFor: { what: 'x', until: null, command: 'runbook show x' } });
  assert.match(text, /\| ✓ arm \| 1\.5 s \| a \\\| b \|/);
  assert.match(text, /to act: `runbook show x`/);
});

test('a summary stays within the server\'s 400 bytes', () => {
  assert.ok(Buffer.byteLength(summaryLine('fallback', 'h:/srv/p', 'ä'.repeat(500), 'bob')) <= 400);
});

test('times are written by their size', () => {
  assert.deepEqual([0.2, 48, 340, 2100, 184_000].map(formatMs), ['0.2 ms', '48 ms', '0.3 s', '2.1 s', '3 min 4 s']);
});
