import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, digestOf, sha256Hex } from '../../policy/canonical.js';
import { formatEnvironment, parseTarget, parseWorkflowId, shortIdOf, workflowIdOf } from '../../policy/ids.js';

const ULID = '01J0000000000000000000AB7K';

test('decision 10: a workflow id has an inverse; two environments of one host never collide', () => {
  fc.assert(fc.property(fc.constantFrom('change' as const, 'fallback' as const, 'rollback' as const), fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/), fc.string({ minLength: 1 }).map((s) => `/${s}`), (kind, host, link) => {
    fc.pre(!/[\ud800-\udfff]/.test(link));
    assert.deepEqual(parseWorkflowId(workflowIdOf(kind, { host, link }, ULID)), { kind, env: { host, link }, ulid: ULID });
  }));
  assert.equal(shortIdOf(workflowIdOf('fallback', { host: 'h', link: '/x' }, ULID)), 'fb-ab7k');
  assert.equal(parseWorkflowId('watch/h'), null);
});

test('invariant 11: a target is HOST:PATH#NAME or a path; what could be an option or a command is none', () => {
  assert.deepEqual(parseTarget('web-01:/srv/p#.venv2'), { host: 'web-01', path: '/srv/p', name: '.venv2' });
  assert.deepEqual(parseTarget('./p'), { host: null, path: './p', name: null });
  for (const bad of ['', '--index-url=x', 'a; rm -rf /', 'a`b`', '$(x)', 'a\nb', 'h:relative', 'p#', 'p#a#b', 'p#../x', '\0']) assert.ok('problem' in parseTarget(bad), JSON.stringify(bad));
});

test('an environment is written the short way where it is the usual one', () => {
  assert.equal(formatEnvironment({ host: 'h', link: '/srv/p/.venv' }), 'h:/srv/p');
  assert.equal(formatEnvironment({ host: 'h', link: '/srv/p/venv3' }), 'h:/srv/p/venv3');
});

test('canonical JSON: one text for one value, whatever the order of keys; the digest is that of stock tools', () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
    const reversed = Object.fromEntries(Object.entries(value).reverse());
    assert.equal(canonicalJson(value), canonicalJson(reversed));
    assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
  }));
  assert.equal(digestOf({ b: 1, a: undefined }), sha256Hex('{"b":1}'));
  assert.equal(sha256Hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.throws(() => canonicalJson({ x: Number.NaN }), /finite/);
});
