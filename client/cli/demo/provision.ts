/** The demo's second interpreter, where a machine has only one: uv fetches it, where it can. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Interpreter } from '../../../policy/model.js';
import type { Io } from '../io.js';
import { askProcess } from '../processes.js';
import type { HostFacts } from '../commands/doctor.js';

/** A download that is refused says so at once; one that hangs is given up after a minute. */
const LIMIT_MS = 60_000;

/** Asks uv for what is missing of 3.12 and 3.11; returns all interpreters found afterwards. */
export async function provision(io: Io, found: Interpreter[], dir: string): Promise<Interpreter[]> {
  const missing = ['3.12', '3.11'].filter((line) => !found.some((i) => i.version.startsWith(`${line}.`)));
  const installDir = path.join(dir, '.pythons');
  io.talk(`asking uv for Python ${missing.join(' and ')}`);
  const env = { ...process.env, UV_PYTHON_INSTALL_DIR: installDir, UV_HTTP_RETRIES: '0', UV_NO_PROGRESS: '1' };
  const asked = promisify(execFile)('uv', ['python', 'install', ...missing], { env, timeout: LIMIT_MS });
  const failed = await asked.then(() => null, (error: Error) => error.message.split('\n')[0]!);
  if (failed) {
    io.talk(`uv could not: ${failed}`);
    return found;
  }
  process.env['UV_PYTHON_INSTALL_DIR'] = installDir;
  return (await askProcess<HostFacts>('main-doctor', [], null)).interpreters;
}
