import type { Command } from 'commander';
import { exceptionRow, inOrder, isRunning, isUndoneBy, type ExceptionRow } from '../../../policy/exception-rows.js';
import { remainingText, reviewAmong, reviewRunOf } from '../../../policy/exception-text.js';
import { formatEnvironment } from '../../../policy/ids.js';
import { localText } from '../../../policy/local-time.js';
import { oneLine } from '../../../policy/text.js';
import type { RecordsReader } from '../../../records/store.js';
import { readPolicy } from '../files.js';
import { findInstance, type Instance } from '../instance.js';
import { refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { tilde } from '../words.js';
import { rootCauseCommand } from './root-cause.js';

/** `runbook exception`: `list`, what stands for a time only, from the records alone; `root-cause`. */
export function exceptionCommand(program: Command, io: Io): void {
  const exception = program.command('exception');
  exception
    .command('list')
    .description('exceptions that are not over, and the last ones that are')
    .option('--recent <n>', 'how many that are over', readRecent, 10)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook exception list')
    .action((options: { recent: number; json?: boolean }) => listExceptions(io, findInstance(), options.recent, options.json ?? false));
  rootCauseCommand(exception, io);
}

function listExceptions(io: Io, instance: Instance, recent: number, json: boolean): void {
  const { calendar } = readPolicy(instance.paths).policy;
  const now = io.now().toISOString();
  const records = recordsOf(instance);
  const rows = inOrder(records ? rowsOf(records, now) : [], recent);
  records?.close();
  if (json) return io.out(JSON.stringify(rows.map((row) => ({ ...row, expiresLocal: row.expiresAt && localText(row.expiresAt, calendar.timeZone) })), null, 2));
  if (rows.length === 0) return io.out('no exception on record');
  for (const line of rows.flatMap((row) => rowLines(row, now, calendar.timeZone))) io.out(line);
}

function rowsOf(records: RecordsReader, now: string): ExceptionRow[] {
  return records.listRuns({ kind: 'exception', limit: 1_000 }).map((view) => {
    const name = reviewRunOf(view.run);
    const isUndone = records.listRuns({ host: view.host, link: view.link, limit: 100 }).some((other) => isUndoneBy(view, other));
    return exceptionRow(view, name === null ? null : reviewAmong(records.runsNamed([name]), view), now, isUndone);
  });
}

/** `ex-3p9d  active  3.12.11 → 3.13.9  web-01:/srv/pricer`, and below it what runs out and what is missing. */
function rowLines(row: ExceptionRow, now: string, timeZone: string): string[] {
  const { run, state, from, to, ground, hours, requester, grantedBy, grantedAt, expiresAt, remainingMs, rootCause, review, message } = row;
  const by = grantedAt === null ? 'not granted' : `granted by ${grantedBy.join(', ') || 'people that are not on record'}`;
  const end = expiresAt === null ? [] : [`  ${isRunning(state) ? 'expires' : 'expired'} ${localText(expiresAt, timeZone)}, ${expiresAt}${remainingMs === null ? '' : `, ${remainingText(expiresAt, now)}`}`];
  const after = grantedAt === null ? [] : [`  root cause ${rootCause === null ? 'not handed in' : `by ${rootCause.by}`} · review ${review === null ? 'not begun' : `${review.run}: ${review.state}`}`];
  return [
    tilde(`${run}  ${state}  ${from ?? '—'} → ${to ?? '—'}  ${formatEnvironment(row)}`),
    `  ${ground ?? 'ground not on record'}${hours === null ? '' : `, ${hours} h`}, asked by ${requester}, ${by}`,
    ...end,
    ...after,
    ...(message === '' ? [] : [`  ${oneLine(message)}`]),
  ];
}

function readRecent(raw: string): number {
  if (/^(0|[1-9]\d{0,3})$/.test(raw)) return Number(raw);
  throw refusal([{ what: '--recent', expected: 'a number from 0 to 9999', got: raw, wayOut: 'runbook exception list --recent 20' }]);
}
