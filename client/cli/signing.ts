/** Signing with stock `ssh-keygen -Y sign`: key files, the agent, security keys. The terminal is its own for passphrase and touch. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SignatureNamespace } from '../../policy/model-approval.js';
import { lastLine, noSshKeygen, sshKeygen } from './signing-key.js';
import { refusal } from './io.js';

/** What it says of files of ours that nobody needs to know about. */
const NOISE = /^(Signing file|Write signature to) .*\r?\n/gm;

/**
 * The armoured signature over a text. `key`: a private key, a `.pub` file whose private part the agent holds, or such a line
 * itself. Throws `CliError` with the tool's own words.
 */
export async function signText(key: string, namespace: SignatureNamespace, text: string): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'runbook-sign-'));
  try {
    const file = path.join(folder, 'text');
    writeFileSync(file, text, { mode: 0o600 });
    const keyFile = path.isAbsolute(key) ? key : path.join(folder, 'key.pub');
    if (keyFile !== key) writeFileSync(keyFile, `${key}\n`);
    const { ok, said } = await signFile(keyFile, namespace, file);
    if (!ok) throw notSigned(key, said);
    return readFileSync(`${file}.sig`, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The text as a file and not as standard input: a passphrase is asked for on the terminal only where standard input is one. */
function signFile(keyFile: string, namespace: string, file: string): Promise<{ ok: boolean; said: string }> {
  const child = spawn('ssh-keygen', ['-Y', 'sign', '-f', keyFile, '-n', namespace, file], { stdio: ['inherit', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    const words = data.toString().replace(NOISE, '');
    said += words;
    process.stderr.write(words);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(error.code === 'ENOENT' ? noSshKeygen() : error));
    child.once('close', (code) => resolve({ ok: code === 0, said }));
  });
}

function notSigned(key: string, said: string): Error {
  const got = lastLine(said) || 'no signature';
  const wayOut = /no private key|agent/i.test(said) ? 'ssh-add the private key, or name it with --key' : /passphrase/i.test(said) ? 'the same again on a terminal, or ssh-add the key first' : 'ssh-keygen -Y sign with the same key shows why; --key names another';
  return refusal([{ what: `signing with ${path.isAbsolute(key) ? key : 'the key of the agent'}`, expected: 'a signature of ssh-keygen', got, wayOut }]);
}

/** Fingerprint of the key that made a signature over this text, by `-Y check-novalidate`; null where it did not. */
export async function signerOf(namespace: SignatureNamespace, text: string, signature: string): Promise<string | null> {
  const folder = mkdtempSync(path.join(tmpdir(), 'runbook-check-'));
  try {
    writeFileSync(path.join(folder, 'sig'), signature);
    const { stdout, ok } = await sshKeygen(['-Y', 'check-novalidate', '-n', namespace, '-s', path.join(folder, 'sig')], process.env, text);
    return ok ? (/ key (SHA256:\S+)\s*$/m.exec(stdout)?.[1] ?? null) : null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
