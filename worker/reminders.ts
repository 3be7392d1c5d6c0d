/** The one schedule of the fleet: once a day, the dates of the policy. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { CONTROL_QUEUE } from '../policy/names.js';

const SCHEDULE_ID = 'policy-reminders';

/** Makes the schedule where there is none. At 06:00 UTC. */
export async function ensureReminders(client: Client): Promise<void> {
  const action = { type: 'startWorkflow' as const, workflowType: 'policyReminders', workflowId: SCHEDULE_ID, taskQueue: CONTROL_QUEUE, args: [] };
  try {
    await client.schedule.create({ scheduleId: SCHEDULE_ID, spec: { calendars: [{ hour: 6, minute: 0 }] }, action, policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
