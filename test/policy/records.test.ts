import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, sha256Hex } from '../../policy/canonical.js';
import { AUDIT_EVENTS, EMPTY_HEAD, entryProblem, nextLink, toLink, toStored } from '../../policy/records.js';
import type { AuditEntry, AuditEvent } from '../../policy/records.js';
import { entry } from '../support/record-entries.js';

const CHANGES: AuditEvent[] = ['run-started', 'fallback-activated', 'aborted', 'undo', 'outcome', 'settle'];

test('AU-01: an entry about a change is refused without a justification, with the way out', () => {
  for (const event of CHANGES) {
    const problem = entryProblem(entry(1, { event, justification: ' ' }));
    assert.match(problem?.what ?? '', /chain-1\/1, justification/, event);
    assert.match(problem?.wayOut ?? '', /--reason/);
    assert.equal(entryProblem(entry(1, { event })), null, event);
  }
});

test('AU-01: the step that switches the interpreter needs a justification; one that only prepares does not', () => {
  assert.notEqual(entryProblem(entry(1, { event: 'step-done', justification: '', data: { step: 'switch' } })), null);
  assert.equal(entryProblem(entry(1, { event: 'step-done', justification: '', data: { step: 'prepare' } })), null);
});

test('AU-12: every entry is tied to workflow id, run id, actor, host and time', () => {
  for (const field of ['key', 'run', 'workflowId', 'runId', 'chain', 'actor', 'host', 'link'] as const) {
    for (const bad of ['', '  ', 'two\nlines', 'nul\0', undefined, 7]) {
      const problem = entryProblem({ ...entry(1), [field]: bad } as AuditEntry);
      assert.ok(problem, `${field} = ${JSON.stringify(bad)}`);
    }
  }
  for (const at of ['', 'yesterday', '2025-11-22', '2025-11-22T11:32:08Z', '2025-11-22T11:32:08.000+01:00', '2025-02-30T11:32:08.000Z', '2025-13-01T00:00:00.000Z']) {
    assert.match(entryProblem(entry(1, { at }))?.what ?? 'accepted', /, at$/, at);
  }
});

test('news of a host needs no run and no link, but a host and an actor', () => {
  const news = entry(1, { event: 'check-in', run: '', link: '', justification: '' });
  assert.equal(entryProblem(news), null);
  assert.ok(entryProblem({ ...news, host: '' }));
  assert.ok(entryProblem({ ...news, actor: '' }));
});

test('an event outside the list is refused and the list is named, names of Object.prototype included', () => {
  for (const event of ['step', 'constructor', 'toString', '']) {
    const problem = entryProblem(entry(1, { event: event as AuditEvent }));
    assert.match(problem?.expected ?? '', /run-started, /, event);
  }
  for (const data of [null, [], 'text']) assert.ok(entryProblem(entry(1, { data: data as never })));
  assert.ok(Object.keys(AUDIT_EVENTS).length > 10);
});

test('the hash is sha256 over the canonical JSON of entry, previous and number, so that other tools can compute it', () => {
  const link = nextLink({ seq: 6, hash: 'c'.repeat(64) }, entry(7, { data: { z: 1, a: ['ü', null] } }));
  assert.equal(link.seq, 7);
  assert.equal(link.hash, sha256Hex(canonicalJson({ seq: 7, previous: 'c'.repeat(64), entry: JSON.parse(link.body) as unknown })));
  assert.equal(nextLink(EMPTY_HEAD, entry(1)).previous, '0'.repeat(64));
});

test('an exported entry goes back into the same link', () => {
  const link = nextLink(EMPTY_HEAD, entry(1, { data: { b: 'é\u0000\ud800', a: { y: 1.5, x: -0 } } }));
  assert.deepEqual(toLink(JSON.parse(JSON.stringify(toStored(link))) as never), link);
});
