import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { faultText, verifyChain } from '../../policy/chain.js';
import type { ChainFault } from '../../policy/chain.js';
import { EMPTY_HEAD, linkHash, nextLink } from '../../policy/records.js';
import type { AuditEntry, ChainLink } from '../../policy/records.js';
import { entry } from '../support/record-entries.js';

function chainOf(entries: AuditEntry[]): ChainLink[] {
  const links: ChainLink[] = [];
  for (const one of entries) links.push(nextLink(links.at(-1) ?? EMPTY_HEAD, one));
  return links;
}

const five = (): ChainLink[] => chainOf([1, 2, 3, 4, 5].map((n) => entry(n)));

function expectFault(links: ChainLink[], firstBad: number, reason: ChainFault, known?: { seq: number; hash: string }): void {
  const verdict = verifyChain(links, known);
  assert.ok(!verdict.ok, 'the chain was found whole');
  assert.deepEqual([verdict.firstBad, verdict.reason], [firstBad, reason], faultText(verdict));
}

test('invariant 15: a whole chain verifies and tells its head; an empty one too', () => {
  const links = five();
  assert.deepEqual(verifyChain(links), { ok: true, entries: 5, head: { seq: 5, hash: links[4]!.hash } });
  assert.deepEqual(verifyChain([]), { ok: true, entries: 0, head: EMPTY_HEAD });
  for (const { seq, hash } of links) assert.equal(verifyChain(links, { seq, hash }).ok, true, `known head ${seq}`);
});

test('invariant 15: a change is found at its entry', () => {
  const links = five();
  links[2] = { ...links[2]!, body: links[2]!.body.replace('new lock', 'old lock') };
  expectFault(links, 3, 'content');
});

test('invariant 15: a change whose own hash was computed again is found at the next entry', () => {
  const links = five();
  const body = links[2]!.body.replace('new lock', 'old lock');
  links[2] = { ...links[2]!, body, hash: linkHash(3, links[2]!.previous, body) };
  expectFault(links, 4, 'link');
});

test('invariant 15: removal in the middle is found, with and without new numbers', () => {
  expectFault(five().filter(({ seq }) => seq !== 3), 3, 'missing');
  expectFault(five().filter(({ seq }) => seq !== 1), 1, 'missing');
  const renumbered = five().filter(({ seq }) => seq !== 3).map((link, at) => ({ ...link, seq: at + 1 }));
  expectFault(renumbered, 3, 'link');
});

test('invariant 15: insertion is found, doubled and forged', () => {
  const links = five();
  expectFault([...links.slice(0, 3), links[2]!, ...links.slice(3)], 3, 'order');
  const forged = nextLink(links[1]!, entry(99));
  expectFault([...links.slice(0, 2), forged, ...links.slice(2).map((link) => ({ ...link, seq: link.seq + 1 }))], 4, 'link');
});

test('invariant 15: exchanged entries are found, with their own and with exchanged numbers', () => {
  const [a, b, c, d, e] = five() as [ChainLink, ChainLink, ChainLink, ChainLink, ChainLink];
  expectFault([a, c, b, d, e], 2, 'missing');
  expectFault([a, { ...c, seq: 2 }, { ...b, seq: 3 }, d, e], 2, 'link');
});

test('invariant 15: removal of the newest entries and a chain written anew are found against a known head', () => {
  const links = five();
  const head = { seq: 5, hash: links[4]!.hash };
  assert.equal(verifyChain(links.slice(0, 4)).ok, true, 'the chain alone cannot tell');
  expectFault(links.slice(0, 4), 5, 'truncated', head);
  expectFault([], 1, 'truncated', head);
  const anew = chainOf([1, 2, 3, 4, 5, 6].map((n) => entry(n, { actor: 'mallory' })));
  assert.equal(verifyChain(anew).ok, true);
  expectFault(anew, 5, 'rewritten', head);
  expectFault(anew, 2, 'rewritten', { seq: 2, hash: links[1]!.hash });
});

const anyEntry = fc.record({
  n: fc.integer({ min: 1, max: 1e6 }), actor: fc.string({ unit: 'binary', minLength: 1 }), justification: fc.string({ unit: 'binary' }),
  data: fc.dictionary(fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'), fc.jsonValue()),
}).map(({ n, ...fields }) => entry(n, fields as Partial<AuditEntry>));

test('invariant 15 (property): any change of a single byte of any entry is found, at that entry', () => {
  fc.assert(fc.property(fc.array(anyEntry, { minLength: 1, maxLength: 6 }), fc.nat(), fc.constantFrom('body' as const, 'hash' as const, 'previous' as const), fc.nat(), fc.integer({ min: 1, max: 255 }), (entries, which, field, where, xor) => {
    const links = chainOf(entries);
    assert.equal(verifyChain(links).ok, true);
    const at = which % links.length;
    const bytes = Buffer.from(links[at]![field], 'utf8');
    bytes[where % bytes.length]! ^= xor;
    const text = bytes.toString('utf8');
    // Bytes that are no text any more are found where bytes are read: in the records.
    fc.pre(Buffer.from(text, 'utf8').equals(bytes));
    links[at] = { ...links[at]!, [field]: text };
    const verdict = verifyChain(links);
    assert.ok(!verdict.ok);
    assert.equal(verdict.firstBad, at + 1);
  }), { numRuns: 500 });
});

test('invariant 15 (property): any other number of an entry is found', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -3, max: 9 }).filter((by) => by !== 0), (at, by) => {
    const links = five();
    links[at] = { ...links[at]!, seq: links[at]!.seq + by };
    assert.equal(verifyChain(links).ok, false);
  }));
});
