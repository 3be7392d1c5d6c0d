/** Which key of theirs somebody signs with: named by a flag, the environment or git, else the first that ssh itself would try. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fingerprintOf } from '../../policy/signers.js';
import { refusal } from './io.js';

export interface SigningKey {
  /** Absolute path of a private key, of a `.pub` file whose private part the agent holds, or a public key line itself. */
  key: string;
  /** `SHA256:…`. */
  fingerprint: string;
  /** A security key: it waits for a touch. */
  touch: boolean;
  /** What named it: `--key`, `RUNBOOK_KEY`, `git config user.signingkey`, `~/.ssh`. */
  namedBy: string;
}

/** The order in which they are tried where nothing names one. */
const USUAL = ['id_ed25519', 'id_ed25519_sk', 'id_ecdsa', 'id_rsa'];
/** A public key written out instead of a file, as git takes it; what the agent holds needs no file. */
const PUBLIC_LINE = /^(?:key::)?((?:ssh-|ecdsa-sha2-|sk-ssh-|sk-ecdsa-)\S+ \S.*)$/;
const WAY_OUT = 'name yours with --key FILE or RUNBOOK_KEY; ssh-keygen -t ed25519 makes one';

/** The key somebody would sign with, or null where none is named and none is in its usual place. */
export async function findKey(given: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<SigningKey | null> {
  if (given !== undefined) return readKey(given, '--key', env);
  if (env['RUNBOOK_KEY']) return readKey(env['RUNBOOK_KEY'], 'RUNBOOK_KEY', env);
  const configured = await gitKey(env);
  if (configured) return readKey(configured, 'git config user.signingkey', env);
  const folder = path.join(env['HOME'] ?? homedir(), '.ssh');
  const usual = USUAL.map((name) => path.join(folder, name)).find((file) => existsSync(file));
  return usual === undefined ? null : readKey(usual, '~/.ssh', env);
}

/** As {@link findKey}, where there must be one. */
export async function requireKey(given: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<SigningKey> {
  const key = await findKey(given, env);
  if (key) return key;
  throw refusal([{ what: 'a key to sign with', expected: `--key, RUNBOOK_KEY, user.signingkey of git with gpg.format ssh, or one of ~/.ssh/${USUAL.join(', ')}`, got: 'none', wayOut: WAY_OUT }]);
}

async function readKey(named: string, namedBy: string, env: NodeJS.ProcessEnv): Promise<SigningKey> {
  const line = PUBLIC_LINE.exec(named)?.[1];
  if (line) return { key: line, fingerprint: fingerprintOf(line), touch: line.startsWith('sk-'), namedBy };
  const file = path.resolve(named);
  if (!existsSync(file)) throw refusal([{ what: `key ${named} (${namedBy})`, expected: 'a private key, or a .pub file whose private part the agent holds', got: 'nothing there', wayOut: WAY_OUT }]);
  // ssh-keygen reads the public part of a private key without its passphrase.
  const { stdout, stderr } = await sshKeygen(['-l', '-E', 'sha256', '-f', file], env);
  const found = /^\d+ (SHA256:\S+) .*\((\S+)\)$/m.exec(stdout);
  if (!found) throw refusal([{ what: `key ${named} (${namedBy})`, expected: 'a private key, or a .pub file whose private part the agent holds', got: lastLine(stderr) || 'no key', wayOut: WAY_OUT }]);
  return { key: file, fingerprint: found[1]!, touch: found[2]!.endsWith('-SK'), namedBy };
}

/** git's own signing key where git signs by ssh; null otherwise, or where there is no git. */
async function gitKey(env: NodeJS.ProcessEnv): Promise<string | null> {
  const ask = (...words: string[]): Promise<string> => promisify(execFile)('git', ['config', '--get', ...words], { env, timeout: 10_000 }).then(({ stdout }) => stdout.trim(), () => '');
  if ((await ask('gpg.format')) !== 'ssh') return null;
  return (await ask('--type=path', 'user.signingkey')) || null;
}

/** Runs stock `ssh-keygen` without a terminal; what it said is told by its output. Refuses a machine without it. */
export function sshKeygen(args: string[], env: NodeJS.ProcessEnv = process.env, stdin = ''): Promise<{ ok: boolean; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('ssh-keygen', args, { env, timeout: 10_000 }, (error, stdout, stderr) => {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') return reject(noSshKeygen());
      resolve({ ok: error === null, stdout, stderr });
    });
    child.stdin?.on('error', () => undefined).end(stdin);
  });
}

export const noSshKeygen = (): Error => refusal([{ what: 'ssh-keygen', expected: 'OpenSSH 8.2 or newer on PATH', got: 'none', wayOut: 'install the OpenSSH client of this system' }]);

export const lastLine = (text: string): string => text.trim().split(/[\r\n]+/).at(-1) ?? '';
