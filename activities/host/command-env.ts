/** The environment a child process gets: an allow-list, never the agent's own environment. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Owner } from '../../policy/model.js';

/** Search path of every child; children that matter are started by absolute path. */
export const CHILD_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Passed on when the agent has them: where certificates lie, how the network is reached, where temporary files go. */
const PASSED_ON = [
  'TMPDIR',
  'SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE',
  'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY',
  'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy',
];

/** Home of a user by the local password database; `/nonexistent` where it names none, so that no other home is read. */
export function homeOf(owner: Owner): string {
  if (owner.uid === process.getuid?.()) return userInfo().homedir;
  try {
    const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((l) => l.split(':')[2] === String(owner.uid));
    return line?.split(':')[5] || '/nonexistent';
  } catch {
    return '/nonexistent';
  }
}

/** The child's whole environment: fixed values, what is passed on, then what the caller adds. `op` marks children of one operation. */
export function childEnvironment(owner: Owner, added: Record<string, string> = {}, op?: string): Record<string, string> {
  const env: Record<string, string> = { PATH: CHILD_PATH, HOME: homeOf(owner), LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };
  for (const name of PASSED_ON) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, added);
  if (op !== undefined) env['INTERPRETER_RUNBOOKS_OP'] = op;
  return env;
}
