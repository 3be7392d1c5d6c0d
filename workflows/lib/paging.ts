/** Telling people from within a run, without waiting for it. */
import { ParentClosePolicy, proxyActivities, startChild, workflowInfo } from '@temporalio/workflow';
import { formatEnvironment } from '../../policy/ids.js';
import type { Notification } from '../../policy/notification.js';
import type { ControlActivities } from '../../activities/control/contract.js';
import type { notifyRoles, NotifyInput } from '../notify-roles.js';
import { rethrowMistake } from './failures.js';

/** A page that no channel delivered within it goes on to the next role. */
const PAGE_LIMIT = '10 minutes';

const patient = proxyActivities<Pick<ControlActivities, 'notify'>>({
  startToCloseTimeout: '1 minute',
  scheduleToCloseTimeout: PAGE_LIMIT,
  retry: { initialInterval: '5 seconds', maximumInterval: '1 minute' },
  summary: 'tell people',
});

export const notifyWithin: ControlActivities['notify'] = (input) => patient.notify(input);

export interface Page extends Pick<Notification, 'event' | 'subject' | 'lines' | 'command' | 'deadline' | 'severity'> {
  to: string[];
  otherwise: string[];
}

/** Pages of one run, numbered, so that each is told once however often its code is run again. */
export class Pager {
  private count = 0;

  /** `scope`: begins the ids; one for each pager of a run. */
  constructor(private readonly about: NotifyInput['about'], private readonly scope = workflowInfo().firstExecutionRunId) {}

  /** Returns when the telling has begun, and never fails: who can't be told stops no decision. */
  async page({ to, otherwise, ...what }: Page): Promise<void> {
    const id = `${this.scope}/${++this.count}-${what.event}`;
    const { run, kind, env } = this.about;
    const notification: Notification = { id, run, kind, where: formatEnvironment(env), ...what };
    await startChild<typeof notifyRoles>('notifyRoles', {
      args: [{ notification, to, otherwise, about: this.about }],
      workflowId: `notify/${id}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${what.event}: ${what.subject}`.slice(0, 200),
    }).catch(rethrowMistake);
  }
}
