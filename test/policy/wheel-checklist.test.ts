import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LockVerdict, PinVerdict, WheelVerdict } from '../../policy/model.js';
import { toMarkdown } from '../../policy/report/markdown.js';
import { checklistLines, checklistPage, wheelChecklist } from '../../policy/wheel-checklist.js';

const env = { host: 'laptop', link: '/srv/pricer/.venv' };

function judged(version: string, pins: Record<string, WheelVerdict>, error: LockVerdict['error'] = null): LockVerdict {
  const all = Object.entries(pins).map(([project, verdict]): PinVerdict => ({ project, version: '1.0', verdict, file: null, why: verdict === 'wheel' ? `${project}.whl` : `no wheel for ${version}` }));
  return { version, pins: all, missing: all.filter(({ verdict }) => verdict !== 'wheel' && verdict !== 'index-error').map(({ project }) => project), error, durationMs: 1 };
}

test('PV-13, PV-16, PV-17: one row for every dependency, with the verdict for both interpreters', () => {
  const list = wheelChecklist(env, judged('3.12.1', { numpy: 'sdist-only', anyio: 'wheel', tomli: 'wheel' }), judged('3.11.13', { numpy: 'wheel', anyio: 'wheel', backports: 'wheel' }));
  assert.deepEqual(list.rows.map(({ project, primary, fallback, why }) => [project, primary, fallback, why]), [
    ['anyio', 'wheel', 'wheel', ''], ['backports', null, 'wheel', ''], ['numpy', 'sdist-only', 'wheel', 'no wheel for 3.12.1'], ['tomli', 'wheel', null, ''],
  ]);
  assert.equal(list.verdict, 'yes');
  assert.deepEqual(checklistLines(list), ['3.12.1 (primary): 1 of 3 without a wheel: numpy', '3.11.13 (fallback): a wheel for each of 3']);
});

test('PV-13: no dependency is left out of the published list, however many', () => {
  const pins = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`p${String(at).padStart(3, '0')}`, 'wheel' as const]));
  const text = toMarkdown(checklistPage(wheelChecklist(env, judged('3.12.1', pins), judged('3.11.13', pins))));
  for (const project of Object.keys(pins)) assert.ok(text.includes(`| ${project} | 1.0 | ✓ wheel | ✓ wheel |`), project);
});

test('PV-17: a fallback that lacks a wheel is a no, whatever the primary has and whatever else could not be asked', () => {
  assert.equal(wheelChecklist(env, judged('3.12.1', { numpy: 'wheel' }), judged('3.11.13', { numpy: 'no-wheel' })).verdict, 'no');
  assert.equal(wheelChecklist(env, judged('3.12.1', { numpy: 'index-error' }), judged('3.11.13', { numpy: 'requires-python', anyio: 'index-error' })).verdict, 'no');
});

test('an index that gave no answer is "could not tell", never a wheel and never a missing one', () => {
  const down = { class: 'NET_REFUSED' as const, text: 'connection refused' };
  for (const [primary, fallback] of [
    [judged('3.12.1', { numpy: 'wheel' }), judged('3.11.13', {}, down)],
    [judged('3.12.1', {}, down), judged('3.11.13', { numpy: 'wheel' })],
    [judged('3.12.1', { numpy: 'wheel' }), judged('3.11.13', { numpy: 'index-error' })],
    [judged('3.12.1', { numpy: 'wheel' }), judged('3.11.13', {})],
  ] as const) {
    const list = wheelChecklist(env, primary, fallback);
    assert.equal(list.verdict, 'could-not-tell');
    assert.match(checklistLines(list).join('\n'), /could not tell: Python 3\.1/);
  }
});
