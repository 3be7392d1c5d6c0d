/** Starting programs for a benchmark: a fixed environment, all output kept, a failure is an error with its last lines. */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';

const PASSED_ON = /^(HOME|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|PIP_CERT|PIP_INDEX_URL|XDG_CONFIG_HOME|PYENV_ROOT|(https?|all|no)_proxy)$/i;

/** The environment every side gets: nothing of the caller's Python, pip or uv settings but the index and certificates. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter((entry): entry is [string, string] => PASSED_ON.test(entry[0]) && entry[1] !== undefined);
  return { HOME: homedir(), ...Object.fromEntries(kept), PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...extra };
}

export interface Ran {
  code: number | null;
  ms: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Exit codes that are fine; default only 0. */
  allow?: (number | null)[];
}

/** Runs a program to its end. Throws when its exit code is not allowed. */
export async function run(file: string, args: string[], options: RunOptions = {}): Promise<Ran> {
  const begun = performance.now();
  const child = spawn(file, args, { cwd: options.cwd, env: options.env ?? cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const ran: Ran = { code: null, ms: 0, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => { ran.stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { ran.stderr += text; });
  ran.code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  ran.ms = performance.now() - begun;
  if (!(options.allow ?? [0]).includes(ran.code)) {
    const tail = `${ran.stdout}\n${ran.stderr}`.trim().split('\n').slice(-25).join('\n');
    throw new Error(`${file} ${args.join(' ')}: expected exit code ${(options.allow ?? [0]).join(' or ')}, got ${ran.code}\n${tail}`);
  }
  return ran;
}
