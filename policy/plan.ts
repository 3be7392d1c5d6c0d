/** The plan: what will be done, its digest, and its words. */
import { digestOf } from './canonical.js';
import { versionObjection } from './exception.js';
import type { ChangeRequest, HostLook, Interpreter, LockVerdict, Objection, Plan, PlannedFile } from './model.js';
import type { PolicyFile } from './files/policy-file.js';
import { behindLeastPatch } from './security-patch.js';
import { counted } from './text.js';
import { chooseInterpreter, classifyInterpreter } from './versions.js';

export interface PlanInput {
  request: ChangeRequest;
  look: HostLook;
  interpreter: Interpreter;
  verdict: LockVerdict;
  policyDigest: string;
}

/**
 * What the digest covers (design, "Plan and its digest"): identities and decisions, never measurements, so that the
 * same intent on the same host state gives the same digest.
 */
export function planDigest(plan: Plan): string {
  const { digest: _digest, facts: _facts, settings, ...covered } = plan;
  return digestOf({ ...covered, settings: digestOf(settings) });
}

/** Builds the plan from facts that were already found acceptable. */
export function makePlan({ request, look, interpreter, verdict, policyDigest }: PlanInput): Plan {
  const plan: Plan = {
    kind: request.kind,
    env: request.env,
    policyDigest,
    present: look.current && {
      id: look.current.id,
      path: look.current.path,
      version: look.current.version,
      manifestDigest: look.current.manifestDigest,
      manifestScope: look.current.manifestScope,
    },
    adopt: look.linkState === 'directory',
    interpreter: { version: interpreter.version, build: interpreter.build, realpath: interpreter.realpath },
    lock: { path: look.lock.path, sha256: look.lock.sha256 },
    files: plannedFiles(verdict),
    rungs: ['wheels'],
    serviceActions: look.onSwitch === 'restart' ? look.units.map((unit) => `restart ${unit}`) : [],
    onSwitch: look.onSwitch,
    undoTarget: look.current?.id ?? null,
    end: null,
    ...(request.kind === 'exception' && request.hours !== undefined ? { hours: request.hours } : {}),
    digest: '',
    facts: {
      freeBytes: look.disk.freeBytes,
      needBytes: look.disk.needBytes,
      restartWindowSeconds: look.restartWindowSeconds,
      riders: look.riders,
      index: look.index,
      installer: look.installer,
      owner: look.owner,
      ...(look.current?.drift ? { drift: look.current.drift } : {}),
    },
    settings: look.settings,
  };
  return { ...plan, digest: planDigest(plan) };
}

/** Every file by name and hash, in one order. */
function plannedFiles(verdict: LockVerdict): PlannedFile[] {
  const files = verdict.pins.flatMap((pin) => (pin.file ? [{ project: pin.project, version: pin.version, ...pin.file }] : []));
  return files.sort((a, b) => (a.project < b.project ? -1 : a.project > b.project ? 1 : 0));
}

/**
 * Chooses the interpreter a request means, or says why there is none (WF-02, PV-03 to PV-05, PV-34, DIS-17). One that is
 * only `judged` may lack security fixes: a fallback leaves it, and must not wait for its patch. Under an `exception` the CAB
 * approves what the policy does not: one exact final version, not below the minimum (DIS-04).
 */
export function chooseTarget(look: HostLook, spec: string, policy: PolicyFile, allowPreReleases: boolean, use: 'target' | 'judged' | 'exception' = 'target'): Interpreter | Objection {
  const inexact = use === 'exception' ? versionObjection(spec, policy) : null;
  if (inexact !== null) return inexact;
  const found = chooseInterpreter(look.interpreters, spec);
  if (!found) {
    return {
      what: `interpreter ${spec} on ${look.env.host}`,
      expected: `Python ${spec} installed on the host`,
      got: look.interpreters.map((i) => i.version).join(', ') || 'no interpreter at all',
      wayOut: `install Python ${spec} there (runbook doctor lists what was found), or name its path under "interpreters" in the agent file`,
    };
  }
  if (use === 'exception') return found;
  const judged = classifyInterpreter(found.version, policy, allowPreReleases);
  if (judged.role === 'prohibited') {
    return {
      what: `interpreter ${found.version}`,
      expected: `one the policy approves: ${policy.interpreters.primary.version}, or ${policy.interpreters.fallback.version} as fallback`,
      got: `${found.version}, ${judged.reason}`,
      wayOut: 'name an approved version with --to, or have the policy changed',
    };
  }
  const least = use === 'target' ? behindLeastPatch(found.version, policy) : null;
  return least === null ? found : lacksFixes(look, found, least);
}

/** PV-34. The way back to such an interpreter stays open: undo was armed with the change. */
function lacksFixes(look: HostLook, { version, path }: Interpreter, least: string): Objection {
  return {
    what: `security patch level of ${path}`,
    expected: `Python ${least} or newer (minPatch of the policy)`,
    got: version,
    wayOut: `install Python ${least} or newer on ${look.env.host}, or name a patched version with --to; runbook policy versions lists what is approved`,
  };
}

/** Reasons of the facts themselves to refuse, in words (WF-05, PV-16). The host's own objections come first. */
export function objectionsTo(look: HostLook, interpreter: Interpreter, verdict: LockVerdict): Objection[] {
  const objections = [...look.objections];
  if (look.disk.freeBytes < look.disk.needBytes) objections.push(noSpace(look));
  if (look.onSwitch === 'idle') objections.push(...ridersInTheWay(look));
  if (verdict.error) objections.push(couldNotTell(verdict));
  else if (verdict.missing.length > 0) objections.push(missingWheels(look, interpreter, verdict));
  return objections;
}

function noSpace(look: HostLook): Objection {
  return {
    what: `disk space for ${look.project}`,
    expected: `${mebibytes(look.disk.needBytes)} free`,
    got: mebibytes(look.disk.freeBytes),
    wayOut: `free space on its disk, or lower "limits.keepTrees" in the agent file: the next change then keeps fewer old environments in ${look.project}/.venvs`,
  };
}

function ridersInTheWay(look: HostLook): Objection[] {
  const running = look.riders.filter((rider) => rider.kind === 'process' || rider.kind === 'unknown');
  if (running.length === 0) return [];
  return [{
    what: `what runs from ${look.env.link}`,
    expected: 'nothing, because the agent file says onSwitch: idle for it',
    got: running.slice(0, 5).map((rider) => `${rider.id} ${rider.what}`).join('; ') + (running.length > 5 ? `; and ${running.length - 5} more` : ''),
    wayOut: 'stop it, or name its units and "onSwitch: restart" for this link in the agent file',
  }];
}

function couldNotTell(verdict: LockVerdict): Objection {
  return {
    what: `wheels of the lock for Python ${verdict.version}`,
    expected: 'an answer from the package index',
    got: `${verdict.error!.class}: ${verdict.error!.text}`,
    wayOut: 'runbook doctor checks the index; a network failure is never read as "no wheel"',
  };
}

function missingWheels(look: HostLook, interpreter: Interpreter, verdict: LockVerdict): Objection {
  return {
    what: `wheels of ${look.lock.path} for Python ${interpreter.version}`,
    expected: `a wheel for each of its ${verdict.pins.length} pins`,
    got: `${verdict.missing.length} without: ${verdict.missing.join(' ')}`,
    wayOut: `runbook run fallback ${look.project}, or a lock with wheels for ${interpreter.version}`,
  };
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

/** The plan in words, one fact a line, 80 columns where names allow. */
export function planText(plan: Plan): string[] {
  const from = plan.present?.version ?? (plan.present ? 'not running' : 'nothing');
  return [
    `plan ${plan.digest.slice(0, 8)}  ${plan.kind}  ${plan.env.host}:${plan.env.link}`,
    `  ${from} → ${plan.interpreter.version}  ${plan.interpreter.realpath}`,
    `  ${counted(plan.files.length, 'wheel')} by hash from ${plan.facts.index}; nothing is compiled`,
    `  built beside by ${plan.facts.installer}, as user ${plan.facts.owner.name}`,
    ...(plan.adopt ? [`  ${plan.env.link} is a directory: it is adopted as .venvs/${plan.undoTarget} in one exchange`] : []),
    `  riders: ${serviceWords(plan)}`,
    `  undo to ${plan.undoTarget === null ? 'no environment: the link is removed' : `.venvs/${plan.undoTarget}`}`,
    `  ${endText(plan)}`,
    ...(plan.facts.drift ?? []).map((line) => `  ! ${line}`),
  ];
}

function endText({ end, hours }: Plan): string {
  if (end !== null) return `ends by itself ${end}`;
  return hours === undefined ? 'stays until it is changed again' : `ends by itself ${hours} h after its grant, on the host`;
}

function serviceWords(plan: Plan): string {
  const found = `${plan.facts.riders.length || 'none'} found`;
  if (plan.serviceActions.length > 0) return `${found}; ${plan.serviceActions.join(', ')}, at most ${plan.facts.restartWindowSeconds} s without an answer`;
  if (plan.onSwitch === 'tolerate') return `${found}; tolerated, named afterwards`;
  return plan.facts.riders.length === 0 ? 'nothing runs from it' : `${found}; nothing to restart`;
}
