import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, table } from '../../../client/cli/io.js';
import { fold, placeOf, tilde } from '../../../client/cli/words.js';
import { stepLine } from '../../../client/cli/follow.js';

const step = { step: 'verify link', ok: true, fact: 'a fact that goes on for a while, and then for a while longer, to the end', workMs: 1, startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:03:04.000Z' };

test('home is written as a shell reads it, and nothing that only begins like it', () => {
  assert.equal(tilde('vm:/home/demo/pricer', '/home/demo'), 'vm:~/pricer');
  assert.equal(tilde('/home/demo', '/home/demo'), '~');
  for (const other of ['/home/demo2/x', '/srv/home/demo/x', '/home/demo.old']) assert.equal(tilde(other, '/home/demo'), other);
  assert.equal(tilde('/srv/x', '/'), '/srv/x');
});

test('a place is what a command takes: a path here, a host and a path elsewhere, with its name where it has one', () => {
  assert.equal(placeOf({ host: 'a', link: '/srv/pricer/.venv' }, 'a'), '/srv/pricer');
  assert.equal(placeOf({ host: 'a', link: '/srv/pricer/.venv-next' }, 'a'), '/srv/pricer/.venv-next');
  assert.equal(placeOf({ host: 'a', link: '/srv/pricer/env' }, 'a'), '/srv/pricer#env');
  assert.equal(placeOf({ host: 'b', link: '/srv/pricer/.venv' }, 'a'), 'b:/srv/pricer');
  assert.equal(placeOf({ host: 'a', link: "/srv/it's here/.venv" }, 'a'), "'/srv/it'\\''s here'");
});

test('a long line is broken between words, below the last cell, and loses none', () => {
  const rows = fold(stepLine(step), 60).split('\n');
  assert.ok(rows.length > 1 && rows.every((row) => row.length <= 60), rows.join('\n'));
  const cell = rows[0]!.indexOf('a fact');
  assert.ok(rows.slice(1).every((row) => row.slice(0, cell).trim() === '' && row[cell] !== ' '), rows.join('\n'));
  assert.equal(rows.map((row) => row.slice(cell)).join(' '), step.fact);
  assert.match(stepLine(step), /✓ verify link 3 min 4 s {2}a fact/);
});

test('what must not be broken is not: short lines, an address, JSON, text of several lines', () => {
  for (const whole of ['short', `{"a":"${'b '.repeat(90)}"}`, `one\n${'two '.repeat(40)}`]) assert.equal(fold(whole, 80), whole);
  assert.equal(fold(`Web UI http://127.0.0.1/${'x'.repeat(90)}`, 80).split('\n').length, 1);
});

test('a table keeps the end of paths and the start of sentences', () => {
  assert.equal(cut('/srv/some/pricer', 8), '…/pricer');
  assert.equal(cut('numpy has no wheel', 8, 'start'), 'numpy h…');
  assert.ok(table(['A', 'WHY'], [['x', 'w '.repeat(90)]], 'start', 80).every((line) => line.length <= 80));
});
