import type { Command } from 'commander';
import { formatEnvironment, parseWorkflowId, shortIdOf } from '../../../policy/ids.js';
import type { RunView } from '../../../policy/run-view.js';
import { isException } from '../../../policy/standing.js';
import { findInstance, type Instance } from '../instance.js';
import { localTime, refusal, table, type Io } from '../io.js';
import { openWorkflowIds, recordsOf } from '../known-runs.js';
import { withClient } from '../temporal.js';
import { tilde } from '../words.js';

interface Row {
  run: string;
  environment: string;
  versions: string;
  state: string;
  since: string;
}

/** `runbook list`: runs, newest first, from the records, with Temporal's open ones that are not on record yet. */
export function listCommand(program: Command, io: Io): void {
  program
    .command('list')
    .option('--open', 'only runs that have not ended')
    .option('--host <name>', 'only this host')
    .option('--limit <n>', 'how many at most', readLimit, 20)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook list --open')
    .action(async (options: { open?: boolean; host?: string; limit: number; json?: boolean }) => {
      const instance = findInstance();
      const recorded = recordsOf(instance)?.listRuns({ limit: options.limit, ...(options.open ? { open: true } : {}), ...(options.host ? { host: options.host } : {}) }) ?? [];
      const fresh = recorded.length === 0 || options.open ? await unrecorded(instance, recorded, options.host) : [];
      if (options.json) return io.out(JSON.stringify([...fresh, ...recorded], null, 2));
      const rows = [...fresh, ...recorded.map(rowOf)];
      if (rows.length === 0) return io.out('no runs yet: runbook run change PATH');
      for (const line of table(['RUN', 'SINCE', 'STATE', 'VERSIONS', 'ENVIRONMENT'], rows.map((r) => [r.run, r.since, r.state, r.versions, tilde(r.environment)]))) io.out(line);
    });
}

/** An open run's records know its last finished step, or what it waits for; an exception's, until when it lasts (EE-11). */
function stateOf(view: RunView): string {
  const { phase, steps, outcome, exception } = view;
  if (exception?.reverted?.verified) return 'reverted';
  if (isException(view) && outcome === null && phase !== 'unsettled') return `exception to ${localTime(view.end!)}`;
  const last = steps.at(-1);
  return outcome ?? ((phase === 'starting' || phase === 'approved') && last ? `after ${last.step}` : phase);
}

function readLimit(raw: string): number {
  if (/^[1-9]\d{0,4}$/.test(raw)) return Number(raw);
  throw refusal([{ what: '--limit', expected: 'a number from 1 to 99999', got: raw, wayOut: 'runbook list --limit 50' }]);
}

function rowOf(view: RunView): Row {
  return {
    run: view.run,
    environment: formatEnvironment(view),
    versions: `${view.from ?? '—'} → ${view.to ?? '—'}`,
    state: stateOf(view),
    since: localTime(view.startedAt),
  };
}

/** Open runs that no record tells of yet; none when no server answers, because the records still do. */
async function unrecorded(instance: Instance, known: RunView[], host: string | undefined): Promise<Row[]> {
  if (instance.address === null) return [];
  const ids = await withClient(instance, openWorkflowIds).catch(() => []);
  const seen = new Set(known.map((view) => view.workflowId));
  return ids.filter((id) => !seen.has(id)).flatMap((id) => {
    const parsed = parseWorkflowId(id);
    if (!parsed || (host && parsed.env.host !== host)) return [];
    return [{ run: shortIdOf(id) ?? id, environment: formatEnvironment(parsed.env), versions: '—', state: 'starting', since: 'now' }];
  });
}
