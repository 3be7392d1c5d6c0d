/** Other locks that would install, as proposals: each resolved, tried in a scratch tree, and told with its difference. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sha256Hex } from '../../policy/canonical.js';
import { lockDiff } from '../../policy/ladder.js';
import { parseRequirementsLock, type Pin } from '../../policy/lock.js';
import { markerEnvironment, markerHolds } from '../../policy/markers.js';
import type { LockProposal, Rung } from '../../policy/model.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { exactLines, knownGoodLines, lockText, relockLines, verifiedCandidates } from '../../policy/proposals.js';
import { PYLOCK } from './assess.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { pinText } from './hashed-lock.js';
import { asOwner } from './owner.js';
import { ownerCache } from './owner-cache.js';
import { resolveEnvironment, type ResolvedEnvironment } from './paths.js';
import { firstThatImports, MOST_PROBES } from './propose-bump.js';
import { resolveLock, tryLock, type Proposing, type Trial } from './propose-try.js';
import { hostRefused, refusal } from './refuse.js';
import { sweepScratch } from './scratch.js';
import { hostPlatform } from './store-locks.js';
import { findUv } from './tools.js';
import { requireKnownInterpreters } from './unsigned-input.js';

/** A proposal, and what it leaves to the next rung. */
interface Candidate extends Trial {
  proposal: LockProposal;
  pins: Pin[];
}

/** Of the verified locks, the nearest ones only. */
const MOST_VERIFIED = 2;

/**
 * Climbs the rungs of other locks until one installs and imports, and returns all it tried. None is ever taken by us. Throws
 * `HostRefused` without uv, which alone can resolve to the lowest, and for a lock that is no requirements lock.
 */
export async function proposeLocks(ctx: HostContext, step: StepScope, input: Parameters<HostActivities['proposeLocks']>[0]): Promise<LockProposal[]> {
  const resolved = resolveEnvironment(ctx, input.env);
  await requireKnownInterpreters(ctx, resolved.owner, [input.interpreter]);
  // They become lines of a requirements file, where a second line would be an option of the resolver's.
  for (const [name, version] of Object.entries(input.knownGood)) pinText({ project: name, version });
  const pins = readPins(resolved);
  const uv = await findUv(ctx, resolved.owner);
  if (!uv) throw hostRefused(`proposals for ${resolved.settings.lock}`, 'uv: only its resolver finds the nearest releases that have wheels', 'pip alone', 'remove "installer: pip" from the agent file or install uv; or write another lock by hand');
  await sweepScratch(ctx);
  await ctx.barrier('propose:started');
  const environment = markerEnvironment(input.interpreter);
  const here = pins.filter((pin) => markerHolds(pin.marker, environment));
  const all: Proposing = { ctx, step, run: input.run, resolved, uv, interpreter: input.interpreter, cacheDir: ownerCache(ctx, resolved.owner, resolved.project), pins: here, elsewhere: pins.filter((pin) => !here.includes(pin)) };
  const told = await climb(all, input.missing.map(normalizeProjectName), input.knownGood);
  await ctx.barrier('propose:tried');
  return told;
}

async function climb(all: Proposing, missing: string[], knownGood: Record<string, string>): Promise<LockProposal[]> {
  const { ctx, interpreter, pins } = all;
  const told: LockProposal[] = [];
  const line = interpreter.version.split('.').slice(0, 2).join('.');
  const verified = verifiedCandidates(pins, missing, ctx.store.locks.ofLine(line, hostPlatform())).slice(0, MOST_VERIFIED);
  const strict = knownGoodLines(pins, missing, knownGood, false);
  const ways: [Rung, string[][]][] = [
    ...verified.map((taken): [Rung, string[][]] => ['verified-pins', [exactLines(taken)]]),
    ...(strict ? [['known-good', [strict, knownGoodLines(pins, missing, knownGood, true)!]] as [Rung, string[][]]] : []),
    ['relock', [relockLines(pins)]],
  ];
  let last: Candidate | null = null;
  for (const [rung, tries] of ways) {
    const found = await candidate(all, rung, tries);
    if (found.proposal.changes.length > 0 || !found.tried.installed) told.push(found.proposal);
    if (works(found)) return told;
    if (found.tried.installed) last = found;
  }
  return last ? [...told, ...(await bump(all, last))] : told;
}

const works = ({ proposal, tried }: Candidate): boolean => tried.installed && tried.imports.passed === tried.imports.total && proposal.changes.length > 0;

/** Resolves the first of `tries` that can be, and tries it. */
async function candidate(all: Proposing, rung: Rung, tries: readonly (readonly string[])[]): Promise<Candidate> {
  let problem = '';
  for (const lines of tries) {
    const answer = await resolveLock(all, rung, lines);
    if ('pins' in answer) return tried(all, rung, answer.pins);
    problem = answer.problem;
  }
  return propose(all, rung, [], '', { tried: { installed: false, imports: { passed: 0, total: 0 }, problem }, culprits: [] });
}

async function tried(all: Proposing, rung: Rung, pins: Pin[]): Promise<Candidate> {
  const lock = lockText(pins, all.pins, all.elsewhere);
  return propose(all, rung, pins, lock, await tryLock(all, rung, lockText(pins, [], [])));
}

function propose(all: Proposing, rung: Rung, pins: Pin[], lock: string, trial: Trial): Candidate {
  const changes = lock === '' ? [] : lockDiff(all.pins, pins).changes;
  return { pins, ...trial, proposal: { rung, interpreter: all.interpreter.version, changes, lock, lockSha256: lock === '' ? '' : sha256Hex(lock), tried: trial.tried, deviation: true } };
}

/** From a lock that installs and does not import: its culprits move up one after the other, as long as there are probes left. */
async function bump(all: Proposing, from: Candidate): Promise<LockProposal[]> {
  const floors = new Map(from.pins.map((pin) => [pin.project, pin.version]));
  let now = from;
  for (let left = MOST_PROBES; left > 0; ) {
    const pin = now.pins.find((one) => one.project === now.culprits[0]);
    if (!pin) return now === from ? [] : [now.proposal];
    const found = await firstThatImports(all, pin, lockText(now.pins, [], []), left);
    if (found.floors === null) return now === from ? [] : [now.proposal];
    left -= found.probes;
    for (const [project, version] of found.floors) floors.set(project, version);
    now = await candidate(all, 'bump', [relockLines(now.pins, floors)]);
    if (!now.tried.installed || now.culprits.length === 0) return [now.proposal];
  }
  return [now.proposal];
}

function readPins({ settings, project, owner }: ResolvedEnvironment): Pin[] {
  if (PYLOCK.test(basename(settings.lock))) throw hostRefused(`proposals for ${settings.lock}`, 'a requirements lock', 'a pylock', 'resolve it again with the tool that wrote it: uv pip compile --format pylock.toml');
  const { pins, problems } = parseRequirementsLock(asOwner(owner, () => readFileSync(join(project, settings.lock), 'utf8')));
  if (problems.length > 0) throw refusal('HostRefused', ...problems);
  return pins;
}
