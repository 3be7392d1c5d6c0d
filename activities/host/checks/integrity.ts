/** What hands did to an environment: a tree of ours against what its run verified, any other against its packages' RECORDs. */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { IntegrityFacts, VirtualFacts } from '../../../policy/checks/facts.js';
import { hashedDrift, linkDrift, verifiedTree } from '../drift.js';
import { helperPython } from '../interpreters.js';
import { takeManifest } from '../manifest.js';
import { asOwner } from '../owner.js';
import { readLink, type Place } from '../paths.js';
import { pythonText } from '../python-text.js';
import { readSeal } from '../seal.js';
import { childrenOf, lastJson, scopeOf, startPython, starterOf, whyFailed, type Measuring } from './context.js';

/** 8,000 files take 0.4 s from memory, and 1 ms each where their bytecode is compiled again; a cold disk takes minutes, not more. */
const RECORDS_TIMEOUT_MS = 900_000;
/** Differences named one by one; more are counted. */
const NAMED = 50;

/** Throws where it can't be told. */
export async function measureIntegrity(measuring: Measuring, virtual: VirtualFacts | null): Promise<IntegrityFacts> {
  const { ctx, place } = measuring;
  const own: Place = { env: { host: ctx.host, link: place.link }, project: place.project, link: place.link, venvsDir: join(place.project, '.venvs'), owner: place.owner, unit: { link: place.link, onSwitch: 'idle', units: [] } };
  const view = readLink(own);
  const turned = linkDrift(ctx, own, view);
  const verified = verifiedTree(ctx, own, view.treeId);
  if (verified === null || view.treePath === null) {
    if (virtual === null) throw new Error('there is no virtual environment here: the files of an interpreter belong to the system');
    const { files, differences } = await checkRecords(measuring, virtual.path, virtual);
    return { run: null, files, differences: named([...turned, ...differences]) };
  }
  const seal = asOwner(place.owner, () => readSeal(view.treePath!));
  const { digest, files, storedAt, isNew } = await takeManifest(ctx, { tree: view.treePath, owner: place.owner, scope: 'all', record: false, step: scopeOf(measuring), ...childrenOf(measuring) });
  const words = hashedDrift(ctx, verified, seal, digest);
  // A tree that differs does so in another way each time: what only this look needed is not kept.
  if (isNew && digest !== verified.manifestDigest) rmSync(storedAt, { force: true });
  // Without the agent's own list only the digest says that something differs; RECORDs can still say where.
  const isUnnamed = words.some((word) => word.startsWith('manifest '));
  const details = isUnnamed ? (await checkRecords(measuring, view.treePath, virtual)).differences : [];
  return { run: verified.run, files, differences: named([...turned, ...words, ...details]) };
}

const named = (words: string[]): string[] => (words.length > NAMED ? [...words.slice(0, NAMED), `and ${words.length - NAMED} more`] : words);

/** By the interpreter the environment was made from, which alone knows its bytecode; else by any. */
async function checkRecords(measuring: Measuring, tree: string, virtual: VirtualFacts | null): Promise<{ files: number; differences: string[] }> {
  const file = virtual?.base.ok ? virtual.base.value.executable : await helperPython(measuring.ctx, starterOf(measuring));
  const result = await startPython(measuring, file, ['-S', '-c', pythonText('check_records.py'), JSON.stringify({ tree, jobs: availableParallelism() })], RECORDS_TIMEOUT_MS);
  const told = result.failed ? null : lastJson<{ files: number; differences: string[] }>(result);
  if (told === null) throw new Error(`RECORDs of ${tree}: ${whyFailed(file, result)}`);
  return told;
}
