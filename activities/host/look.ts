/** The plan's look at the real host, before anything is promised: as the owner of the project, with real probes. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parsePylock, parseRequirementsLock } from '../../policy/lock.js';
import type { EnvironmentRef, HostLook, Objection, Tree } from '../../policy/model.js';
import { runCommand } from './command.js';
import type { HostContext, StepScope } from './context.js';
import { driftText, hashedDrift, linkDrift, statDrift, verifiedTree, wayBackToTree } from './drift.js';
import { discoverInterpreters, treeInterpreter } from './interpreters.js';
import { takeManifest } from './manifest.js';
import { runnerOf } from './checks/runner.js';
import { asOwner } from './owner.js';
import { unsettledWords } from './lease.js';
import { readLink, resolveEnvironment, standingText, type ResolvedEnvironment } from './paths.js';
import { findRiders } from './riders.js';
import { readSeal } from './seal.js';
import { indexLabel, installerOf } from './tools.js';

export interface LookInput {
  env: EnvironmentRef;
  to: string | null;
  manifest: boolean;
  create: boolean;
}

export async function look(ctx: HostContext, step: StepScope, input: LookInput): Promise<HostLook> {
  const resolved = resolveEnvironment(ctx, input.env);
  const link = readLink(resolved);
  const lock = readLock(resolved);
  const [interpreters, current, probe] = await Promise.all([
    discoverInterpreters(ctx, resolved.owner),
    link.treePath ? presentTree(ctx, step, resolved, input.manifest) : null,
    writeAndExecute(step, resolved),
  ]);
  const { bavail, bsize, ffree } = statfsSync(resolved.project);
  return {
    env: input.env,
    project: resolved.project,
    owner: resolved.owner,
    linkState: link.state,
    current,
    interpreters,
    lock: lock.facts,
    disk: { freeBytes: bavail * bsize, freeInodes: ffree, needBytes: 0 },
    riders: findRiders(ctx, resolved, link.treePath),
    onSwitch: resolved.unit.onSwitch,
    units: resolved.unit.units.map((unit) => unit.name),
    restartWindowSeconds: resolved.unit.units.reduce((sum, unit) => sum + unit.restartWindowSeconds, 0),
    index: indexLabel(ctx),
    publicIndex: ctx.agentFile.index.url === undefined,
    installer: await installerOf(ctx, resolved.owner),
    settings: resolved.settings,
    trust: ctx.agentFile.trust,
    ...(ctx.agentFile.roles.length > 0 ? { roles: ctx.agentFile.roles } : {}),
    objections: [...unsettledObjection(ctx, resolved), ...linkObjections(ctx, resolved, link, input.create), ...lock.objections, ...probe],
  };
}

/** Nobody plans on what an ended run left half-done. */
function unsettledObjection(ctx: HostContext, { link }: ResolvedEnvironment): Objection[] {
  const { state, holder } = ctx.store.leases.get(link);
  return state === 'unsettled' ? [unsettledWords(link, holder?.run ?? 'RUN', ctx.store.ends.records(link))] : [];
}

/** What stands at the link must be an environment of ours, or a directory that can become one. */
function linkObjections(ctx: HostContext, resolved: ResolvedEnvironment, link: ReturnType<typeof readLink>, create: boolean): Objection[] {
  const object = (expected: string, got: string, wayOut: string): Objection[] => [{ what: resolved.link, expected, got, wayOut }];
  if (create && link.state !== 'missing') return object('nothing, because an environment shall be made there', standingText(link), `runbook run change ${resolved.project} changes the one that is there`);
  const back = wayBackToTree(ctx, resolved);
  if (link.state === 'missing' && !create) return object('an environment to return to', 'nothing there', back === null ? `runbook env create ${resolved.project}` : `somebody removed the link: ${back} puts it back, runbook env create ${resolved.project} builds a new one`);
  if (link.state === 'dangling') return object('an environment to return to', standingText(link), `remove the link, then runbook env create ${resolved.project}`);
  if (link.state === 'foreign-link') return object('a directory, or a link into .venvs', standingText(link), 'move it away and runbook env create, or move the environment itself to this path, so that it can be adopted');
  return [];
}

async function presentTree(ctx: HostContext, step: StepScope, resolved: ResolvedEnvironment, manifest: boolean): Promise<Tree> {
  const link = readLink(resolved);
  const treePath = link.treePath!;
  const scope = link.state === 'directory' ? 'without-bytecode' : 'all';
  const verified = verifiedTree(ctx, resolved, link.treeId);
  const [interpreter, taken] = await Promise.all([
    // What nobody approved yet may be another user's: it is not started as root.
    treeInterpreter(ctx, treePath, runnerOf(resolved.project, resolved.owner, path.join(treePath, 'bin/python'), null)),
    manifest ? takeManifest(ctx, { tree: treePath, owner: resolved.owner, scope, record: false, step }) : null,
  ]);
  const sealed = readSeal(treePath);
  const words = driftText(resolved, verified, taken ? hashedDrift(ctx, verified, sealed, taken.digest) : statDrift(ctx, resolved, link));
  const drift = [...linkDrift(ctx, resolved, link), ...(words === null ? [] : [words])];
  return {
    id: link.treeId ?? adoptedName(treePath),
    path: treePath,
    version: interpreter.runs ? interpreter.version : null,
    manifestDigest: taken?.digest ?? '',
    manifestScope: scope,
    files: taken?.files ?? 0,
    bytes: taken?.bytes ?? 0,
    sealed,
    ...(drift.length > 0 ? { drift } : {}),
  };
}

/** The name a directory gets when it is adopted: the same at every look. */
function adoptedName(directory: string): string {
  const { dev, ino } = lstatSync(directory);
  return `adopted-${createHash('sha256').update(`${dev}:${ino}:${directory}`).digest('hex').slice(0, 6)}`;
}

function readLock(resolved: ResolvedEnvironment): { facts: HostLook['lock']; objections: Objection[] } {
  const file = path.join(resolved.project, resolved.settings.lock);
  const text = asOwner(resolved.owner, () => readFileSync(file, 'utf8'));
  const read = path.basename(file).startsWith('pylock') ? readPylock(text) : parseRequirementsLock(text);
  return { facts: { path: resolved.settings.lock, sha256: createHash('sha256').update(text).digest('hex'), pins: read.pins.length }, objections: read.problems };
}

function readPylock(text: string): { pins: unknown[]; problems: Objection[] } {
  const { packages, problems } = parsePylock(text);
  return { pins: packages, problems };
}

/** Writes a script as the owner where the environment will stand and runs it: read-only and noexec mounts show here. */
async function writeAndExecute(step: StepScope, { project, owner }: ResolvedEnvironment): Promise<Objection[]> {
  const probe = path.join(project, `.runbook-probe-${process.pid}-${Date.now()}`);
  const object = (got: string): Objection[] => [{ what: `writing and executing in ${project} as ${owner.name}`, expected: 'a file can be written there and run', got, wayOut: 'mount it read-write without noexec, or give the project to its user' }];
  try {
    asOwner(owner, () => {
      writeFileSync(probe, '#!/bin/sh\nexit 0\n', { flag: 'wx' });
      chmodSync(probe, 0o700);
    });
    const ran = await runCommand({ file: probe, args: [], cwd: project, owner, timeoutMs: 10_000, scope: step });
    return ran.failed ? object(ran.spawnError ?? `exit code ${ran.exitCode}`) : [];
  } catch (error) {
    return object((error as Error).message);
  } finally {
    asOwner(owner, () => rmSync(probe, { force: true }));
  }
}
