/** Keys people have, and signatures with them that stock ssh-keygen takes: files, the agent, a passphrase on a terminal. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { personOf } from '../../../client/cli/identity.js';
import { CliError } from '../../../client/cli/io.js';
import { findKey, requireKey } from '../../../client/cli/signing-key.js';
import { signerOf, signText } from '../../../client/cli/signing.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';
import { fingerprintOf } from '../../../policy/signers.js';
import { makePeople, peopleOf, stockSshKeygen } from '../../support/people.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbook-keys-'));
after(() => rmSync(dir, { recursive: true }));
// A place of its own for temporary files: what stays behind there is ours.
const temporary = path.join(dir, 'tmp');
mkdirSync(temporary);
process.env['TMPDIR'] = temporary;
const people = makePeople(dir, ['alice', 'bob', 'carol']);
const TEXT = 'interpreter-runbooks approval 1\nI approve ex-3p9d: exception\n';
const NAMESPACE = 'runbook.approval';

/** A home of its own, without the git and ssh of whoever runs the tests. */
function home(files: Record<string, string> = {}, gitConfig = ''): NodeJS.ProcessEnv {
  const at = mkdtempSync(path.join(dir, 'home-'));
  mkdirSync(path.join(at, '.ssh'));
  for (const [name, from] of Object.entries(files)) {
    copyFileSync(from, path.join(at, '.ssh', name));
    copyFileSync(`${from}.pub`, path.join(at, '.ssh', `${name}.pub`));
  }
  writeFileSync(path.join(at, 'gitconfig'), gitConfig);
  return { PATH: process.env['PATH'], HOME: at, GIT_CONFIG_GLOBAL: path.join(at, 'gitconfig'), GIT_CONFIG_SYSTEM: '/dev/null', GIT_DIR: '/dev/null' };
}

/** Verifies with the stock tool and nothing of ours. */
function verified(person: string, line: string, signature: string, text = TEXT, namespace = NAMESPACE): boolean {
  writeFileSync(path.join(dir, 'allowed'), `${person} namespaces="${NAMESPACE}" ${line.split(' ').slice(0, 2).join(' ')}\n`);
  writeFileSync(path.join(dir, 'sig'), signature);
  return stockSshKeygen(['-Y', 'verify', '-f', path.join(dir, 'allowed'), '-I', person, '-n', namespace, '-s', path.join(dir, 'sig')], text).code === 0;
}

const refusedWith = (words: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof CliError, String(error));
  assert.equal(error.code, 64);
  assert.match(error.message, /^refused: .*: expected .*, got /);
  assert.match(error.message, /^ {2}try: /m);
  assert.match(error.message, words);
  return true;
};

test('AP-12: which key: the flag, then RUNBOOK_KEY, then git where it signs by ssh, then the usual files in their order', async () => {
  const env = home({ id_rsa: people.alice.file, id_ed25519: people.bob.file }, `[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = ${people.carol.file}\n`);
  const found = async (given: string | undefined, more: NodeJS.ProcessEnv = {}) => findKey(given, { ...env, ...more });
  assert.deepEqual(await found(people.alice.file, { RUNBOOK_KEY: people.bob.file }), { key: people.alice.file, fingerprint: fingerprintOf(people.alice.line), touch: false, namedBy: '--key' });
  assert.equal((await found(undefined, { RUNBOOK_KEY: people.bob.file }))!.key, people.bob.file);
  assert.deepEqual([(await found(undefined))!.key, (await found(undefined))!.namedBy], [people.carol.file, 'git config user.signingkey']);
  writeFileSync(env['GIT_CONFIG_GLOBAL']!, `[user]\n\tsigningkey = ${people.carol.file}\n`);
  assert.deepEqual([(await found(undefined))!.key, (await found(undefined))!.fingerprint], [path.join(env['HOME']!, '.ssh/id_ed25519'), fingerprintOf(people.bob.line)], 'git signs by OpenPGP: its key is none of ours');
});

test('a key that git holds as a line, and one with a path from home', async () => {
  const literal = home({}, `[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = key::${people.alice.line}\n`);
  assert.deepEqual([(await findKey(undefined, literal))!.key, (await findKey(undefined, literal))!.fingerprint], [people.alice.line, fingerprintOf(people.alice.line)]);
  const tilde = home({ work: people.alice.file }, '[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = ~/.ssh/work\n');
  assert.equal((await findKey(undefined, tilde))!.key, path.join(tilde['HOME']!, '.ssh/work'));
});

test('no key, one that is not there, and a file that is none are refused with the way out', async () => {
  assert.equal(await findKey(undefined, home()), null);
  await assert.rejects(requireKey(undefined, home()), refusedWith(/got none[^]*--key FILE/));
  await assert.rejects(findKey(path.join(dir, 'nobody')), refusedWith(/got nothing there/));
  writeFileSync(path.join(dir, 'note'), 'no key\n');
  await assert.rejects(findKey(path.join(dir, 'note')), refusedWith(/note \(--key\): expected a private key/));
  // What would be an option to a tool is a file name to us.
  await assert.rejects(findKey('-oProxyCommand=x'), refusedWith(/got nothing there/));
});

test('AP-12: a signature of a key file is one to stock ssh-keygen: for this text, this person, this purpose, and nothing stays behind', async () => {
  const signature = await signText(people.alice.file, NAMESPACE, TEXT);
  assert.ok(verified('alice', people.alice.line, signature));
  assert.ok(!verified('alice', people.bob.line, signature));
  assert.ok(!verified('alice', people.alice.line, signature, `${TEXT} `));
  assert.ok(!verified('alice', people.alice.line, signature, TEXT, 'runbook.request'));
  assert.equal(await signerOf(NAMESPACE, TEXT, signature), fingerprintOf(people.alice.line));
  assert.equal(await signerOf(NAMESPACE, `${TEXT} `, signature), null);
  assert.equal(await signerOf('runbook.policy', TEXT, signature), null);
  assert.deepEqual(readdirSync(temporary), []);
});

test('AP-12: the agent signs for a .pub file and for a line of git; without it both are refused with what to do', async (t) => {
  const folder = path.join(dir, 'public');
  mkdirSync(folder);
  copyFileSync(`${people.bob.file}.pub`, path.join(folder, 'bob.pub'));
  const agent = spawn('ssh-agent', ['-D', '-a', path.join(dir, 'agent.sock')], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => agent.kill());
  await new Promise((resolve) => agent.stdout.once('data', resolve));
  const previous = process.env['SSH_AUTH_SOCK'];
  t.after(() => (previous === undefined ? delete process.env['SSH_AUTH_SOCK'] : (process.env['SSH_AUTH_SOCK'] = previous)));
  process.env['SSH_AUTH_SOCK'] = path.join(dir, 'agent.sock');
  await assert.rejects(signText(path.join(folder, 'bob.pub'), NAMESPACE, TEXT), refusedWith(/signing with .*bob\.pub: expected a signature[^]*ssh-add/));
  assert.equal(spawnSync('ssh-add', ['-q', people.bob.file]).status, 0);
  assert.ok(verified('bob', people.bob.line, await signText(path.join(folder, 'bob.pub'), NAMESPACE, TEXT)));
  assert.ok(verified('bob', people.bob.line, await signText(people.bob.line, NAMESPACE, TEXT)));
});

test('a key with a passphrase: refused with words where there is no terminal, asked for where there is one', { timeout: 60_000 }, async () => {
  const { dan } = makePeople(dir, ['dan'], { passphrase: 'open it' });
  assert.equal((await findKey(dan.file))!.fingerprint, fingerprintOf(dan.line), 'whose key it is can be told without the passphrase');
  const sign = path.join(dir, 'sign.mjs');
  const out = path.join(dir, 'out.sig');
  writeFileSync(sign, `import { writeFileSync } from 'node:fs';
import { signText } from ${JSON.stringify(new URL('../../../client/cli/signing.js', import.meta.url).href)};
try { writeFileSync(${JSON.stringify(out)}, await signText(${JSON.stringify(dan.file)}, ${JSON.stringify(NAMESPACE)}, ${JSON.stringify(TEXT)})); }
catch (error) { process.stderr.write(error.message); process.exitCode = error.code; }
`);
  const env = { PATH: process.env['PATH'], HOME: dir };
  // In a session of its own, so that no terminal of whoever runs the tests is asked.
  const silent = spawnSync('setsid', ['-w', process.execPath, sign], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assert.equal(silent.status, 64, silent.stderr);
  assert.match(silent.stderr, /refused: signing with .*dan: expected a signature of ssh-keygen, got [^]*passphrase[^]*try: the same again on a terminal/);
  // A terminal of its own; the passphrase is typed when it is asked for.
  const typed = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b"passphrase" not in seen:
    seen += os.read(fd, 1024)
os.write(fd, b"open it\\n")
try:
    while os.read(fd, 1024):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;
  execFileSync('python3', ['-c', typed, process.execPath, sign], { env, timeout: 30_000 });
  assert.ok(verified('dan', dan.line, readFileSync(out, 'utf8')));
});

test('AP-12: whose key it is says the policy; an unknown, a foreign, a revoked and an expired one are refused by name', () => {
  const policy = policyFileSchema.parse({ people: { ...peopleOf({ alice: people.alice }), bob: { keys: [{ key: people.bob.line, revoked: '2026-01-01T00:00:00Z' }] }, carol: { keys: [{ key: people.carol.line, validUntil: '2026-02-01T00:00:00Z' }] } } });
  const key = (person: keyof typeof people) => ({ key: people[person].file, fingerprint: fingerprintOf(people[person].line), touch: false, namedBy: '--key' });
  const now = '2026-06-01T00:00:00.000Z';
  assert.equal(personOf(policy, key('alice'), undefined, now), 'alice');
  assert.equal(personOf(policy, key('alice'), 'alice', now), 'alice');
  assert.throws(() => personOf(policy, key('alice'), 'bob', now), refusedWith(/--as bob: expected alice, whose key .* is, got bob/));
  assert.throws(() => personOf(policy, key('bob'), undefined, now), refusedWith(/got bob's key .* was revoked/));
  assert.throws(() => personOf(policy, key('carol'), undefined, now), refusedWith(/expired/));
  assert.throws(() => personOf(policyFileSchema.parse({}), key('alice'), undefined, now), refusedWith(/expected a key of one of the people of the policy, got SHA256:/));
});
