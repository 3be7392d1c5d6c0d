import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import Database from 'libsql';
import { openAgentStore, type AgentStore } from '../../../activities/host/store.js';

// Started by the last test: adds to a counter that is read and written in two statements.
if (process.argv[2] === 'count') {
  const other = openAgentStore(process.argv[3]!);
  for (let i = 0; i < 100; i++) other.exclusive(() => other.fence.raise('/x', { ...other.fence.seen('/x'), seq: other.fence.seen('/x').seq + 1 }));
  other.close();
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'store-'));
let path: string;
let store: AgentStore;
let count = 0;

beforeEach(() => {
  path = join(folder, `${++count}`, 'agent.sqlite');
  store = openAgentStore(path);
});
after(() => rmSync(folder, { recursive: true }));

const entry = (op: string) => ({ link: '/srv/app/.venv', op, kind: 'intent' as const, run: 'ch-1', at: '2026-01-01T00:00:00.000Z', attempt: 1, body: { of: op } });
const write = (sql: string): void => {
  const db = new Database(path);
  db.exec(sql);
  db.close();
};

test('the store is for its user only', () => {
  assert.equal(statSync(path).mode & 0o777, 0o600);
  store.journal.append(entry('a'));
  assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
});

test('invariant 15: the journal is a chain: a changed, removed or cut-off row is found', () => {
  for (const op of ['a', 'b', 'c', 'd']) store.journal.append(entry(op));
  const head = store.journal.head();
  assert.deepEqual(store.journal.verify(head), { ok: true, entries: 4, head });
  write("UPDATE journal SET body = replace(body, '\"b\"', '\"x\"') WHERE seq = 2");
  assert.deepEqual([store.journal.verify().ok, (store.journal.verify() as { firstBad: number }).firstBad], [false, 2]);
  write("UPDATE journal SET body = replace(body, '\"x\"', '\"b\"') WHERE seq = 2");
  assert.equal(store.journal.verify().ok, true);
  write('DELETE FROM journal WHERE seq = 4');
  assert.equal(store.journal.verify().ok, true, 'a chain can not see its own end missing');
  assert.equal(store.journal.verify(head).ok, false, 'a head that somebody kept does');
  write('DELETE FROM journal WHERE seq = 2');
  assert.equal(store.journal.verify().ok, false);
});

test('what a transaction wrote is gone when it throws, also when it was joined', () => {
  assert.throws(() => store.exclusive(() => {
    store.exclusive(() => store.journal.append(entry('a')));
    throw new Error('no');
  }), /no/);
  assert.deepEqual(store.journal.entries(), []);
});

test('events: kept until confirmed, each number once, also after all were dropped and after the store was lost', () => {
  const event = { at: '', kind: 'hourly' as const, agentVersion: '', environments: [], quiet: [] };
  assert.equal(store.events.add(event, 0).cursor, 1);
  assert.equal(store.events.add(event, 0).cursor, 2);
  assert.equal(store.events.next(0)?.cursor, 1);
  assert.equal(store.events.next(0)?.cursor, 1);
  assert.equal(store.events.next(1)?.cursor, 2);
  assert.equal(store.events.next(2), undefined);
  assert.equal(store.events.add(event, 2).cursor, 3);
  assert.equal(store.events.next(3), undefined);
  assert.equal(store.events.add(event, 900).cursor, 901);
});

test('the old value of an edit is kept once, whatever is written later', () => {
  const row = { chain: 'c', path: 'a', key: 'k', format: 'env' as const, old: '1', new: '2', madeFile: false };
  store.edits.keep(row);
  store.edits.keep({ ...row, old: '2', new: '3', madeFile: true });
  assert.deepEqual(store.edits.of('c'), [{ ...row, new: '3' }]);
});

test('three processes that read and write: nothing is lost', async () => {
  const others = [1, 2, 3].map(() => fork(import.meta.filename, ['count', path], { execArgv: [], stdio: 'inherit' }));
  for (const code of await Promise.all(others.map((child) => once(child, 'exit')))) assert.equal(code[0], 0);
  assert.equal(store.fence.seen('/x').seq, 300);
});
