import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readStatement, statementText, type Statement } from '../../../policy/checks/statement.js';
import { MAX_SIGNED_TEXT } from '../../../policy/signed-texts.js';

const FACTS: Statement = { kind: 'accept-warnings', env: { host: 'calc-01', link: '/srv/pricer/.venv' }, digest: 'a'.repeat(64), document: 'b'.repeat(64), namespace: 'default', at: '2026-03-01T12:00:00.000Z', reason: 'fastapi is pinned until April' };
const TEXT = statementText(FACTS);

test('DIS-05: accepting warnings is a readable text: what, where, which document, when and why, a fact a line', () => {
  assert.equal(TEXT, [
    'interpreter-runbooks checks 1', `I accept the warnings of sha256:${'a'.repeat(64)}`, 'on calc-01:/srv/pricer/.venv', `document sha256:${'b'.repeat(64)}`,
    'at 2026-03-01T12:00:00.000Z in namespace default', 'because fastapi is pinned until April', '',
  ].join('\n'));
  assert.deepEqual(readStatement(TEXT), FACTS);
});

test('PF-27: so is a manual preflight that was signed off, and neither reads as the other', () => {
  const facts: Statement = { ...FACTS, kind: 'manual-preflight' };
  assert.match(statementText(facts), /^interpreter-runbooks checks 1\nI signed off the manual preflight of sha256:a{64}\n/);
  assert.deepEqual(readStatement(statementText(facts)), facts);
});

test('DIS-05, PF-27: every text gives its facts again, whatever link and reason hold, in printable ASCII and six lines', () => {
  const facts = fc.record({
    kind: fc.constantFrom<Statement['kind']>('accept-warnings', 'manual-preflight'),
    env: fc.record({ host: fc.constantFrom('a', 'web-01.example', 'H_1'), link: fc.string({ unit: 'binary', maxLength: 100 }).map((it) => `/${it}`) }),
    digest: fc.constantFrom('0'.repeat(64), 'f'.repeat(64)),
    document: fc.constantFrom('1'.repeat(64), 'e'.repeat(64)),
    namespace: fc.constantFrom('default', 'prod.eu-1'),
    at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-01-01') }).map((it) => it.toISOString()),
    reason: fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constant('x\r\nat 2026-01-01T00:00:00.000Z\\u{41}')),
  });
  fc.assert(fc.property(facts, (one) => {
    const text = statementText(one);
    assert.match(text, /^(?:[\x20-\x7e]*\n){6}$/);
    assert.deepEqual(readStatement(text), { ...one, env: { ...one.env } });
  }));
});

test('DIS-05: whatever is not exactly such a text is none', () => {
  const others = [
    '', TEXT.slice(0, -1), `${TEXT}\n`, `${TEXT}x\n`, ` ${TEXT}`, TEXT.replaceAll('\n', '\r\n'), TEXT.replace('checks 1', 'checks 2'), TEXT.replace('checks', 'statement'), TEXT.replace('accept', 'accepted'), TEXT.replace('aaa', 'AAA'),
    TEXT.replace('sha256:a', 'sha256:'), TEXT.replace('calc-01:/', 'calc-01:'), TEXT.replace('calc-01', 'calc 01'), TEXT.replace('.000Z', 'Z'), TEXT.replace('03-01', '13-01'), TEXT.replace('2026-03-01', '2026-02-30'), TEXT.replace('.000Z', '.000+01:00'),
    TEXT.replace('fastapi', 'f\u0430stapi'), TEXT.replace('fastapi', '\\u{66}astapi'), TEXT.replace('fastapi', 'f\\astapi'), TEXT.replace('fastapi', '\\u{110000}'), TEXT.replace('fastapi', '\\u{0041}'), TEXT.replace('because', 'Because'),
    TEXT.replace('on calc-01:/srv/pricer/.venv\n', ''), TEXT + TEXT,
  ];
  for (const text of others) assert.equal(readStatement(text), null, JSON.stringify(text));
  fc.assert(fc.property(fc.nat({ max: TEXT.length - 1 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (at, char) => {
    const changed = TEXT.slice(0, at) + char + TEXT.slice(at + 1);
    const facts = readStatement(changed);
    assert.equal(facts === null ? changed !== TEXT : statementText(facts) === changed, true);
  }));
});

test('DIS-05: its length is bounded', () => {
  const long = (length: number): string => statementText({ ...FACTS, reason: 'x'.repeat(length) });
  const most = MAX_SIGNED_TEXT - TEXT.length + FACTS.reason.length;
  assert.equal(readStatement(long(most))?.reason.length, most);
  assert.equal(readStatement(long(most + 1)), null);
});
