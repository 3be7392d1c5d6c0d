/** Questions to a built tree, each a process of its own as the tree's owner: packages, imports, the project's tests. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { classifyOutput } from '../../policy/failures.js';
import { freezeHash } from '../../policy/freeze.js';
import type { Owner, Plan, ProjectSettings, Verification } from '../../policy/model.js';
import { compareVersions } from '../../policy/pep440.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { CHILD_PATH } from './command-env.js';
import { throwIfEnded } from './command-failed.js';
import { runCommand } from './command.js';
import type { CommandInput, CommandResult } from './command.js';
import type { HostContext } from './context.js';
import { helperPython } from './interpreters.js';
import { pythonText } from './python-text.js';

export interface InstalledPackage {
  /** As its metadata writes it. */
  name: string;
  version: string;
  /** Top-level modules it brings. */
  modules: string[];
}

/** How a check starts its child: guard, scope and niceness of the order are already in it. */
export type Start = (command: Pick<CommandInput, 'file' | 'args' | 'timeoutMs'> & Partial<Pick<CommandInput, 'cwd' | 'env' | 'outputPath'>>) => Promise<CommandResult>;

/** A `Start` for `owner`; `rest` carries guard and scope. */
export function starter(ctx: HostContext, owner: Owner, rest: Partial<Pick<CommandInput, 'guard' | 'scope'>>): Start {
  return async (command) => {
    const result = await runCommand({ cwd: '/', ...command, owner, nice: ctx.agentFile.limits.nice, ...rest });
    if (result.isCanceled) throw rest.scope?.signal.reason ?? new Error('canceled');
    return result;
  };
}

/** One module to import; `folder` goes first on the search path: the project's own. */
export interface ImportWish {
  name: string;
  folder?: string;
}

const METADATA_TIMEOUT_MS = 120_000;

/** What is installed, from metadata alone; nothing of the tree is run. */
export async function installedPackages(ctx: HostContext, start: Start, tree: string, owner: Owner): Promise<InstalledPackage[]> {
  const result = await start({ file: await helperPython(ctx, owner), args: ['-I', '-S', '-c', pythonText('packages.py'), JSON.stringify({ tree })], timeoutMs: METADATA_TIMEOUT_MS });
  if (result.failed) throw new Error(`packages of ${tree}: expected readable metadata, got ${result.spawnError ?? result.tail.trim().split('\n').at(-1)}`);
  return (JSON.parse(result.stdout) as { packages: InstalledPackage[] }).packages;
}

/** Installed set against the plan's files, and against the approved freeze where the project names one (PV-18). */
export function judgeInstalled(packages: readonly InstalledPackage[], plan: Pick<Plan, 'files' | 'settings'>): { lock: Verification['lock']; freezeHash: string } {
  const installed = packages.map(({ name, version }) => ({ project: normalizeProjectName(name), version }));
  const differences = [
    ...plan.files.flatMap(({ project, version }) => {
      const found = installed.filter((one) => one.project === normalizeProjectName(project));
      if (found.length === 0) return [`${project}==${version} is missing`];
      return found.every((one) => compareVersions(one.version, version) === 0) ? [] : [`${project}: expected ${version}, got ${found.map((one) => one.version).join(' and ')}`];
    }),
    ...installed.filter((one) => !plan.files.some((file) => normalizeProjectName(file.project) === one.project)).map((one) => `${one.project}==${one.version} is not in the lock`),
  ];
  const hash = freezeHash(installed);
  const approved = plan.settings.expectedFreezeHash;
  if (approved !== null && approved !== hash) differences.push(`freeze hash: expected ${approved}, got ${hash}`);
  return { lock: { ok: differences.length === 0, installed: installed.length, expected: plan.files.length, differences }, freezeHash: hash };
}

/** The modules a verification imports: the project's list, else the top-level modules of every package; and the project's own. */
export function modulesToImport(settings: ProjectSettings, packages: readonly InstalledPackage[], project: string): ImportWish[] {
  const names = settings.imports.length > 0 ? settings.imports : packages.flatMap((one) => one.modules);
  const own = settings.importModule;
  return [...[...new Set(names)].filter((name) => name !== own).map((name) => ({ name })), ...(own === null ? [] : [{ name: own, folder: project }])];
}

/** Imports each module in a process of its own, as many at once as there are cores, and classifies what fails. */
export async function importModules(ctx: HostContext, start: Start, python: string, wishes: readonly ImportWish[]): Promise<Verification['imports']> {
  const seconds = ctx.agentFile.limits.importSeconds;
  const jobs = availableParallelism();
  if (wishes.length === 0) return { ok: true, passed: 0, total: 0, failures: [] };
  const timeoutMs = (Math.ceil(wishes.length / jobs) * seconds + 30) * 1000;
  const result = await start({ file: python, args: ['-I', '-B', '-c', pythonText('imports.py'), JSON.stringify({ modules: wishes, seconds, jobs })], timeoutMs });
  throwIfEnded(`imports with ${python}`, result);
  if (result.failed) return cannotImport(wishes.length, result);
  const { results } = JSON.parse(result.stdout) as { results: { module: string; ok: boolean; error: string }[] };
  // Each import is a process of its own: what others ended has not said no.
  const ended = results.find(({ error }) => ENDED_BY_OTHERS.test(error));
  if (ended) throw new Error(`import of ${ended.module} with ${python}: expected it to end by itself, got: ${ended.error}; look for the out-of-memory killer in the kernel log`);
  const failures = results.filter((one) => !one.ok).map(({ module, error }) => ({ module, error, class: importClass(error) }));
  return { ok: failures.length === 0, passed: results.length - failures.length, total: results.length, failures };
}

/** Words of `imports.py` for a child that SIGHUP, SIGINT, SIGKILL or SIGTERM ended. */
const ENDED_BY_OTHERS = /^the import ended by signal (1|2|9|15)$/;

function importClass(error: string): Verification['imports']['failures'][number]['class'] {
  const kind = classifyOutput(error, 'python', 1).class;
  return kind === 'UNKNOWN' ? 'IMPORT_INCOMPATIBLE' : kind;
}

/** The interpreter itself did not get as far as an import: one failure stands for all. */
function cannotImport(total: number, result: CommandResult): Verification['imports'] {
  const error = result.spawnError ?? (result.timedOut ? 'no answer within the time limit' : result.tail.trim().split('\n').at(-1) || `exit code ${result.exitCode}`);
  return { ok: false, passed: 0, total, failures: [{ module: 'the interpreter', error, class: result.spawnError === null ? importClass(error) : 'VENV_BASE_GONE' }] };
}

/** Runs the project's tests with the tree's Python in the project's folder; their output goes to a file (WF-46). */
export async function runProjectTests(ctx: HostContext, start: Start, tree: string, project: string, settings: ProjectSettings, outputPath: string): Promise<Verification['tests']> {
  if (settings.tests.length === 0) return { ok: true, ran: false, summary: 'no tests named', outputPath: '' };
  const seconds = Math.min(settings.testsTimeoutSeconds, ctx.agentFile.limits.testSeconds);
  const bin = join(tree, 'bin');
  const result = await start({
    file: join(bin, 'python'),
    args: settings.tests,
    cwd: project,
    timeoutMs: seconds * 1000,
    outputPath,
    env: { PATH: `${bin}:${CHILD_PATH}`, VIRTUAL_ENV: tree, PYTHONDONTWRITEBYTECODE: '1' },
  });
  throwIfEnded(`tests of ${project}`, result);
  const last = result.tail.trim().split('\n').at(-1)?.replace(/^=+ | =+$/g, '').slice(0, 200) ?? '';
  const summary = result.spawnError ?? (result.timedOut ? `no end within ${seconds} s` : (last || `exit code ${result.exitCode}`));
  return { ok: !result.failed, ran: true, summary, outputPath };
}
