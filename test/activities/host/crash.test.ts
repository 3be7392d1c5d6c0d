import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Armed, Switched, Undone } from '../../../activities/host/contract.js';
import { readLink } from '../../../activities/host/paths.js';
import { answers, litter, prepared, type Prepared } from '../../support/environments.js';
import { testHost, type TestHost } from '../../support/host.js';
import { inProcess } from '../../support/run-host-process.js';

let host: TestHost;
before(() => {
  host = testHost();
});
after(() => host.close());

/** Kills the process at the point, gives the order again in a new one, and returns that answer. */
async function killedThenAgain<T>(activity: string, dieAt: string, args: unknown[]): Promise<T> {
  const killed = await inProcess<T>(host, activity, args, { dieAt });
  assert.equal(killed.signal, 'SIGKILL', `expected it to die at ${dieAt}, got ${JSON.stringify(killed)}`);
  const again = await inProcess<T>(host, activity, args, { attempt: 2 });
  assert.equal(again.failure, undefined, again.failure?.message);
  return again.answer!;
}

const receipts = (p: Prepared, step: string): number => host.ctx.store.journal.entries(p.place.link).filter((entry) => entry.kind === 'receipt' && entry.op.endsWith(`/${step}`)).length;

/** One change and its undo, killed once in each step. `renamed`, `exchanged`: between the effect and the end of its transaction. */
async function scenario(start: 'managed' | 'directory', name: string, [arm, turn, edit, undo, close]: [string, string, string, string, string]): Promise<void> {
  const p = await prepared(host, { start, name, run: `k-${name}`, files: { 'app.cfg': 'python_version=3.11\n' } });
  const { chain } = p.order('prepare');
  const armed = await killedThenAgain<Armed>('armUndo', `arm:${arm}`, [p.order('arm'), p.plan]);
  assert.equal(armed.undoTarget, p.old);
  const switched = await killedThenAgain<Switched>('switchLink', `switch:${turn}`, [p.order('switch'), { plan: p.plan, tree: p.next }]);
  assert.deepEqual([switched.from, switched.to, switched.adopted], [p.old, p.next, start === 'directory']);
  assert.deepEqual(host.ctx.store.armed.adopted(p.place.link), start === 'directory' ? [p.old] : []);
  assert.match(answers(p.project), /^3\.12\./);
  await killedThenAgain('configure', `configure:${edit}`, [p.order('configure'), [{ path: 'app.cfg', format: 'keyvalue', set: { python_version: '3.12.1' } }]]);
  assert.equal(readFileSync(join(p.project.path, 'app.cfg'), 'utf8'), 'python_version=3.12.1\n');
  const undone = await killedThenAgain<Undone>('undo', `undo:${undo}`, [p.order('undo'), { chain }]);
  assert.deepEqual([undone.outcome, undone.verified, undone.problem], ['restored', true, '']);
  assert.match(answers(p.project), /^3\.11\./);
  assert.equal(readFileSync(join(p.project.path, 'app.cfg'), 'utf8'), 'python_version=3.11\n');
  await killedThenAgain('closeChange', `close:${close}`, [p.order('close'), { keepPin: false }]);
  assert.equal(readLink(p.place).treeId, p.old);
  assert.equal(host.ctx.store.leases.get(p.place.link).state, 'free');
  for (const step of ['arm', 'switch', 'configure', 'undo', 'close']) assert.equal(receipts(p, step), 1, `receipts of ${step}`);
  assert.deepEqual(litter(p.project), []);
  assert.equal(host.ctx.store.journal.verify().ok, true);
}

describe('invariant 10, decision 15: killed at any point and given again, every step is done once', () => {
  test('a link, killed at each intent', () => scenario('managed', 'intent', ['intent', 'intent', 'intent', 'intent', 'intent']));
  test('a link, killed after each act', () => scenario('managed', 'acted', ['acted', 'acted', 'acted', 'acted', 'acted']));
  test('a directory, killed after each receipt', () => scenario('directory', 'receipt', ['receipt', 'receipt', 'receipt', 'receipt', 'receipt']));
  test('a directory, killed between adoption and switch', () => scenario('directory', 'adopted', ['acted', 'adopted', 'acted', 'renamed', 'acted']));
  test('a link, killed inside the transactions that turn it', () => scenario('managed', 'renamed', ['intent', 'renamed', 'acted', 'renamed', 'receipt']));
  test('a directory, killed inside the transaction that adopts it', () => scenario('directory', 'exchanged', ['receipt', 'exchanged', 'intent', 'acted', 'intent']));
  test('a directory, killed right before the rename', () => scenario('directory', 'turning', ['acted', 'turning', 'receipt', 'intent', 'acted']));
});

test('a switch whose rename is on disk but in no row still counts as switched: holderEnded leaves it unsettled', async () => {
  const p = await prepared(host, { name: 'lost-row', run: 'k-lost' });
  const { chain } = p.order('x');
  await inProcess(host, 'armUndo', [p.order('arm'), p.plan]);
  const killed = await inProcess(host, 'switchLink', [p.order('switch'), { plan: p.plan, tree: p.next }], { dieAt: 'switch:renamed' });
  assert.equal(killed.signal, 'SIGKILL');
  assert.equal(host.ctx.store.leases.get(p.place.link).switched, false, 'the row went with the transaction');
  const ended = await inProcess<{ result: string }>(host, 'holderEnded', [{ env: p.project.env, chain }]);
  assert.equal(ended.answer?.result, 'unsettled');
  assert.match(answers(p.project), /^3\.12\./);
});
