/** Asking this host for the facts that checks judge: by a process of its own, without a server and without an agent. */
import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { parsePolicy } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import type { EnvironmentFacts } from '../../policy/checks/facts.js';
import type { CheckRules } from '../../policy/checks/model.js';
import type { EnvironmentRef, ProjectSettings } from '../../policy/model.js';
import { parseTarget } from '../../policy/ids.js';
import { readIfThere, type Instance } from './instance.js';
import { CliError, EXIT, couldNotTell, refusal } from './io.js';
import { askProcess } from './processes.js';
import { readSettings } from './target.js';
import { shellWord } from './words.js';

/** A project folder of this host, with or without a lock: a lock that is missing is a finding and no bad input. */
export interface CheckTarget {
  /** Absolute, links resolved. */
  project: string;
  /** Link name, where one was named; else the project's own setting. */
  name: string | null;
  env: EnvironmentRef;
  /** Of its runbook.yaml; null: it has none. */
  settings: ProjectSettings | null;
}

export interface CheckOptions {
  /** `--policy`: another file than this instance's. */
  policy?: string;
}

/** What of an environment is measured beside its interpreter, packages and files. */
export interface Wanted {
  /** The timed probe of preflight; with hashes or for a person's list the verifier's timed import, too. */
  probe: boolean;
  /** The verifier's timed import without the probe. */
  importTime?: boolean;
  integrity: boolean;
  manual: boolean;
  /** One more module to import than the policy requires: the project's own. */
  module?: string | null;
}

/** What `main-check` prints. */
export interface Measurement {
  facts: EnvironmentFacts;
  rules: CheckRules;
}

/** `--policy` of whatever checks. */
export const checkOptions = (command: Command): Command => command.option('--policy <file>', 'policy to judge by; default: the one of this host (runbook policy show)');

/** A path on this host that is a folder, or the environment in one. `verb`: the command, for the way out. */
export function readCheckTarget(raw: string, instance: Instance, verb: string): CheckTarget {
  const refuse = (expected: string, got: string, wayOut: string): Error => refusal([{ what: `target ${JSON.stringify(raw)}`, expected, got, wayOut }]);
  const parsed = parseTarget(raw);
  if ('problem' in parsed) throw refuse('a path on this host', parsed.problem, `runbook ${verb} .`);
  const host = parsed.host ?? instance.host;
  if (host !== instance.host) throw refuse('a path on this host: what is checked is measured here', `one on ${host}`, `on ${host}: runbook ${verb} ${parsed.path}`);
  const absolute = path.resolve(parsed.path);
  const isLink = isEnvironment(absolute) && !existsSync(path.join(absolute, 'runbook.yaml'));
  const project = isLink ? path.dirname(absolute) : absolute;
  if (!existsSync(project)) throw refuse('the folder of a project', 'nothing there', `runbook ${verb} PATH`);
  if (!statSync(project).isDirectory()) throw refuse('the folder of a project', 'a file', `runbook ${verb} ${path.dirname(raw)}`);
  const real = realpathSync(project);
  const settings = readSettings(real);
  const name = parsed.name ?? (isLink ? path.basename(absolute) : null);
  return { project: real, name, env: { host, link: path.join(real, name ?? settings?.link ?? '.venv') }, settings };
}

/** As the process that measures reads a path; a name like `.venv` also where nothing stands yet. */
function isEnvironment(absolute: string): boolean {
  const dangles = !existsSync(absolute) && lstatSync(absolute, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return path.basename(absolute).startsWith('.venv') || dangles || existsSync(path.join(absolute, 'pyvenv.cfg'));
}

/** The policy to judge by and its file; a file that was named must be there. */
export function checkedPolicy(instance: Instance, { policy: named }: CheckOptions): { policy: PolicyFile; file: string } {
  const file = named === undefined ? instance.paths.policyFile : requirePolicyFile(named);
  const loaded = parsePolicy(readIfThere(file), file);
  if ('objections' in loaded) throw refusal(loaded.objections);
  return { policy: loaded.policy, file };
}

/** What another process can read again: a pipe, as of a shell's `<(…)`, is no file. */
function requirePolicyFile(named: string): string {
  const file = path.resolve(named);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw refusal([{ what: `--policy ${named}`, expected: 'a policy file', got: existsSync(file) ? 'no file' : 'nothing there', wayOut: 'runbook policy show > policy.yaml' }]);
}

/** `--policy FILE` for the end of a command that is printed: without it that command would judge by another policy. */
export const policyWords = ({ policy }: CheckOptions): string => (policy === undefined ? '' : ` --policy ${shellWord(path.resolve(policy))}`);

/** Measures an environment of this host, and makes the rules it is to be judged by. */
export async function measure(instance: Instance, { project, name }: CheckTarget, options: CheckOptions, wanted: Wanted): Promise<Measurement> {
  const { file } = checkedPolicy(instance, options);
  const flags = [...(wanted.probe ? [] : ['--no-probe']), ...(wanted.importTime ? ['--import-time'] : []), ...(wanted.integrity ? ['--integrity'] : []), ...(wanted.manual ? ['--manual'] : []), ...(wanted.module ? ['--also', wanted.module] : [])];
  try {
    return await askProcess<Measurement>('main-check', [project, ...(name === null ? [] : ['--name', name]), ...flags, '--policy', file], instance);
  } catch (error) {
    throw notMeasured(project, error as Error & { stderr?: string; code?: number });
  }
}

/** A refusal of the process is ours; anything else could not tell. */
function notMeasured(project: string, error: Error & { stderr?: string; code?: number }): CliError {
  const said = (error.stderr ?? '').trim().split('\n').filter((line) => line !== '');
  if (error.code === EXIT.badInput && said.length > 0) return new CliError(EXIT.badInput, said.at(-1) === 'nothing was started' ? said : [...said, 'nothing was started']);
  return couldNotTell(`the facts of ${project}`, 'an answer of the process that measures them', said.findLast((line) => /\w+(Error)?: /.test(line)) ?? said.at(-1) ?? error.message, 'runbook doctor') as CliError;
}
