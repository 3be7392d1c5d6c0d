import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, satisfies } from '../../policy/pep440.js';
import { installPackaging } from '../support/packaging.js';

const oracle = installPackaging();
after(() => oracle.remove());

const part = fc.constantFrom('', 'a1', 'b2', 'rc1', 'rc10', '.post0', '.post1', '-1', '.dev0', '.dev3', 'a1.dev2', '.post1.dev2', 'rc1.post2', 'alpha', 'C3', '.POST2');
const local = fc.constantFrom('', '', '', '+1', '+abc', '+abc.10', '+abc.9', '+1e5', '+0x10', '+ubuntu-1', '+infinity', '+2.1.0', '+2-1_0');
const version = fc
  .tuple(fc.constantFrom('', '', '', '1!'), fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }), part, local)
  .map(([epoch, release, suffix, label]) => `${epoch}${release.join('.')}${suffix}${label}`);

test('DEF-04: package versions are ordered by number, not as text', () => {
  assert.ok(compareVersions('0.95.0', '0.100.0') < 0);
  assert.ok(compareVersions('2.10.0', '2.9.0') > 0);
  assert.equal(compareVersions('1.0', '1.0.0'), 0);
  assert.ok(compareVersions('not a version', '0.0.1') < 0);
  assert.deepEqual(['2.0', 'zzz', '1.0', 'aaa'].sort(compareVersions), ['aaa', 'zzz', '1.0', '2.0']);
});

test('the order of versions is the one of packaging', () => {
  const pairs = fc.sample(fc.tuple(version, version), { numRuns: 4000, seed: 440 });
  const expected = oracle.ask<number[]>('from packaging.version import Version as V\nprint(json.dumps([(V(a) > V(b)) - (V(a) < V(b)) for a, b in question]))', pairs);
  const wrong = pairs.filter(([a, b], index) => compareVersions(a, b) !== expected[index]);
  assert.deepEqual(wrong, []);
  assert.ok(new Set(expected).size === 3, 'the sample holds all three answers');
});

test('specifiers hold what packaging says they hold', () => {
  const operator = fc.constantFrom('<', '<=', '>', '>=', '==', '!=', '~=', '===');
  const pairs = fc
    .sample(
      fc.oneof(
        fc.tuple(version, operator, version, fc.boolean()),
        // One release, all its phases: where exclusive comparison has its exceptions.
        fc.tuple(part, fc.constantFrom('', '+1'), operator, part, fc.boolean()).map(([own, label, op, bound, star]) => [`1.0${own}${label}`, op, `1.0${bound}`, star] as const),
      ),
      { numRuns: 8000, seed: 345 },
    )
    .map(([candidate, op, bound, star]) => [candidate, `${op}${['==', '!='].includes(op) && star ? `${bound.replace(/[+].*$/, '').replace(/[^0-9.!].*$/, '').replace(/\.$/, '')}.*` : ['==', '!=', '==='].includes(op) ? bound : bound.replace(/[+].*$/, '')}`] as const);
  const script = `
from packaging.specifiers import SpecifierSet, InvalidSpecifier
def holds(v, s):
    try: return SpecifierSet(s).contains(v, prereleases=True)
    except InvalidSpecifier: return None
print(json.dumps([holds(v, s) for v, s in question]))`;
  const expected = oracle.ask<(boolean | null)[]>(script, pairs);
  const wrong = pairs.map(([v, s], index) => ({ v, s, got: satisfies(v, s), expected: expected[index] })).filter((it) => it.expected !== null && it.got !== it.expected);
  assert.deepEqual(wrong.slice(0, 5), []);
  assert.ok(expected.filter((it) => it === true).length > 500 && expected.filter((it) => it === false).length > 500);
});

test('specifier sets are conjunctions; what can not be read has no answer', () => {
  assert.equal(satisfies('3.11.7', '>=3.9, !=3.11.6, <4'), true);
  assert.equal(satisfies('3.14.0rc1', '<3.14'), false);
  assert.equal(satisfies('3.12.1', ''), true);
  assert.equal(satisfies('3.12.1', '>=3.9,nonsense'), null);
  assert.equal(satisfies('3.12.1', '>=abc'), null);
  assert.equal(satisfies('nonsense', '>=3.9'), null);
});

test('compareVersions is a total order over any text', () => {
  const any = fc.oneof(version, fc.string({ maxLength: 6 }));
  fc.assert(
    fc.property(any, any, any, (a, b, c) => {
      assert.equal(compareVersions(a, b) + compareVersions(b, a), 0);
      assert.equal(compareVersions(a, a), 0);
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
    { numRuns: 2000 },
  );
});
