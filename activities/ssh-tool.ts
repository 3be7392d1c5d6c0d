/** Starts the stock ssh-keygen: found by absolute path, argument array, a private folder a call, a time limit, bounded output. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../policy/names.js';
import { isExecutable } from './executable.js';

/** A verification takes 5 ms here; a security key that waits for a touch is the longest that is still an answer. */
const TIMEOUT_MS = 10_000;
/** Nothing else runs meanwhile. */
const SYNC_TIMEOUT_MS = 2_000;
const MAX_OUTPUT = 64 * 1024;

export interface ToolResult {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Files of one call, by name; and what ssh-keygen is asked about them. */
export interface ToolCall {
  args: string[];
  files?: Record<string, string>;
  stdin?: string;
}

/** "Could not tell", which is never "invalid": retried. */
export function unavailable(why: string): ApplicationFailure {
  return ApplicationFailure.retryable(`signatures can't be judged now: ${why}; install OpenSSH's ssh-keygen (8.7 or newer) where this runs`, FAILURE.SignaturesUnavailable);
}

/** Absolute path of ssh-keygen: the system's own place first, then what PATH names by absolute folders. @throws SignaturesUnavailable */
export function findSshKeygen(searchPath = process.env['PATH'] ?? ''): string {
  const folders = ['/usr/bin', '/usr/local/bin', ...searchPath.split(path.delimiter).filter((folder) => path.isAbsolute(folder))];
  const found = folders.map((folder) => path.join(folder, 'ssh-keygen')).find(isExecutable);
  if (found === undefined) throw unavailable(`ssh-keygen is in none of ${folders.join(', ')}`);
  return found;
}

/**
 * Runs ssh-keygen once; a refusal of its own (exit 1 or 255) is an answer. Files are written into a folder of the call, which is its
 * working directory, and go with it. @throws SignaturesUnavailable when it could not be asked
 */
export async function runSshKeygen(call: ToolCall): Promise<ToolResult> {
  const tool = findSshKeygen();
  const folder = makeFolder(call);
  try {
    return await start(tool, call, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same while nothing else runs. */
export function runSshKeygenSync(call: ToolCall): ToolResult {
  const tool = findSshKeygen();
  const cwd = makeFolder(call);
  try {
    const { status, stdout, stderr, error, signal } = spawnSync(tool, call.args, { cwd, env: environment(cwd), input: call.stdin ?? '', timeout: SYNC_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT, encoding: 'utf8' });
    if (status === null) throw unavailable(`${tool}: ${error?.message ?? signal}`);
    return { ok: status === 0, stdout, stderr };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

function makeFolder({ files = {} }: ToolCall): string {
  try {
    const folder = mkdtempSync(path.join(tmpdir(), 'runbook-ssh-'));
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    return folder;
  } catch (error) {
    throw unavailable((error as Error).message);
  }
}

function start(tool: string, { args, stdin = '' }: ToolCall, cwd: string): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(tool, args, { cwd, env: environment(cwd), timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error as { code?: unknown }).code;
      if (typeof code === 'number') resolve({ ok: code === 0, stdout, stderr });
      else reject(unavailable(error?.killed ? `${tool} gave no answer within ${TIMEOUT_MS / 1000} s` : `${tool}: ${String(code ?? error?.message)}`));
    });
    // It may end without reading; its exit code tells what matters.
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
  });
}

/** TZ: times are given without a zone letter, which OpenSSH before 9.1 does not read. A passphrase is asked of nobody: it fails. */
function environment(home: string): Record<string, string> {
  const agent = process.env['SSH_AUTH_SOCK'];
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, LC_ALL: 'C', TZ: 'UTC', SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force', ...(agent ? { SSH_AUTH_SOCK: agent } : {}) };
}
