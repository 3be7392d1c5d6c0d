/** What ties a warrant to the order that uses it, beyond its signatures. */
import type { Warrant } from '../../policy/model-approval.js';
import type { Objection, Plan } from '../../policy/model.js';
import type { SignersFile } from '../../policy/files/signers-file.js';
import { CLOCK_SKEW_MINUTES } from '../../policy/warrant.js';
import type { HostContext } from './context.js';
import type { Order } from './contract.js';

const HOUR_MS = 3_600_000;

/** The order is for the environment that was planned and approved, and of the run that asked. */
export function orderProblems({ env, run }: Order, plan: Plan, { facts }: Warrant): Objection[] {
  const problems: Objection[] = [];
  const place = ({ host, link }: Order['env']): string => `${host}:${link}`;
  for (const [whose, named] of [['the plan\'s', plan.env], ['the warrant\'s', facts.env]] as const) {
    if (place(named) !== place(env)) problems.push({ what: `${whose} environment`, expected: `${place(env)}, for which the order is`, got: place(named), wayOut: 'have a plan for this environment approved' });
  }
  if (facts.run !== run) problems.push({ what: 'run of the warrant', expected: `${run}, which orders this`, got: facts.run, wayOut: 'a warrant allows the run that asked for it' });
  return problems;
}

/**
 * EE-05: an exception ends by itself, no later than its hours after it began here, and was armed so; this host's own limit comes first.
 * `begunAt`: when its warrant was first taken, by this host's clock; its grant was before that, by another clock:
 * hence the few minutes.
 */
export function endProblems({ store }: HostContext, { chain }: Order, { kind, env }: Plan, { facts: { hours } }: Warrant, { maxExceptionHours }: SignersFile, begunAt: string): Objection[] {
  if (kind !== 'exception') return [];
  const what = `end of the exception of ${env.link}`;
  const problems: Objection[] = [];
  const limit = Math.min(hours ?? maxExceptionHours, maxExceptionHours);
  if (hours === null || hours > maxExceptionHours) problems.push({ what: 'hours of the exception', expected: `at most ${maxExceptionHours}, this host's limit`, got: hours === null ? 'none' : String(hours), wayOut: 'ask for fewer hours; "maxExceptionHours" in the signers file is the host administrator\'s' });
  const end = store.armed.get(chain)?.end ?? null;
  const latest = new Date(Date.parse(begunAt) + limit * HOUR_MS + CLOCK_SKEW_MINUTES * 60_000).toISOString();
  if (end === null) problems.push({ what, expected: 'one on this host\'s disk before anything is built', got: 'none', wayOut: 'armUndo comes first, with the end of the grant' });
  else if (!(Date.parse(end) <= Date.parse(latest))) problems.push({ what, expected: `${latest} or earlier, ${limit} hours after it began`, got: end, wayOut: 'arm it with the end of the grant' });
  return problems;
}
