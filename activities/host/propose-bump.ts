/** The import-guided bump: a package that installs and does not import is moved to its first newer release that does. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { firstGood } from '../../policy/proposals.js';
import type { Pin } from '../../policy/lock.js';
import { compareVersions, isVersion } from '../../policy/pep440.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { askAgainIfEnded } from './command-failed.js';
import { runCommand } from './command.js';
import { pinText } from './hashed-lock.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs } from './index-flags.js';
import { pipFor, takePipLog } from './installers/pip-command.js';
import { writeRunFile } from './run-files.js';
import { importAll, inTrialTree, type Proposing } from './propose-try.js';
import type { InstalledPackage } from './tree-checks.js';

/** Installs and imports at most this often. */
export const MOST_PROBES = 6;
const LIST_TIMEOUT_MS = 120_000;

/** What a search found: the least versions that are wanted now, by project; null when nothing that was tried imports. */
export interface Bump {
  floors: Map<string, string> | null;
  probes: number;
}

/**
 * The first release above `pin` whose modules import beside the rest of `lock`. The newest is asked first: where not even that one
 * imports, it may be for what it needs, which is then moved up as well.
 */
export async function firstThatImports(all: Proposing, pin: Pin, lock: string, most: number): Promise<Bump> {
  const newer = await newerReleases(all, pin);
  const newest = newer.at(-1);
  if (newest === undefined) return { floors: null, probes: 0 };
  const lockFile = writeRunFile(all.ctx, all.run, 'propose-bump-base.txt', lock);
  return inTrialTree(all, 'bump', async (trial) => {
    let probes = 0;
    const found = new Map<string, InstalledPackage[]>();
    const probe = async (candidate: string, needs: boolean): Promise<boolean> => {
      probes += 1;
      if ((await trial.install([pinText({ project: pin.project, version: candidate })], needs)).failed) return false;
      const { imports, packages } = await importAll(all, trial);
      const own = packages.filter((one) => normalizeProjectName(one.name) === pin.project).flatMap((one) => one.modules);
      const imported = !imports.failures.some(({ module }) => own.includes(module));
      if (imported) found.set(candidate, packages);
      return imported;
    };
    if ((await trial.install(['--require-hashes', '-r', lockFile])).failed) return { floors: null, probes };
    const plain = await probe(newest, false);
    if (!plain && !(probes < most && (await probe(newest, true)))) return { floors: null, probes };
    const best = (await firstGood(newer.slice(0, -1), most - probes, (candidate) => probe(candidate, !plain))) ?? newest;
    const needed = plain ? [] : found.get(best)!.map((one): [string, string] => [normalizeProjectName(one.name), one.version]);
    return { floors: new Map([...needed, [pin.project, best]]), probes };
  });
}

/** Releases above a pin that have a wheel for this interpreter, ascending: pip lists them. No pre-releases. */
async function newerReleases({ ctx, step, resolved, interpreter, cacheDir }: Proposing, pin: Pin): Promise<string[]> {
  const pip = await pipFor(ctx, resolved.owner, interpreter.realpath, interpreter.realpath);
  const log = join(cacheDir, `versions-${randomBytes(8).toString('hex')}.log`);
  const result = await runCommand({
    file: pip.file,
    args: [...pip.args, 'index', 'versions', ...PIP_ALWAYS, '--only-binary=:all:', '--cache-dir', join(cacheDir, 'pip'), '--log', log, ...pipIndexArgs(ctx), pinText(pin).split('==')[0]!],
    cwd: '/',
    owner: resolved.owner,
    env: pipEnvironment(ctx),
    timeoutMs: LIST_TIMEOUT_MS,
    scope: step,
  });
  takePipLog(log, resolved.owner);
  if (result.isCanceled) throw step.signal.reason;
  askAgainIfEnded(`the releases of ${pin.project}`, result, step);
  const listed = /^Available versions: (.*)$/m.exec(result.stdout)?.[1] ?? '';
  return listed.split(',').map((one) => one.trim()).filter((one) => isVersion(one) && compareVersions(one, pin.version) > 0).sort(compareVersions);
}
