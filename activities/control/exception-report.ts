/** The incident report of an exception, from its records and what its run knows beyond them (EE-13). */
import { exceptionDocuments } from '../../policy/documents/exception.js';
import { reviewAmong, reviewRunOf } from '../../policy/exception-text.js';
import { declaredAt } from '../../policy/exception-view.js';
import type { ExceptionClock } from '../../policy/model-approval.js';
import type { RunRecord } from '../../policy/report/exception.js';
import type { RunView } from '../../policy/run-view.js';
import type { RecordsReader } from '../../records/store.js';
import type { ApprovalActivities } from './contract-approval.js';
import { recordsFailure } from './records.js';

export type ReportRecords = Pick<RecordsReader, 'file' | 'run' | 'runsNamed' | 'entriesOf' | 'getEvidence'>;

/** @throws ApplicationFailure RecordsUnavailable; without any record of the run there is nothing to report. */
export function createExceptionReportActivities(records: ReportRecords): Pick<ApprovalActivities, 'renderException'> {
  return {
    async renderException({ run, clock, outcome, message, from, to, at }) {
      try {
        const found = records.run(run);
        if (!found) return { documents: [] };
        const view: RunView = { ...found, outcome, message, from: from ?? found.from, to: to ?? found.to, endedAt: at, phase: 'ended', waitsFor: [], exception: clockOf(found, clock, at) };
        const entries = records.entriesOf(found.chain).map(({ entry }) => entry);
        const rootCause = clock.rootCause ? records.getEvidence(clock.rootCause.sha256) : null;
        return { documents: exceptionDocuments({ view, entries, review: reviewOf(records, found, clock), rootCause, expiresLocal: clock.expiresLocal, at }) };
      } catch (error) {
        throw recordsFailure(error, records.file);
      }
    },
  };
}

/** The run's own clock where it knows, else the records'. */
function clockOf({ exception, startedAt }: RunView, clock: ExceptionClock, at: string): NonNullable<RunView['exception']> {
  const told = exception ?? declaredAt(startedAt);
  return {
    ...told,
    ground: clock.ground, hours: clock.hours, declaredAt: clock.declaredAt, conveneBy: clock.conveneBy || told.conveneBy,
    convenedAt: clock.convenedAt ?? told.convenedAt, grantedAt: clock.grantedAt, expiresAt: clock.expiresAt, rootCause: clock.rootCause,
    ...(clock.ending === 'made-permanent' ? { permanentAt: told.permanentAt ?? at, permanentBy: told.permanentBy ?? clock.review?.run ?? null } : {}),
  };
}

function reviewOf(records: ReportRecords, found: RunView, clock: ExceptionClock): RunRecord | null {
  const name = clock.review?.run ?? reviewRunOf(found.run);
  const view = name === null ? null : reviewAmong(records.runsNamed([name]), found);
  return view ? { view, entries: records.entriesOf(view.chain).map(({ entry }) => entry) } : null;
}
