/**
 * Who is told, and by what: channels by name, and the channels of each role. No secret stands in the policy: an address that
 * is one, a password, a signing secret are files of the control worker's machine, read at each delivery.
 */
import { z } from 'zod';
import type { Objection } from '../model.js';
import { nearest } from './nearest.js';
import { roleName } from './people.js';

const absolute = z.string().regex(/^\/[^\0\n]*$/, 'expected an absolute path');
const channelName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected a name of small letters, digits and -, at most 40');
const mailAddress = z.email('expected a mail address without a display name');
const address = z
  .url({ protocol: /^https?$/, error: 'expected an http or https address' })
  .refine((url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''), 'expected an address without credentials; an address that is a secret belongs into a file of its own');

/** CA bundle (PEM) trusted for this channel instead of the machine's. */
const caFile = absolute.optional();

const smtp = z
  .strictObject({
    type: z.literal('smtp'),
    /** HM-08: the server's default. */
    host: z.string().regex(/^[A-Za-z0-9:][A-Za-z0-9.:-]*$/, 'expected a host name or an IP address').default('localhost'),
    /** 25: the relay of the machine; 587 and 465 where people log in. */
    port: z.int().min(1).max(65_535).default(25),
    /** Said, not guessed. `starttls`: refuses a server that does not offer it; `tls`: from the first byte. */
    secure: z.enum(['none', 'starttls', 'tls']),
    from: mailAddress,
    to: z.array(mailAddress).min(1).max(50),
    /** First words of every subject. */
    subjectPrefix: z.string().trim().min(1).max(60).regex(/^[^\u0000-\u001f\u007f]*$/, 'expected one line').default('[runbook]'),
    userFile: absolute.optional(),
    passwordFile: absolute.optional(),
    caFile,
  })
  .refine((it) => (it.userFile === undefined) === (it.passwordFile === undefined), { path: ['passwordFile'], message: 'expected userFile and passwordFile, or neither' })
  .refine((it) => it.passwordFile === undefined || it.secure !== 'none', { path: ['secure'], message: 'expected starttls or tls where a password is sent' });

/** `urlFile`: whoever has the address can post. */
const slack = z.strictObject({ type: z.literal('slack'), urlFile: absolute, caFile });

/** `secretFile`: what deliveries are signed with, 16 bytes at least. */
const webhook = z.strictObject({ type: z.literal('webhook'), url: address, secretFile: absolute, caFile });

const channel = z.discriminatedUnion('type', [smtp, slack, webhook], { error: (issue) => (issue.code === 'invalid_union' ? 'expected smtp, slack or webhook' : undefined) });

/** `notifications` of the policy. Without any, runs wait and are listed, and nobody is told. */
export const notificationsSchema = z
  .strictObject({
    channels: z.record(channelName, channel).default({}),
    /** All channels of a role get what the role is told; one that takes it is enough. */
    recipients: z.record(roleName, z.array(channelName).min(1)).default({}),
  })
  .prefault({});

export type Notifications = z.infer<typeof notificationsSchema>;
export type NotificationChannel = z.infer<typeof channel>;
export type SmtpChannel = z.infer<typeof smtp>;
export type SlackChannel = z.infer<typeof slack>;
export type WebhookChannel = z.infer<typeof webhook>;

/** For `policy check`: roles that are told through channels the policy does not have. A channel that nobody uses is none. */
export function notificationProblems({ notifications }: { notifications: Notifications }): Objection[] {
  const known = Object.keys(notifications.channels);
  return Object.entries(notifications.recipients).flatMap(([role, names]) => [...new Set(names)].filter((name) => !known.includes(name)).map((name) => unknownChannel(role, name, known)));
}

function unknownChannel(role: string, name: string, known: string[]): Objection {
  const guess = nearest(name, known);
  return {
    what: `notifications.recipients.${role}`,
    expected: known.length === 0 ? 'channels named under notifications.channels, of which there are none' : `channels among ${known.join(', ')}`,
    got: name,
    wayOut: guess === null ? `add "${name}" under notifications.channels, or take it from the role` : `did you mean "${guess}"?`,
  };
}
