/** A developer's own environment, without a server: `.venv` from the primary interpreter, what the lock names, and proof that it works (PV-21). */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { Interpreter } from '../../policy/model.js';
import { behindLeastPatch } from '../../policy/security-patch.js';
import { counted } from '../../policy/text.js';
import { chooseInterpreter } from '../../policy/versions.js';
import { checkedPolicy, measure, readCheckTarget, type CheckTarget, type Measurement } from './checking.js';
import { importLines, projectImport } from './commands/ci-wheels.js';
import type { HostFacts } from './commands/doctor.js';
import { findLock } from './detect-project.js';
import { readAgentFile } from './files.js';
import type { Instance } from './instance.js';
import { CliError, EXIT, refusal, type Io } from './io.js';
import { askProcess } from './processes.js';
import { tilde } from './words.js';

/** What was made. */
export interface DevEnvironment {
  link: string;
  version: string;
  interpreter: string;
  lock: string;
  packages: number;
  /** Null: the project names no module of its own. */
  imports: { module: string; ok: boolean; error: string } | null;
}

/** A whole lock from a slow index. */
const INSTALL_MS = 1_800_000;

/** Makes it, or refuses before anything is made; what was half made goes away. Returns the exit code. */
export async function createDevEnvironment(io: Io, instance: Instance, raw: string, json: boolean): Promise<number> {
  const target = readCheckTarget(raw, instance, 'env create --profile dev');
  const lock = requireEmptyPlace(target);
  const { policy } = checkedPolicy(instance, {});
  const interpreter = await primaryHere(instance, policy);
  const say = json ? () => undefined : io.out;
  say(`✓ interpreter  Python ${interpreter.version}, ${tilde(interpreter.path)}`);
  const made = await build(instance, target, interpreter, lock, say);
  if (json) io.out(JSON.stringify(made, null, 2));
  else io.talk(`next: . ${tilde(made.link)}/bin/activate; runbook preflight ${tilde(target.project)}`);
  return made.imports === null || made.imports.ok ? EXIT.yes : EXIT.no;
}

/** Nothing may stand there, the lock must, and the files will be those of whoever asks. */
function requireEmptyPlace({ project, settings, env: { link } }: CheckTarget): string {
  const refuse = (what: string, expected: string, got: string, wayOut: string): Error => refusal([{ what, expected, got, wayOut }]);
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (found) throw refuse(link, 'nothing there yet', found.isSymbolicLink() ? 'a link' : found.isDirectory() ? 'a folder' : 'a file', `runbook preflight ${project} says whether it fits; else move it away, then the same again`);
  const lock = settings?.lock ?? findLock(project);
  if (lock === null || !existsSync(path.join(project, lock))) throw refuse(project, 'a project with a lock', lock === null ? 'none' : `no ${lock}`, 'uv pip compile --generate-hashes requirements.in -o requirements.txt');
  if (/(^|\/)pylock[^/]*\.toml$/.test(lock)) throw refuse(lock, 'a lock that pip reads: requirements.txt', 'a pylock.toml', `runbook env create ${project}`);
  const { uid } = statSync(project);
  if (uid !== process.getuid!()) throw refuse(project, 'a project of whoever asks', `one of uid ${uid}`, 'the same as its owner');
  return lock;
}

async function primaryHere(instance: Instance, policy: PolicyFile): Promise<Interpreter> {
  const { interpreters } = await askProcess<HostFacts>('main-doctor', [], instance);
  const wanted = policy.interpreters.primary.version;
  const fit = interpreters.filter((it) => behindLeastPatch(it.version, policy) === null && !it.missingModules.includes('ensurepip') && !it.missingModules.includes('venv'));
  const found = chooseInterpreter(fit, wanted);
  if (found) return found;
  throw refusal([{ what: 'the primary interpreter', expected: `Python ${wanted} with venv and ensurepip on this machine`, got: interpreters.map(({ version }) => version).join(', ') || 'no interpreter', wayOut: 'install it, then runbook doctor' }]);
}

async function build(instance: Instance, target: CheckTarget, interpreter: Interpreter, lock: string, say: (line: string) => void): Promise<DevEnvironment> {
  const { settings, env: { link } } = target;
  const module = settings?.importModule ?? null;
  // The terminal sends Ctrl-C to the child too: it ends, and what it left half made is removed.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  let measured: Measurement;
  try {
    await install(instance, target, interpreter, lock);
    measured = await measure(instance, target, {}, { probe: false, integrity: false, manual: false, module });
    confirmVersion(measured, interpreter);
  } catch (error) {
    rmSync(link, { recursive: true, force: true });
    throw error;
  } finally {
    process.off('SIGINT', ignore);
  }
  const { packages } = measured.facts;
  const { version } = interpreter;
  const count = packages.ok ? packages.value.length : 0;
  say(`✓ environment  ${tilde(link)}, Python ${version} confirmed`);
  say(`✓ packages     ${counted(count, 'package')} from ${lock}`);
  const tried = module === null ? null : projectImport(measured, module);
  for (const line of tried === null ? ['! import       runbook.yaml names no importModule: nothing was tried'] : importLines(tried)) say(line);
  return { link, version, interpreter: interpreter.path, lock, packages: count, imports: tried && { module: tried.module, ok: tried.ok, error: tried.error } };
}

async function install(instance: Instance, { project, env: { link } }: CheckTarget, interpreter: Interpreter, lock: string): Promise<void> {
  const python = path.join(link, 'bin/python');
  await step('making the environment', instance, interpreter.path, ['-m', 'venv', link], project);
  await step('installing the lock', instance, python, ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', ...indexArgs(instance), '-r', path.join(project, lock)], project);
}

/** An interpreter that what was installed keeps from starting is found here. */
function confirmVersion({ facts: { interpreter: answers } }: Measurement, { version }: Interpreter): void {
  const got = answers.ok ? answers.value.version : answers.problem;
  if (got !== version) throw failed('confirming the version', `expected ${version}, got ${got}`);
}

/** The agent file's index and nothing beside it; without one, pip's own configuration. */
function indexArgs({ paths }: Instance): string[] {
  const { url, findLinks, ca } = readAgentFile(paths)?.index ?? {};
  return [...(url === undefined ? [] : ['--index-url', url]), ...(findLinks === undefined ? [] : ['--find-links', findLinks]), ...(ca === undefined ? [] : ['--cert', ca])];
}

async function step(what: string, { paths }: Instance, file: string, args: string[], cwd: string): Promise<void> {
  const { PYTHONHOME: _home, PYTHONPATH: _path, VIRTUAL_ENV: _venv, ...own } = process.env;
  const hasIndex = readAgentFile(paths)?.index.url !== undefined;
  const env = hasIndex ? { ...Object.fromEntries(Object.entries(own).filter(([name]) => !name.startsWith('PIP_'))), PIP_CONFIG_FILE: '/dev/null' } : own;
  await promisify(execFile)(file, args, { cwd, env, timeout: INSTALL_MS, maxBuffer: 64 << 20 }).catch((error: Error & { stderr?: string; stdout?: string }) => {
    const lines = `${error.stdout ?? ''}\n${error.stderr ?? ''}`.trim().split('\n');
    throw failed(what, lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? error.message);
  });
}

const failed = (what: string, got: string): CliError => new CliError(EXIT.no, [`failed: ${what}: ${got.trim().slice(0, 400)}`, '  try: runbook doctor; runbook wheels shows which packages lack a wheel', 'nothing was left behind']);
