import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assess } from '../../../activities/host/assess.js';
import { pageVerdict } from '../../../activities/host/assess-pip.js';
import { someInterpreter, testHost, testScope } from '../../support/host.js';
import { testIndex } from '../../support/index.js';

test('a log-in page where the index should be is an error, never a missing wheel or version', async () => {
  const index = await testIndex([{ name: 'pure', version: '1.0' }]);
  const on = testHost({ installer: 'pip', index: { url: index.url } });
  try {
    index.mode = 'html-page';
    const { env } = on.project('shop', { 'requirements.txt': 'pure==1.0\n' });
    const [verdict] = await assess(on.ctx, testScope(), { env, interpreters: [await someInterpreter(on.ctx)] });
    assert.deepEqual([verdict!.error?.class, verdict!.missing, verdict!.pins[0]!.verdict], ['INDEX_NOT_AN_INDEX', [], 'index-error']);
  } finally {
    on.close();
    index.close();
  }
});

test('what a page has of a version stands in pip\'s log, link by link', () => {
  const pin = { project: 'my-thing', version: '1.0' };
  const skipped = (file: string): string => `2026-11-21T15:54:36,002   Skipping link: none of the wheel's tags are compatible: http://127.0.0.1/files/${file}#sha256=ab (from http://127.0.0.1/simple/my-thing/)`;
  assert.equal(pageVerdict(skipped('my_thing-1.0-cp27-cp27mu-manylinux1_x86_64.whl'), pin).verdict, 'no-wheel');
  assert.equal(pageVerdict(skipped('my_thing-1.0.tar.gz'), pin).verdict, 'sdist-only');
  assert.equal(pageVerdict(skipped('my_thing-2.0-py3-none-any.whl'), pin).verdict, 'version-not-found');
  assert.equal(pageVerdict('  Found link http://127.0.0.1/files/my_thing-2.0-py3-none-any.whl#sha256=ab (from http://127.0.0.1/simple/my-thing/), version: 2.0', pin).verdict, 'version-not-found');
  assert.equal(pageVerdict('Fetched page http://127.0.0.1/simple/my-thing/ as text/html\n  Skipping link: not a file: http://127.0.0.1/simple/my-thing/', pin).verdict, 'index-error');
});
