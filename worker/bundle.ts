/** Bundles workflow code for the sandbox, and only when something of it changed. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What to bundle. */
export interface BundleRequest {
  /** Compiled module that exports the workflows by name. */
  workflowsPath: string;
  /** Compiled modules that export `interceptors`. */
  interceptorModules?: string[];
  /** Folders and files whose `.js` content decides whether the bundle is still good. */
  inputs: string[];
  /** The bundle; its digest is kept beside it in `FILE.inputs`. */
  outFile: string;
}

function sources(entry: string): string[] {
  if (entry.endsWith('.js')) return [entry];
  if (!existsSync(entry)) return [];
  return readdirSync(entry, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js')).sort().map((name) => path.join(entry, name));
}

/** A bundle and the worker that loads it must come from one version of the SDK. */
function sdkVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('@temporalio/worker/package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** sha256 over names and contents of all inputs and the SDK's version. */
function digestOf(request: BundleRequest): string {
  const hash = createHash('sha256').update(`${sdkVersion()}\0${request.workflowsPath}\0${(request.interceptorModules ?? []).join('\0')}`);
  for (const file of request.inputs.flatMap(sources)) hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** Webpack tells what is wrong in its log, and throws that something was: both go into the error. */
async function bundle(workflowsPath: string, workflowInterceptorModules: string[]): Promise<string> {
  // Webpack and its loaders are slow to load: only when they are needed.
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const said: string[] = [];
  const logger = new DefaultLogger('ERROR', ({ message }) => said.push(message));
  try {
    return (await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger })).code;
  } catch (error) {
    throw new Error(`${workflowsPath}: expected code that runs in the workflow sandbox, got: ${(error as Error).message}\n${said.join('\n')}`);
  }
}

/** Writes the bundle in one rename and returns whether it was made anew. Throws with webpack's words when the code can't be bundled. */
export async function bundleIfChanged(request: BundleRequest): Promise<boolean> {
  const { outFile, workflowsPath, interceptorModules = [] } = request;
  const digest = digestOf(request);
  const mark = `${outFile}.inputs`;
  if (existsSync(outFile) && existsSync(mark) && readFileSync(mark, 'utf8') === digest) return false;
  const code = await bundle(workflowsPath, interceptorModules);
  mkdirSync(path.dirname(outFile), { recursive: true });
  for (const [file, text] of [[outFile, code], [mark, digest]] as const) {
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  }
  return true;
}
