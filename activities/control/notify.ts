/** Telling people: to all channels of a role at once, by the policy of this moment. At least once, with a stable id. */
import { ApplicationFailure } from '@temporalio/common';
import type { NotificationChannel, Notifications } from '../../policy/files/notifications.js';
import { isNotificationId, type Notification } from '../../policy/notification.js';
import { FAILURE } from '../../policy/names.js';
import { problemOf, refused, type Delivery, type DeliveryContext } from './notify-delivery.js';
import { deliverSlack, deliverWebhook } from './notify-http.js';
import { deliverMail } from './notify-mail.js';

/** Milliseconds for one delivery, files and connection included. */
export const DELIVERY_LIMIT_MS = 20_000;

export interface NotifyResult {
  /** Channels that took it; at least one. */
  delivered: string[];
  /** Channels that did not, and what a mail server took for some addresses only: such a channel stands in both. */
  failed: { channel: string; problem: string }[];
}

export interface NotifyActivities {
  /**
   * Done when one channel took it.
   * @throws ApplicationFailure NotDelivered: retryable when no channel took it now, final when the role has none; details: `failed`.
   */
  notify(input: { notification: Notification; role: string }): Promise<NotifyResult>;
}

/** What of the policy store is needed. */
export interface NotifyPolicies {
  current(): { policy: { notifications: Notifications } };
}

/** The policy is read at each notification: a channel that was repaired is used at the next attempt. */
export function createNotifyActivities(policies: NotifyPolicies, { now = Date.now, limitMs = DELIVERY_LIMIT_MS }: { now?: () => number; limitMs?: number } = {}): NotifyActivities {
  return {
    notify: async ({ notification, role }) => {
      if (!isNotificationId(notification.id)) throw ApplicationFailure.nonRetryable('a notification: expected an id of 1 to 200 visible ASCII characters, got another; make it from the run and what is told', FAILURE.BadInput);
      const channels = channelsOf(policies.current().policy.notifications, role);
      const all = await Promise.all(channels.map(async ([name, channel]) => ({ name, ...(await deliver(channel, notification, { now, limitMs })) })));
      const delivered = all.filter((it) => it.taken).map((it) => it.name);
      const failed = all.flatMap(({ name, problem }) => (problem === null ? [] : [{ channel: name, problem }]));
      if (delivered.length === 0) throw notDelivered(notification, role, failed);
      return { delivered, failed };
    },
  };
}

/** Channels of the role by name; final when there is none: trying again can't help. */
function channelsOf({ channels, recipients }: Notifications, role: string): [string, NotificationChannel | null][] {
  const names = [...new Set(Object.hasOwn(recipients, role) ? recipients[role] : [])];
  const found = names.map((name): [string, NotificationChannel | null] => [name, (Object.hasOwn(channels, name) && channels[name]) || null]);
  if (found.some(([, channel]) => channel !== null)) return found;
  const got = names.length === 0 ? 'none' : `only ${names.join(', ')}, which the policy does not have`;
  throw ApplicationFailure.create({ message: `role ${role}: expected a channel to tell it by, got ${got}; name one in the policy under notifications.recipients.${role}`, type: FAILURE.NotDelivered, nonRetryable: true, details: [[]] });
}

async function deliver(channel: NotificationChannel | null, notification: Notification, { now, limitMs }: Omit<DeliveryContext, 'signal'>): Promise<Delivery> {
  if (channel === null) return refused('the policy has no channel of this name');
  const context = { now, limitMs, signal: AbortSignal.timeout(limitMs) };
  try {
    return await send(channel, notification, context);
  } catch (error) {
    return refused(`${placeOf(channel)}: ${problemOf(error, context)}`);
  }
}

function send(channel: NotificationChannel, notification: Notification, context: DeliveryContext): Promise<Delivery> {
  switch (channel.type) {
    case 'smtp':
      return deliverMail(channel, notification, context);
    case 'slack':
      return deliverSlack(channel, notification, context);
    case 'webhook':
      return deliverWebhook(channel, notification, context);
  }
}

/** Where it was meant to go, without what may be a secret: an address's path and query, all of Slack's. */
function placeOf(channel: NotificationChannel): string {
  if (channel.type === 'smtp') return `${channel.host}:${channel.port}`;
  return channel.type === 'webhook' ? new URL(channel.url).host : `the address in ${channel.urlFile}`;
}

/** No cause: what libraries throw may hold what was sent. */
function notDelivered(notification: Notification, role: string, failed: NotifyResult['failed']): ApplicationFailure {
  const problems = failed.map((it) => `${it.channel}: ${it.problem}`).join('; ');
  return ApplicationFailure.create({ message: `role ${role} was not told "${notification.event}" of run ${notification.run}: expected one channel to take it, got ${problems}`, type: FAILURE.NotDelivered, nonRetryable: false, details: [failed] });
}
