/**
 * AP-02, AP-03, DIS-35: which Python versions a repository states, what a pull request changes in them, and which approval covers
 * each change. Texts are read by `constraint-files.ts`.
 */
import type { Outcome } from './model.js';
import { plainSpec } from './review-request.js';
import { matchesSpec } from './versions.js';

/** One version that is stated somewhere. */
export interface Constraint {
  /** Path in the repository. */
  file: string;
  /** `interpreters.fallback.version`, `requires-python >=`, `job test python-version`. */
  place: string;
  /** `policy`: the company's policy; `ci`: a lane of a pipeline; `project`: what the project asks for. */
  kind: 'policy' | 'ci' | 'project';
  value: string;
  /** Of a lane: its name, and whether its failure blocks. */
  lane: { name: string; blocking: boolean } | null;
  /** A lane leaves this version out. */
  excluded: boolean;
}

/** A version that goes, one that comes, or one for the other. Never both null. */
export interface ConstraintChange {
  file: string;
  place: string;
  kind: Constraint['kind'];
  lane: Constraint['lane'];
  from: string | null;
  to: string | null;
}

/** What the records say of one interpreter change. */
export interface ApprovalOnRecord {
  run: string;
  kind: string;
  outcome: Outcome | null;
  /** As they were signed. */
  from: string | null;
  to: string;
  /** `HOST:LINK`, all of them. */
  environments: string[];
  /** Steps of the review that were approved. */
  approvedSteps: string[];
}

export interface ConstraintJudgement {
  change: ConstraintChange;
  allowed: boolean;
  /** Short id of the approval, `standing`, or null. */
  by: string | null;
  /** Why, in a line. */
  why: string;
}

/** What is judged with: of the policy in force, never of the one that is proposed. */
export interface ConstraintRules {
  approvals: ApprovalOnRecord[];
  /** `PROJECT` or `PROJECT/LANE`, of the policy. */
  standingLanes: string[];
  /** Steps of a review that come before the one that needs the new revision in force. */
  stepsBeforeRevision: string[];
  project: string;
  /** `HOST:LINK`; null: the project's name is looked for in the environments. */
  environment: string | null;
}

const groupOf = ({ file, place, kind, lane, excluded }: Constraint): string => JSON.stringify([file, place, kind, lane?.blocking ?? null, excluded]);

/** What head states otherwise than base. A lane that was only renamed, with all its versions, is no change. */
export function compareConstraints(base: readonly Constraint[], head: readonly Constraint[]): ConstraintChange[] {
  const [before, after] = withoutRenamed(base, head);
  const groups = new Map([...before, ...after].map((it) => [groupOf(it), it]));
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([group, sample]) => {
    const { gone, come } = difference(group, before, after);
    if (sample.lane?.blocking !== false) return pairsOf(sample, gone, come);
    // What moved between a lane that blocks and one that does not is told once, as what it is to the one that blocks.
    const blocking = difference(groupOf({ ...sample, lane: { ...sample.lane, blocking: true } }), before, after);
    return pairsOf(sample, gone.filter((it) => !blocking.come.includes(it)), come.filter((it) => !blocking.gone.includes(it)));
  });
}

function difference(group: string, before: Constraint[], after: Constraint[]): { gone: string[]; come: string[] } {
  const values = (of: Constraint[]): string[] => [...new Set(of.filter((it) => groupOf(it) === group).map(({ value }) => value))].sort();
  const [had, has] = [values(before), values(after)];
  return { gone: had.filter((value) => !has.includes(value)), come: has.filter((value) => !had.includes(value)) };
}

/** One for one is an exchange; otherwise each stands for itself. A version that is left out is one that goes. */
function pairsOf({ file, place, kind, lane, excluded }: Constraint, gone: string[], come: string[]): ConstraintChange[] {
  const told = { file, place, kind, lane };
  if (gone.length === 1 && come.length === 1 && !excluded) return [{ ...told, from: gone[0]!, to: come[0]! }];
  const [leaves, joins] = excluded ? [come, gone] : [gone, come];
  return [...leaves.map((from) => ({ ...told, from, to: null })), ...joins.map((to) => ({ ...told, from: null, to }))];
}

function withoutRenamed(base: readonly Constraint[], head: readonly Constraint[]): [Constraint[], Constraint[]] {
  const [before, after] = [lanesOf(base), lanesOf(head)];
  const left = new Map([...before].filter(([name]) => !after.has(name)));
  const renamed = new Set<string>();
  for (const [name, content] of [...after].filter(([name]) => !before.has(name))) {
    const old = [...left].find(([, other]) => other === content)?.[0];
    if (old === undefined) continue;
    left.delete(old);
    renamed.add(old).add(name);
  }
  const stays = (it: Constraint): boolean => it.lane === null || !renamed.has(laneKey(it));
  return [base.filter(stays), head.filter(stays)];
}

const laneKey = ({ file, lane }: Constraint): string => JSON.stringify([file, lane!.name]);

/** Lanes of each file, with all they state in one text. The place names the lane, so it is left out of it. */
function lanesOf(constraints: readonly Constraint[]): Map<string, string> {
  const lanes = new Map<string, string[]>();
  for (const it of constraints.filter(({ lane }) => lane !== null)) {
    lanes.set(laneKey(it), [...(lanes.get(laneKey(it)) ?? []), JSON.stringify([it.value, it.lane!.blocking, it.excluded, it.place.replace(it.lane!.name, '')])]);
  }
  return new Map([...lanes].map(([key, stated]) => [key, [...new Set(stated)].sort().join('\n')]));
}

/** Which approval covers each change, or what is missing. */
export function judgeConstraints(changes: readonly ConstraintChange[], rules: ConstraintRules): ConstraintJudgement[] {
  return changes.map((change) => {
    if (isStanding(change, rules)) return { change, allowed: true, by: 'standing', why: `lane ${change.lane!.name} does not block, and has a standing approval` };
    const refusals = rules.approvals.map((approval) => ({ approval, why: whyNot(change, approval, rules) }));
    const found = refusals.find(({ why }) => why === null);
    if (found) return { change, allowed: true, by: found.approval.run, why: `approved by ${found.approval.run}` };
    const why = refusals.map((it) => `${it.approval.run} ${it.why!}`).join('; ');
    return { change, allowed: false, by: null, why: why || 'no approval was named' };
  });
}

function isStanding({ kind, lane }: ConstraintChange, { standingLanes, project }: ConstraintRules): boolean {
  return kind === 'ci' && lane !== null && !lane.blocking && (standingLanes.includes(project) || standingLanes.includes(`${project}/${lane.name}`));
}

/** AP-13: exactly these versions, and here; null: it covers the change. */
function whyNot(change: ConstraintChange, approval: ApprovalOnRecord, rules: ConstraintRules): string | null {
  if (approval.kind !== 'interpreter-change') return `is a ${approval.kind}, not an interpreter-change`;
  const notDone = notApproved(change, approval, rules);
  if (notDone !== null) return notDone;
  const covers = (approved: string | null, value: string | null): boolean => value === null || (approved !== null && (plainSpec(value) === plainSpec(approved) || matchesSpec(value, approved)));
  if (!covers(approval.from, change.from) || !covers(approval.to, change.to)) return `is from ${approval.from ?? 'nothing'} to ${approval.to}`;
  return isNamed(change, approval, rules) ? null : `does not name ${rules.environment ?? `project ${rules.project}`}, it names ${approval.environments.join(', ')}`;
}

/**
 * The review ends after the policy's new revision is in force (AP-07), so a change of the policy itself needs only the steps before
 * that; it is taken only when the board and the CAB have signed it (AP-11).
 */
function notApproved({ kind }: ConstraintChange, { outcome, approvedSteps }: ApprovalOnRecord, { stepsBeforeRevision }: ConstraintRules): string | null {
  if (outcome === 'done') return null;
  if (outcome !== null) return `ended ${outcome}`;
  const missing = stepsBeforeRevision.filter((step) => !approvedSteps.includes(step));
  if (kind === 'policy' && stepsBeforeRevision.length > 0 && missing.length === 0) return null;
  return kind === 'policy' && missing.length > 0 ? `still waits for ${missing.join(', ')}` : 'has not ended';
}

/** A policy is of no one environment, unless one is asked for. */
function isNamed({ kind }: ConstraintChange, { environments }: ApprovalOnRecord, { environment, project }: ConstraintRules): boolean {
  if (environment !== null) return environments.includes(environment);
  return kind === 'policy' || environments.some((name) => name.split('/').at(-2) === project);
}

/** `.github/workflows/ci.yml job test python-version: from 3.12 to 3.13`. */
export function changeText({ file, place, from, to }: ConstraintChange): string {
  const what = from !== null && to !== null ? `from ${from} to ${to}` : from !== null ? `${from} goes` : `${to} comes`;
  return `${file} ${place}: ${what}`;
}
