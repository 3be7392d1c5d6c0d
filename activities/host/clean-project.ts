/** WF-71: what Python left beside a project's sources goes. As the owner, inside the project, never what git tracks. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { EnvironmentRef, ProjectLitter } from '../../policy/model.js';
import { throwIfFailed } from './command-failed.js';
import { runCommand } from './command.js';
import type { HostContext, StepScope } from './context.js';
import { helperPython } from './interpreters.js';
import { mountPoints } from './mounts.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import { pythonText } from './python-text.js';
import { hostRefused } from './refuse.js';
import { runFolder } from './run-files.js';

const GIT = ['/usr/bin/git', '/usr/local/bin/git', '/bin/git', '/opt/homebrew/bin/git'];
/** What may match, in git's own patterns, where `*` also stands for folders. */
const PATTERNS = ['*.pyc', '*.pyo', '*__pycache__/*', '*.egg-info', '*.egg-info/*'];
const GIT_TIMEOUT_MS = 60_000;
const CLEAN_TIMEOUT_MS = 600_000;

/** Looks, and unless `dryRun` removes; given again it goes on where it stopped. Every removed path stands in the run's folder on the host. */
export async function cleanProject(ctx: HostContext, step: StepScope, { env, run, dryRun }: { env: EnvironmentRef; run: string; dryRun: boolean }): Promise<ProjectLitter> {
  const place = resolvePlace(ctx, env);
  refuseEnvironment(place);
  const tracked = await trackedFiles(step, place);
  const asked = { project: place.project, tracked, leave: foreignFolders(place), dryRun };
  const result = await runCommand({
    file: await helperPython(ctx, place.owner), args: ['-I', '-S', '-c', pythonText('clean.py')], cwd: '/', owner: place.owner, scope: step,
    timeoutMs: CLEAN_TIMEOUT_MS, stdin: JSON.stringify(asked), ...(dryRun ? {} : { outputPath: join(runFolder(ctx, run), 'clean-project.log') }),
  });
  throwIfFailed(`what Python left in ${place.project}`, 'python', result, step);
  return JSON.parse(result.stdout.trim().split('\n').at(-1)!) as ProjectLitter;
}

/** A project folder that is an environment has its own modules compiled below it: nothing there is litter. */
function refuseEnvironment({ project, owner }: Place): void {
  const mark = asOwner(owner, () => ['pyvenv.cfg', 'conda-meta'].find((name) => existsSync(join(project, name))));
  if (mark) throw hostRefused(project, 'a project folder', `an environment (it has ${mark})`, keepFiles(project));
}

/** The environment itself, whatever it is, and what is mounted below the project. */
function foreignFolders({ project, link }: Place): string[] {
  const mounted = existsSync('/proc/self/mountinfo') ? mountPoints(readFileSync('/proc/self/mountinfo', 'utf8')) : [];
  return [link, ...mounted.filter((point) => point.startsWith(`${project}/`))].map((folder) => relative(project, folder));
}

/** Tracked files that look like litter, relative to the project; none outside a repository. Who can't be asked has said nothing. */
async function trackedFiles(step: StepScope, { project, owner }: Place): Promise<string[]> {
  if (!asOwner(owner, () => isInRepository(project))) return [];
  const refuse = (got: string) => hostRefused(`what git tracks in ${project}`, 'an answer of git', got, keepFiles(project));
  const file = GIT.find((path) => existsSync(path));
  if (!file) throw refuse(`no git at ${GIT.join(' or ')}`);
  const args = ['-c', 'core.fsmonitor=false', '-C', project, 'ls-files', '-z', '--cached', '--', ...PATTERNS];
  const result = await runCommand({ file, args, cwd: '/', owner, env: { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' }, timeoutMs: GIT_TIMEOUT_MS, scope: step });
  if (result.isCanceled) throw step.signal.reason;
  if (result.failed) throw refuse(result.spawnError ?? (result.tail.trim().split('\n').at(-1) || `exit code ${result.exitCode}`));
  // A name cut short, or one that is no UTF-8, would not be known again.
  if (result.stdoutTruncated || result.stdout.includes('\ufffd')) throw refuse(result.stdoutTruncated ? 'more names than fit' : 'a name that is not UTF-8');
  return result.stdout.split('\0').filter((name) => name !== '');
}

function isInRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true;
    if (at === dirname(at)) return false;
  }
}

const keepFiles = (project: string): string => `reset the environment alone: runbook env reset ${project} --keep-files`;
