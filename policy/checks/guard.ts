/** PV-19: whether a command may start in an environment now. Loaded before every start that is guarded: it imports nothing. */
import type { Objection } from '../model.js';
import type { PythonStatus } from './results.js';

/** What the policy says of the interpreter by itself, and what `--to` takes for one that it approves. */
export interface JudgedInterpreter {
  status: PythonStatus;
  /** One sentence, with what was expected. */
  text: string;
  to: string;
}

/** What `.venvs/state.json` says of one environment. */
export interface StateEntry {
  tree: string;
  run: string | null;
  /** ISO instant at which the host goes back from it; null: it does not end by itself. */
  end: string | null;
}

/** What stands at a link at one moment. */
export interface GuardFacts {
  /** Unix milliseconds. */
  now: number;
  /** The link, and what a command takes to name it. */
  link: string;
  target: string;
  /** Name of the tree below `.venvs`; null where the link leads elsewhere, or is a folder itself. */
  treeId: string | null;
  /** Told by itself: `3.12.1`. */
  version: string;
  /** Line of its `pyvenv.cfg` that says for which version it was made; null: it says none. */
  configured: string | null;
  judged: JudgedInterpreter;
  /** Entry of this link; counts only where its tree is the one that stands here. */
  entry: StateEntry | null;
}

/** Null: it may start. Else the first thing that forbids it. An end that has come forbids also what the policy approves. */
export function guardObjection(facts: GuardFacts): Objection | null {
  const { now, link, target, version, configured, judged } = facts;
  const standing = standingOf(facts);
  if (standing !== null && !(Date.parse(standing.end) > now)) {
    return { what: link, expected: `a start before ${standing.end}, when ${standing.run ?? 'its change'} ended`, got: `one at ${new Date(now).toISOString()}`, wayOut: `the host goes back by itself; runbook undo ${target} --local --reason "it has ended" does it now` };
  }
  const made = configured === null ? null : lineOf(configured);
  if (made !== null && made !== lineOf(version)) {
    return { what: `interpreter of ${link}`, expected: `Python ${made}, for which its packages were installed`, got: version, wayOut: `runbook run change ${target} --to ${judged.to}` };
  }
  const isApproved = judged.status === 'primary' || judged.status === 'fallback';
  // EE-11: what a granted exception allows, until its end.
  if (isApproved || standing !== null) return null;
  return { what: `interpreter of ${link}`, expected: 'one that the policy approves', got: judged.text, wayOut: `runbook run change ${target} --to ${judged.to}` };
}

function standingOf({ entry, treeId }: GuardFacts): { run: string | null; end: string } | null {
  return entry !== null && entry.end !== null && entry.tree === treeId ? { run: entry.run, end: entry.end } : null;
}

/** `3.12` of `3.12.1`, `3.12.1.final.0` and `3.12`; null for what is no version. */
function lineOf(version: string): string | null {
  return /^(\d+\.\d+)(\.|$)/.exec(version)?.[1] ?? null;
}
