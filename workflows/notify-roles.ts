/**
 * Tells people. A run of its own, so that no timer and no decision ever waits for a mail: all of `to` at once; where no channel
 * took it within ten minutes, whoever comes next, one after the other.
 */
import { workflowInfo } from '@temporalio/workflow';
import type { EnvironmentRef, RunKind } from '../policy/model.js';
import type { Notification } from '../policy/notification.js';
import type { AuditEvent } from '../policy/records.js';
import { failureText, rethrowMistake } from './lib/failures.js';
import { control } from './lib/host.js';
import { notifyWithin } from './lib/paging.js';

export interface NotifyInput {
  notification: Notification;
  /** Roles told at once. */
  to: string[];
  /** Roles told one after the other, where nobody of `to` could be. */
  otherwise: string[];
  /** What it is about, for the trail. */
  about: { run: string; kind: RunKind | 'watch'; env: EnvironmentRef; requester: string; reason: string };
}

export async function notifyRoles({ notification, to, otherwise, about }: NotifyInput): Promise<{ told: string[] }> {
  const problems: string[] = [];
  const tell = async (role: string): Promise<string | null> => {
    try {
      const { delivered, failed } = await notifyWithin({ notification, role });
      await append('notified', role, { event: notification.event, role, channels: delivered, failed });
      return role;
    } catch (error) {
      rethrowMistake(error);
      problems.push(`${role}: ${failureText(error)}`);
      return null;
    }
  };
  let told = (await Promise.all(to.map(tell))).filter((role) => role !== null);
  for (const role of otherwise) {
    if (told.length > 0) break;
    told = [await tell(role)].filter((name) => name !== null);
  }
  if (told.length === 0) await append('undelivered', 'nobody', { event: notification.event, roles: [...to, ...otherwise], problem: problems.join('; ') });
  return { told };

  async function append(event: AuditEvent, key: string, data: Record<string, unknown>): Promise<void> {
    const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
    const entry = { key: `${runId}/${key}`, run: about.run, kind: about.kind, event, at: new Date().toISOString(), workflowId, runId, chain, actor: about.requester, host: about.env.host, link: about.env.link, justification: about.reason, data };
    await control.appendRecords({ entries: [entry] });
  }
}
