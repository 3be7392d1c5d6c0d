/** A pip from outside an environment that installs into it, so that the environment needs none. */
import { closeSync, constants, fstatSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import pep440 from '@renovatebot/pep440';
import type { Owner } from '../../../policy/model.js';
import { commandFailed } from '../command-failed.js';
import { runCommand } from '../command.js';
import type { HostContext } from '../context.js';
import { discoverInterpreters } from '../interpreters.js';
import { asOwner } from '../owner.js';

/** How a pip is started; its own arguments follow. */
export interface PipCommand {
  file: string;
  args: string[];
}

/** First pip with `--python`. */
const OLDEST = '22.3';
const ASK_TIMEOUT_MS = 30_000;
/** Path of the pip wheel that the interpreter carries for `venv`. */
const BUNDLED = 'import ensurepip, glob, os; print(*sorted(glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl"))))';

/**
 * The pip that acts on `target` (an interpreter or an environment's): the base's own, the one it carries for `venv`, or
 * that of any other interpreter. Throws `CommandFailed` VENV_CREATE where the host has no pip at all.
 */
export async function pipFor(ctx: HostContext, owner: Owner, base: string, target: string): Promise<PipCommand> {
  if (await hasPip(base, owner)) return through(base, target);
  const bundled = await ask(base, owner, ['-I', '-c', BUNDLED]);
  if (bundled) return { file: target, args: ['-I', `${bundled}/pip`] };
  for (const { realpath } of await discoverInterpreters(ctx, owner)) {
    if (await hasPip(realpath, owner)) return through(realpath, target);
  }
  throw commandFailed(`pip for ${base}`, { command: `${base} -I -m pip`, class: 'VENV_CREATE', exitCode: null, timedOut: false, tail: '', remedy: `expected pip ${OLDEST} or later, or the ensurepip module, in some interpreter of this host, got none; install uv or python3-pip` });
}

const through = (file: string, target: string): PipCommand => ({ file, args: ['-I', '-m', 'pip', ...(file === target ? [] : ['--python', target])] });

const answers = new Map<string, Promise<boolean>>();

function hasPip(python: string, owner: Owner): Promise<boolean> {
  const key = `${owner.uid}:${python}:${statSync(python, { throwIfNoEntry: false })?.mtimeMs}`;
  let answer = answers.get(key);
  if (!answer) {
    answer = ask(python, owner, ['-I', '-m', 'pip', '--version']).then((text) => {
      const version = /^pip (\S+)/.exec(text)?.[1];
      return version !== undefined && pep440.valid(version) !== null && pep440.gte(version, OLDEST);
    });
    answers.set(key, answer);
  }
  return answer;
}

/** Standard output of a short question, empty when it failed. */
async function ask(file: string, owner: Owner, args: string[]): Promise<string> {
  const result = await runCommand({ file, args, cwd: '/', owner, timeoutMs: ASK_TIMEOUT_MS });
  return result.failed ? '' : result.stdout.trim();
}

/** How much of the log is read: the page of a project with thousands of files takes a few MB. */
const LOG_READ = 8 * 1024 * 1024;

/** The log of one pip call; it is removed. Empty where there is none. */
export function takePipLog(log: string, owner: Owner): string {
  return asOwner(owner, () => {
    try {
      const fd = openSync(log, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const { size } = fstatSync(fd);
        const bytes = Buffer.alloc(Math.min(size, LOG_READ));
        readSync(fd, bytes, 0, bytes.length, size - bytes.length);
        return bytes.toString('utf8');
      } finally {
        closeSync(fd);
      }
    } catch {
      return '';
    } finally {
      rmSync(log, { force: true });
    }
  });
}

/** Lines of the log that pip's output lacks: why a page could not be read. The rest holds tracebacks and talk of other versions. */
const TELLING = /Could not fetch URL|Skipping page/;

/** What the log says of the index, and then pip's output: the text to classify. */
export const pipText = (log: string, tail: string): string => [...log.split('\n').filter((line) => TELLING.test(line)), tail].join('\n');
