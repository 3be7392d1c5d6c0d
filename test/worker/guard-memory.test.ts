/** What `runbook guard` remembers saves time and nothing else: whatever becomes of its file or of what it was read from, the answer is right. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { guardedUser, settled, type GuardedUser } from '../support/guarded.js';

let user: GuardedUser;
let project: string;
before(async () => {
  user = await guardedUser();
  project = user.project('app');
  user.venv(path.join(project, '.venv'), '3.11');
  await settled(user.policyFile);
});
after(() => user.close());

const code = (): number | null => user.guard(project, ['true']).code;
const kept = (): string => readFileSync(user.memory, 'utf8');
const forget = (): void => rmSync(path.dirname(user.memory), { recursive: true, force: true });

/** What is remembered, with every verdict the other way round: whoever believes it refuses. */
const poisoned = (): string => kept().replaceAll(/"status":"\w+"/g, '"status":"unsupported"');

test('a second start asks nothing again; its file is this user\'s alone', () => {
  forget();
  assert.equal(code(), 0);
  assert.equal(statSync(user.memory).mode & 0o777, 0o600);
  const first = { text: kept(), ino: statSync(user.memory).ino };
  assert.equal(code(), 0);
  assert.deepEqual({ text: kept(), ino: statSync(user.memory).ino }, first, 'nothing was measured anew');
  assert.ok(first.text.includes(user.python['3.11'].version));
});

test('what this user wrote itself is believed: the other tests here would see it', () => {
  forget();
  assert.equal(code(), 0);
  writeFileSync(user.memory, poisoned());
  assert.equal(code(), 1);
});

test('garbage, another form, tables without sense: measured again', () => {
  forget();
  assert.equal(code(), 0);
  const good = JSON.parse(kept()) as Record<string, Record<string, Record<string, unknown>>>;
  const spoiled = (change: (known: typeof good) => void): string => {
    const copy = structuredClone(good);
    change(copy);
    return JSON.stringify(copy);
  };
  const texts = [
    '', '{', 'null', '[]', '"x"', '\0\0\0', JSON.stringify({ ...good, form: 2 }), poisoned().slice(0, -1),
    spoiled((known) => void (known['interpreters'] = null as never)),
    spoiled((known) => Object.values(known['interpreters']!).forEach((entry) => void (entry['libraries'] = null))),
    spoiled((known) => Object.values(known['interpreters']!).forEach((entry) => void (entry['libraries'] = [null]))),
    spoiled((known) => Object.values(known['interpreters']!).forEach((entry) => void (entry['version'] = 312))),
    spoiled((known) => Object.values(known['policies']!).forEach((entry) => void (entry['verdicts'] = null))),
    spoiled((known) => Object.values(known['policies']!).forEach((entry) => void (entry['verdicts'] = { [`cpython ${user.python['3.11'].version}`]: null }))),
  ];
  for (const text of texts) {
    writeFileSync(user.memory, text, { mode: 0o600 });
    assert.equal(code(), 0, text.slice(0, 80));
  }
});

test('a file that others may write or read, a link, a second name, a folder open to others: not believed', () => {
  const folder = path.dirname(user.memory);
  const fresh = (): void => {
    forget();
    assert.equal(code(), 0);
    writeFileSync(user.memory, poisoned());
  };
  fresh();
  chmodSync(user.memory, 0o644);
  assert.equal(code(), 0);
  assert.equal(statSync(user.memory).mode & 0o777, 0o600, 'replaced by one of its own');
  fresh();
  renameSync(user.memory, `${user.memory}.other`);
  symlinkSync(`${user.memory}.other`, user.memory);
  assert.equal(code(), 0);
  assert.ok(!lstatSync(user.memory).isSymbolicLink());
  fresh();
  linkSync(user.memory, `${user.memory}.other`);
  assert.equal(code(), 0);
  fresh();
  chmodSync(folder, 0o777);
  assert.equal(code(), 0);
  assert.ok(kept().includes('unsupported'), 'nor is anything written there');
  fresh();
  const elsewhere = path.join(user.folder, 'elsewhere');
  renameSync(folder, elsewhere);
  symlinkSync(elsewhere, folder);
  assert.equal(code(), 0);
  rmSync(folder);
  rmSync(elsewhere, { recursive: true });
});

test('a file or folder of another user: not believed', { skip: process.getuid!() !== 0 && 'needs root' }, () => {
  for (const whose of [user.memory, path.dirname(user.memory)]) {
    forget();
    assert.equal(code(), 0);
    writeFileSync(user.memory, poisoned());
    chownSync(whose, 65534, 65534);
    assert.equal(code(), 0, whose);
  }
  forget();
});

test('where nothing can be kept it starts all the same', () => {
  forget();
  mkdirSync(path.dirname(path.dirname(user.memory)), { recursive: true });
  writeFileSync(path.dirname(user.memory), 'in the way');
  assert.equal(code(), 0);
  rmSync(path.dirname(user.memory));
  assert.equal(user.guard(project, ['true'], { env: { XDG_CACHE_HOME: '/proc/nowhere' } }).code, 0);
  assert.ok(!existsSync(user.memory));
});

test('PV-19: a policy that changed is seen by the next start, also with the same size and times', async (t) => {
  t.after(() => user.policy({}));
  forget();
  assert.equal(code(), 0);
  const { version } = user.python['3.11'];
  const text = readFileSync(user.policyFile, 'utf8');
  const other = text.replace(version, version.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)));
  assert.equal(other.length, text.length);
  // In place, twice within one tick of the clock that stamps files.
  for (const [now, expected] of [[other, 1], [text, 0], [other, 1]] as const) {
    writeFileSync(user.policyFile, now);
    execFileSync('touch', ['-d', '@0', user.policyFile]);
    assert.equal(code(), expected);
  }
  await settled(user.policyFile);
  assert.equal(code(), 1);
  assert.equal(code(), 1);
  writeFileSync(user.policyFile, text);
  execFileSync('touch', ['-d', '@0', user.policyFile]);
  assert.equal(code(), 0);
});

test('PV-19: an interpreter that was swapped under the same path is asked again', async () => {
  forget();
  const own = user.project('swapped');
  const link = path.join(own, '.venv');
  user.venv(link, '3.12');
  // Its base, copied: what a package manager replaces when it updates.
  const base = path.join(user.folder, 'base/bin');
  mkdirSync(base, { recursive: true });
  const python = path.join(base, 'python3');
  const answer = (version: string): void => {
    writeFileSync(`${python}.new`, `#!${user.python['3.12'].file} -IS\nimport json, os\nprint(json.dumps({"version": "${version}", "implementation": "cpython", "itself": os.path.realpath(__file__), "libraries": []}))\n`, { mode: 0o755 });
    renameSync(`${python}.new`, python);
  };
  answer(user.python['3.12'].version);
  rmSync(path.join(link, 'bin/python'));
  symlinkSync(python, path.join(link, 'bin/python'));
  const start = () => user.guard(own, ['true']);
  assert.equal(start().code, 0);
  await settled(python);
  assert.equal(start().code, 0);
  assert.ok(kept().includes(python), 'it is remembered now');
  answer('3.12.0rc1');
  execFileSync('touch', ['-d', '@0', python]);
  assert.match(start().stderr, /3\.12\.0rc1 is not a final release/);
  rmSync(python);
  assert.match(start().stderr, /leads to nothing/);
});

test('PV-19: the library that holds the interpreter, swapped behind its launcher, is noticed', async (t) => {
  const told = execFileSync(user.python['3.12'].file, ['-I', '-c', 'import sysconfig; print(sysconfig.get_config_var("INSTSONAME") if sysconfig.get_config_var("Py_ENABLE_SHARED") else ""); print(sysconfig.get_config_var("LIBDIR"))'], { encoding: 'utf8' }).trim().split('\n');
  if (told[0] === '') return t.skip('interpreters here have no library of their own');
  forget();
  const libraries = path.join(user.folder, 'libraries');
  mkdirSync(libraries);
  const library = path.join(libraries, told[0]!);
  copyFileSync(path.join(told[1]!, told[0]!), library);
  const own = user.project('library');
  user.venv(path.join(own, '.venv'), '3.12');
  const start = () => user.guard(own, ['true'], { env: { LD_LIBRARY_PATH: libraries } });
  await settled(library);
  assert.equal(start().code, 0);
  const entries = (): Record<string, { libraries: { path: string }[] }> => (JSON.parse(kept()) as { interpreters: Record<string, { libraries: { path: string }[] }> }).interpreters;
  const withLibrary = Object.entries(entries()).filter(([, entry]) => entry.libraries.some((one) => one.path === library));
  if (withLibrary.length === 0) return t.skip('interpreters here name their library by its path');
  // Broken in place: only who asks again notices.
  writeFileSync(library, 'no library');
  const { code: now, stderr } = start();
  assert.equal(now, 1, stderr);
  assert.match(stderr, /expected one that runs/);
  assert.equal(user.guard(own, ['true']).code, 0, 'without that variable it is another one');
});
