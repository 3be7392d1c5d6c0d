/**
 * The light check of an environment: what a walk by `lstat` and a few small files tell, no Python started. It judges with the
 * rules of preflight and verifier; what it can't see (imports, hashes, what the interpreter says of itself) is the full check's.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { isWorldWritable, modeText } from '../../policy/checks/file-mode.js';
import type { EnvironmentFacts, InterpreterFacts } from '../../policy/checks/facts.js';
import type { CheckPolicy, CheckRules } from '../../policy/checks/model.js';
import type { Violation, Warning } from '../../policy/checks/results.js';
import { pythonStatus } from '../../policy/checks/python-status.js';
import { rulesFor } from '../../policy/checks/rules.js';
import { environmentConfig } from '../../policy/checks/verifier/environment-config.js';
import { oneLine } from '../../policy/text.js';
import type { Measuring } from './checks/context.js';
import { placeForChecks, type CheckPlace } from './checks/place.js';
import { modesOf } from './checks/project-files.js';
import { configFacts, variableFacts } from './checks/settings-facts.js';
import type { HostContext } from './context.js';
import { isLeftByUs, linkDrift } from './drift.js';
import { endingChange, timeOf } from './ends.js';
import { asOwner } from './owner.js';
import { readLink, resolvePlace, standingText, type LinkView, type Place } from './paths.js';
import { readSeal, SEAL_FILE } from './seal.js';
import { driftNow, versionOf } from './snapshot.js';
import type { HealthFinding } from './store-health.js';

export interface LightResult {
  findings: HealthFinding[];
  /** Plain ones: they degrade nothing. */
  warnings: Warning[];
  /** What it saw, for comparison: another text, something changed. */
  seen: string;
}

/** What a check works on. */
export interface HealthPlace {
  place: Place;
  view: LinkView;
  /** Null: `runbook.yaml` has errors. */
  checks: { place: CheckPlace; rules: CheckRules } | null;
  problem: string;
}

/** @throws ApplicationFailure HostRefused where there is no such place any more */
export function healthPlace(ctx: HostContext, link: string, policy: CheckPolicy): HealthPlace {
  const place = resolvePlace(ctx, { host: ctx.host, link });
  const view = readLink(place);
  try {
    const checks = { ...placeForChecks(place.project, null), link: place.link };
    return { place, view, checks: { place: checks, rules: rulesFor(policy, checks.settings) }, problem: '' };
  } catch (error) {
    return { place, view, checks: null, problem: (error as Error).message };
  }
}

/** Null: nothing stands there, and nothing should: no run made it, or one of ours removed it. `isKnown`: it was checked before. */
export function checkLight(ctx: HostContext, at: HealthPlace, policy: CheckPolicy, isKnown: boolean): LightResult | null {
  const { place, view, checks, problem } = at;
  if (view.state === 'missing' && linkDrift(ctx, place, view).length === 0 && (!isKnown || isLeftByUs(ctx, place, view))) return null;
  const rules = checks?.rules ?? rulesFor(policy, { name: '', lock: 'requirements.txt', envPrefix: null, configFiles: [], expectedFreezeHash: null });
  const tree = treeOf(place, view);
  const told = tree === null ? null : versionOf(place, { ...view, treePath: tree });
  const project = checks ? projectFindings(ctx, checks, told) : { findings: [degrading('environment_config', problem)], warnings: [] };
  const findings = [...standing(ctx, at, rules, told), ...project.findings];
  const { state, target } = view;
  return { findings, warnings: project.warnings, seen: JSON.stringify([state, target, findings, project.stamp ?? null]) };
}

/** A finding with which the environment may not run. */
export const degrading = (check: string, message: string, severity: Violation['severity'] = 'critical'): HealthFinding => ({ check, severity, message: oneLine(message, 1000), degrades: true });

/** Link, interpreter, version, and the tree as it was verified. */
function standing(ctx: HostContext, { place, view }: HealthPlace, rules: CheckRules, told: string | null): HealthFinding[] {
  const words = driftNow(ctx, place, view);
  const drift = (words.length > 0 ? words : unsealed(place, view)).map((text) => degrading('package_integrity', text));
  const tree = treeOf(place, view);
  if (tree === null) return [degrading('virtual_environment', `${standingText(view)} stands at ${place.link}`), ...drift];
  const base = interpreterProblem(place, tree);
  return [...(base === null ? [] : [degrading('virtual_environment', base)]), ...version(ctx, place, told, rules), ...drift];
}

/** What no run verified, and no adoption took over, stands where only verified trees do. */
function unsealed({ owner }: Place, { state, treeId, treePath }: LinkView): string[] {
  if (state !== 'managed' || treeId!.startsWith('adopted-') || asOwner(owner, () => readSeal(treePath!))) return [];
  return [`.venvs/${treeId} has no ${SEAL_FILE}: no run verified it`];
}

/** A link to an environment of other hands is one, too. */
function treeOf({ link, owner }: Place, { state, treePath, target }: LinkView): string | null {
  if (state !== 'foreign-link' || target === null) return treePath;
  return asOwner(owner, () => (statSync(join(link, 'pyvenv.cfg'), { throwIfNoEntry: false }) ? link : null));
}

function interpreterProblem({ owner }: Place, tree: string): string | null {
  try {
    asOwner(owner, () => accessSync(join(tree, 'bin/python'), constants.X_OK));
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' ? 'the interpreter that bin/python leads to is gone' : `bin/python can't be started: ${code}`;
  }
}

/** As preflight judges it, by what `pyvenv.cfg` says; an exception allows it before its end, by this host's own time. */
function version(ctx: HostContext, place: Place, told: string | null, rules: CheckRules): HealthFinding[] {
  if (told === null) return [degrading('virtual_environment', 'its pyvenv.cfg is gone, or says no version')];
  const ending = endingChange(ctx, place);
  const now = ending ? new Date(timeOf(ctx, ending.chain)) : ctx.now();
  const { status, text } = pythonStatus({ interpreter: { ok: true, value: configured(place.link, told) }, standing: ending ? { run: ending.run, end: ending.end } : null, foundBy: 'link', at: now.toISOString() }, rules);
  return status === 'primary' || status === 'fallback' || status === 'exception' ? [] : [degrading('python_version', text)];
}

/** The interpreter as far as `pyvenv.cfg` tells: what it says of itself is the full check's to ask. */
const configured = (link: string, told: string): InterpreterFacts => ({ executable: join(link, 'bin/python'), realpath: '', version: told, implementation: 'CPython', isVirtual: true, startupMs: 0 });

interface Found {
  findings: HealthFinding[];
  warnings: Warning[];
  /** Of the lock. */
  stamp?: string;
}

/** Lock, critical files, and what is written down: also where it says another version than stands there (HM-13). */
function projectFindings(ctx: HostContext, { place, rules }: { place: CheckPlace; rules: CheckRules }, told: string | null): Found {
  const lock = lockFindings(ctx, place, rules);
  const open = modesOf(place, rules.criticalFiles).filter(({ mode }) => mode !== null && isWorldWritable(mode));
  const measuring: Measuring = { ctx, place, wanted: { probe: false, importTime: false, integrity: false, manual: false, rules, env: {} } };
  const written = { interpreter: told === null ? { ok: false } : { ok: true, value: configured(place.link, told) }, variables: variableFacts(measuring), config: configFacts(measuring) } as Partial<EnvironmentFacts> as EnvironmentFacts;
  return {
    ...lock,
    findings: [...lock.findings, ...(open.length === 0 ? [] : [degrading('security', open.map(({ path, mode }) => `${path}: everybody may write it (mode ${modeText(mode!)})`).join(', '))])],
    warnings: [...lock.warnings, ...environmentConfig.judge(written, rules).warnings],
  };
}

/** PF-10: without a lock nothing is ready; how bad that is to who watches is the policy's (DIS-07). Its age degrades nothing (PF-11). */
function lockFindings(ctx: HostContext, { project, owner, settings }: CheckPlace, rules: CheckRules): Found {
  const missing = (message: string): Found => ({ findings: [degrading('wheel_status', message, rules.severity.lockMissing)], warnings: [] });
  try {
    const stat = asOwner(owner, () => statSync(join(project, settings.lock), { throwIfNoEntry: false }));
    if (!stat) return missing(`lock file ${settings.lock} not found`);
    if (!stat.isFile() || stat.size === 0) return missing(`lock file ${settings.lock} is ${stat.isFile() ? 'empty' : 'no file'}`);
    const seconds = (ctx.now().getTime() - stat.mtimeMs) / 1000;
    const old = seconds < rules.lockMaxAgeSeconds ? [] : [{ check: 'wheel_status', message: `lock file ${settings.lock} is stale: older than ${rules.lockMaxAgeSeconds / 3600} h` }];
    return { findings: [], warnings: old, stamp: `${stat.mtimeMs} ${stat.size}` };
  } catch (error) {
    return missing(`lock file ${settings.lock} can't be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
