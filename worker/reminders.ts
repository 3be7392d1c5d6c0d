/** The one schedule of the fleet: once a day, the dates of the policy. */
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { CONTROL_QUEUE } from '../policy/names.js';

const SCHEDULE_ID = 'policy-reminders';

/** Makes the schedule where there is none. At 06:00 UTC. Without the right to make one, nobody is reminded, and all else works: `log` is told. */
export async function ensureReminders(client: Client, log: (problem: string) => void): Promise<void> {
  const action = { type: 'startWorkflow' as const, workflowType: 'policyReminders', workflowId: SCHEDULE_ID, taskQueue: CONTROL_QUEUE, args: [] };
  try {
    await client.schedule.create({ scheduleId: SCHEDULE_ID, spec: { calendars: [{ hour: 6, minute: 0 }] }, action, policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) log(`no schedule for the dates of the policy: ${(error as Error).message}`);
  }
}
