/** The package index the user's own pip and uv are configured with, so that ours is the same and explicit. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'smol-toml';

export interface ConfiguredIndex {
  index: { url?: string; ca?: string } | null;
  /** What was found and where, for people. */
  told: string;
}

/** Looks at uv's and pip's environment and files, in the order those tools would. Credentials never get into our file. */
export async function configuredIndex(env: NodeJS.ProcessEnv = process.env): Promise<ConfiguredIndex> {
  const found = env['UV_DEFAULT_INDEX'] ?? env['UV_INDEX_URL'] ?? env['PIP_INDEX_URL'] ?? uvFile() ?? (await pipConfig('global.index-url'));
  const ca = env['SSL_CERT_FILE'] ?? env['PIP_CERT'] ?? (await pipConfig('global.cert'));
  const withCa = ca && path.isAbsolute(ca) ? { ca } : {};
  if (!found) return { index: Object.keys(withCa).length > 0 ? withCa : null, told: 'index: none configured for pip or uv; their public default is used, for development only' };
  const url = new URL(found);
  const secret = url.username !== '' || url.password !== '';
  url.username = '';
  url.password = '';
  return { index: { url: url.href, ...withCa }, told: `index: ${url.href}, from your pip or uv configuration${secret ? '; its credentials were left out: put them into netrc or a keyring' : ''}` };
}

function uvFile(): string | undefined {
  try {
    const text = readFileSync(path.join(process.env['XDG_CONFIG_HOME'] ?? path.join(homedir(), '.config'), 'uv', 'uv.toml'), 'utf8');
    const config = parse(text) as { 'index-url'?: string; index?: { url: string; default?: boolean }[] };
    return config.index?.find((entry) => entry.default)?.url ?? config['index-url'];
  } catch {
    return undefined;
  }
}

/** pip's own answer; none when pip is not there or the key is not set. */
async function pipConfig(key: string): Promise<string | undefined> {
  const asked = promisify(execFile)('python3', ['-m', 'pip', 'config', 'get', key], { timeout: 10_000 });
  return asked.then(({ stdout }) => stdout.trim() || undefined, () => undefined);
}
