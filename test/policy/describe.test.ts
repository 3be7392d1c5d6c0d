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
  for (const step of ['plan', 'assess', 'arm', 'prepare', 'verify', 'switch', 'adopt', 'configure', 'restart', 'verify link', 'close', 'undo', 'document', 'keep', 'unheard of']) assert.ok(PHASES.includes(describe({ ...state, step }).phase), step);
});

test('details are a table that foreign words can\'t break, with the command to act', () => {
  const text = detailsMarkdown({ ...state, steps: [done], waitsFor: { what: 'x', until: null, command: 'runbook show x' } });
  // Short cells hold together by spaces that do not break.
  assert.ok(text.includes('| ✓\u00a0arm\u00a0\u00a0 | 1.5\u00a0s\u00a0\u00a0 | a \\| b |'), text);
  assert.match(text, /To act: `runbook show x`/);
});

test('details name what can be done now, and no reason can write Markdown of its own', () => {
  assert.match(detailsMarkdown(state), /`runbook abort fb-7k2m --reason …`/);
  const ended = detailsMarkdown({ ...state, step: null, steps: [{ ...done, step: 'switch' }], outcome: 'done', message: 'm', reason: '**now** <b>' });
  assert.doesNotMatch(ended, /runbook abort/);
  assert.match(ended, /`runbook undo h:\/srv\/p --reason …`/);
  assert.match(ended, /Asked by bob: \\\*\\\*now\\\*\\\* \\<b\\>/);
  assert.doesNotMatch(detailsMarkdown({ ...state, outcome: 'rolled-back', message: 'm' }), /runbook undo/);
  assert.doesNotMatch(detailsMarkdown({ ...state, step: null, steps: [{ ...done, step: 'adopt' }], outcome: 'done', message: 'm' }), /runbook undo/, 'nothing was switched');
});

test('a run that works says since when, in the hours of the day', () => {
  assert.equal(describe({ ...state, steps: [done] }).message, 'prepare since 00:00:01 UTC');
});

test('a summary stays within the server\'s 400 bytes', () => {
  assert.ok(Buffer.byteLength(summaryLine('fallback', 'h:/srv/p', 'ä'.repeat(500), 'bob')) <= 400);
});

test('times are written by their size', () => {
  assert.deepEqual([0.2, 48, 340, 2100, 184_000].map(formatMs), ['0.2 ms', '48 ms', '0.3 s', '2.1 s', '3 min 4 s']);
});
