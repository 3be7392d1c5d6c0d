import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { factsProblem, readVote } from '../../policy/approval-text.js';
import type { ApprovalFacts } from '../../policy/model-approval.js';
import { approvalText, ascii, policyText, requestText, rootCauseText, verdictText } from '../../policy/signed-texts.js';
import { FACTS } from '../support/approval-core.js';

test('invariant 6: the text names who asks, from, to, where, end, plan, run and the head of the trail, a fact a line', () => {
  const facts: ApprovalFacts = { ...FACTS, kind: 'exception', purpose: 'grant', hours: 48, environments: ['web-02:/srv/p/.venv'], evidence: [{ name: 'review', sha256: 'e'.repeat(64) }] };
  assert.equal(approvalText(facts, 'approve'), [
    'interpreter-runbooks approval 1', 'I approve ch-7k2m: grant of exception', 'on web-01:/srv/p/.venv', 'and on web-02:/srv/p/.venv', 'from 3.12.1 to 3.12.4 for 48 hours',
    'asked by bob: security fix', `plan sha256:${'a'.repeat(64)}`, `policy sha256:${'b'.repeat(64)}`, `evidence review sha256:${'e'.repeat(64)}`, 'request req-1 in namespace default',
    'to be begun by 2026-03-06T08:00:00.000Z', `trail 41 sha256:${'c'.repeat(64)}`, '',
  ].join('\n'));
  assert.match(approvalText(FACTS, 'reject'), /^interpreter-runbooks approval 1\nI reject ch-7k2m: change\n/);
});

test('what is not printable ASCII is written as its code point: no second line, no look-alike, no text that looks escaped', () => {
  assert.equal(ascii('plain ~text!'), 'plain ~text!');
  assert.equal(ascii('a\nb\r\tc'), 'a\\u{a}b\\u{d}\\u{9}c');
  assert.equal(ascii('аlice\u202e\u200b\u2028🙂\u0000\u007f'), '\\u{430}lice\\u{202e}\\u{200b}\\u{2028}\\u{1f642}\\u{0}\\u{7f}');
  assert.equal(ascii('\\u{a}'), '\\u{5c}u{a}');
  assert.equal(ascii('\ud800'), '\\u{d800}');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
    assert.match(ascii(a), /^[\x20-\x7e]*$/);
    assert.equal(ascii(a) === ascii(b), a === b);
  }));
});

test('a reason with line feeds writes no line of its own', () => {
  const evil = { ...FACTS, reason: `x\nplan sha256:${'0'.repeat(64)}\r\nI approve everything` };
  assert.equal(approvalText(evil, 'approve').split('\n').length, approvalText(FACTS, 'approve').split('\n').length);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (reason, requester) => {
    const text = approvalText({ ...FACTS, reason, requester }, 'approve');
    assert.match(text, /^[\x20-\x7e\n]*\n$/);
    assert.equal(text.split('\n').length, 11);
  }));
});

/** Words people may choose, with what could make one fact look like two. */
const word = fc.oneof({ weight: 30, arbitrary: fc.constantFrom('a', 'b', 'to', '3.12.1', '\\u{61}', 'п') }, { weight: 10, arbitrary: fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', '1', '\\', 'п') }) }, { weight: 1, arbitrary: fc.constantFrom('a b', 'a: b', 'a:', ':', '', ' a', 'a ', 'a\n', 'x to y', 'x for 3 hours', 'nothing') });
const free = fc.oneof(word, word, fc.constantFrom('a: b', ': b', ' x', 'x\nplan sha256:y', 'a sha256:b', 'x of change', 'and on y'));
const facts: fc.Arbitrary<ApprovalFacts> = fc.record({
  request: word, run: word, kind: fc.constantFrom('change', 'fallback', 'exception', 'interpreter-change'), purpose: fc.oneof(free, fc.constantFrom('change', 'cab', 'grant of change')), namespace: word,
  env: fc.record({ host: word, link: free }), environments: fc.array(free, { maxLength: 2 }), from: fc.option(word), to: word, hours: fc.option(fc.integer({ min: 1, max: 3 })),
  requester: word, reason: free, planDigest: fc.option(word), policyDigest: word, evidence: fc.array(fc.record({ name: free, sha256: word }), { maxLength: 2 }), useBy: word, head: fc.record({ seq: fc.integer({ min: 0, max: 3 }), hash: word }),
});

/** Facts that differ in few places: random ones would differ in all. */
const pair = facts.chain((one) => fc.tuple(fc.constant(one), fc.oneof(facts.map((two) => two), fc.tuple(facts, fc.subarray(Object.keys(FACTS) as (keyof ApprovalFacts)[], { minLength: 1, maxLength: 3 })).map(([two, keys]) => ({ ...one, ...Object.fromEntries(keys.map((key) => [key, two[key]])) })))));

test('invariant 6: distinct facts that can be signed give distinct texts', () => {
  let compared = 0;
  fc.assert(fc.property(pair, ([one, two]) => {
    if (factsProblem(one) !== null || factsProblem(two) !== null) return;
    compared += 1;
    assert.notEqual(approvalText(one, 'approve'), approvalText(two, 'reject'));
    assert.equal(approvalText(one, 'approve') === approvalText(two, 'approve'), JSON.stringify(one) === JSON.stringify(two));
  }), { numRuns: 10_000 });
  assert.ok(compared > 1000, `${compared} compared`);
});

test('facts that could be read in two ways can\'t be signed', () => {
  assert.equal(factsProblem(FACTS), null);
  const asBob = { ...FACTS, requester: 'bob', reason: 'x: y' };
  const asOther = { ...FACTS, requester: 'bob: x', reason: 'y' };
  assert.equal(approvalText(asBob, 'approve'), approvalText(asOther, 'approve'), 'the attack');
  assert.equal(factsProblem(asBob), null);
  assert.match(factsProblem(asOther)!, /requester "bob: x" can be read in two ways/);
  const torn: Partial<ApprovalFacts>[] = [{ to: '3.12.4 for 90 hours' }, { from: '3.11 to 3.12' }, { from: 'nothing' }, { request: 'a in namespace b' }, { namespace: 'a b' }, { run: 'a: b' }, { run: '' }, { env: { host: 'a:b', link: '/' } }, { planDigest: '' }, { requester: ' bob' }, { requester: '' }, { evidence: [{ name: 'a', sha256: 'x sha256:y' }] }];
  for (const facts of torn) assert.notEqual(factsProblem({ ...FACTS, ...facts }), null, JSON.stringify(facts));
});

test('a text that is not the one is refused with the first thing that is wrong', () => {
  const texts = { approve: approvalText(FACTS, 'approve'), reject: approvalText(FACTS, 'reject') };
  assert.deepEqual(readVote(texts.approve, texts), { verdict: 'approve' });
  assert.deepEqual(readVote(texts.reject, texts), { verdict: 'reject' });
  const cases: [string, RegExp][] = [
    [texts.approve.replaceAll('\n', '\r\n'), /carriage returns/], [texts.approve.replace('bob', 'b\u043eb'), /outside of ASCII/], [`\ufeff${texts.approve}`, /outside of ASCII/],
    [texts.approve.slice(0, -1), /lacks the line feed/], [`${texts.approve}\n`, /goes on after its last line/], [`${texts.approve}I approve all\n`, /goes on|line/], ['', /line 1/],
    [texts.reject.replace('web-01', 'web-01 '), /line 3|space/], [texts.approve.replace('3.12.4', '3.12.5'), /line 4 of its text is "from 3\.12\.1 to 3\.12\.5", expected "from 3\.12\.1 to 3\.12\.4"/],
    [texts.reject.replace('bob: security fix', 'bob: security fix '), /line 5 of its text has a space/], [texts.approve.split('\n').slice(0, 4).join('\n'), /ends before line 5/],
  ];
  for (const [text, expected] of cases) {
    const read = readVote(text, texts);
    assert.match('refused' in read ? read.refused : 'counted', expected, JSON.stringify(text));
  }
  fc.assert(fc.property(fc.integer({ min: 0, max: texts.approve.length - 1 }), fc.string({ maxLength: 3, unit: 'binary' }), fc.integer({ min: 0, max: 3 }), (from, put, take) => {
    const text = texts.approve.slice(0, from) + put + texts.approve.slice(from + take);
    assert.equal('verdict' in readVote(text, texts), text === texts.approve || text === texts.reject);
  }));
});

test('the other texts: a fact a line, escaped, each for its own purpose', () => {
  const texts = [
    policyText('1.1\nx', 'd'.repeat(64), null), policyText('1.1', 'd'.repeat(64), 'e'.repeat(64)), rootCauseText('ex-1', 'ULID', 'default', 'f'.repeat(64)), verdictText('web-01', 'chain', 'tree', 'p', 'm', true),
    requestText({ run: 'ex-1', kind: 'exception', ulid: 'ULID', namespace: 'default', env: FACTS.env, environments: [], to: null, hours: 4, ground: 'vendor-requirement', reason: 'a\nb', requester: 'bob', planDigest: null, policyDigest: 'p', at: 'T', source: null }),
  ];
  assert.equal(new Set(texts).size, texts.length);
  assert.deepEqual(texts.map((text) => text.split('\n').length - 1), [4, 4, 4, 5, 8]);
  for (const text of texts) assert.match(text, /^interpreter-runbooks (policy|statement|verdict|request) 1\n[\x20-\x7e\n]*\n$/);
  assert.notEqual(verdictText('h', 'c', 't', 'p', 'm', true), verdictText('h', 'c', 't', 'p', 'm', false));
});
