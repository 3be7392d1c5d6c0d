/** Mail through the company's own server. */
import nodemailer from 'nodemailer';
import type { SmtpChannel } from '../../policy/files/notifications.js';
import { mailText, type Notification } from '../../policy/notification.js';
import { refused, TAKEN, type Delivery, type DeliveryContext } from './notify-delivery.js';
import { readCa, readSecret } from './notify-secret.js';

/** Bytes of one answer of a server. */
const ANSWER_BYTES = 64 * 1024;
/** A server that got all it needs has this long to close its side. */
const CLOSE_MS = 500;

/** Taken when the server took it for at least one address; the others are named. */
export async function deliverMail(channel: SmtpChannel, notification: Notification, context: DeliveryContext): Promise<Delivery> {
  const secrets = await readSecrets(channel);
  if ('problem' in secrets) return refused(secrets.problem);
  const transport = nodemailer.createTransport({ ...connection(channel, secrets), ...limits(context.limitMs), disableFileAccess: true, disableUrlAccess: true });
  const { subject, text, messageId, references } = mailText(notification, channel);
  const { rejected } = await transport.sendMail({
    from: { name: '', address: channel.from },
    to: channel.to.map((address) => ({ name: '', address })),
    subject,
    text,
    messageId,
    references,
    date: new Date(context.now()),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Runbook-Notification': notification.id },
    ...(notification.severity === 'critical' ? { priority: 'high' as const } : {}),
    signal: context.signal,
  });
  return rejected.length === 0 ? TAKEN : { taken: true, problem: `the server took it, and not for ${rejected.map(String).join(', ')}` };
}

interface Secrets {
  auth: { user: string; pass: string } | null;
  ca: string | null;
}

async function readSecrets({ userFile, passwordFile, caFile }: SmtpChannel): Promise<Secrets | { problem: string }> {
  const ca = caFile === undefined ? null : await readCa(caFile);
  if (ca !== null && 'problem' in ca) return ca;
  if (userFile === undefined || passwordFile === undefined) return { auth: null, ca: ca?.secret ?? null };
  const user = await readSecret(userFile, 'user name');
  if ('problem' in user) return user;
  const pass = await readSecret(passwordFile, 'password');
  if ('problem' in pass) return pass;
  return { auth: { user: user.secret, pass: pass.secret }, ca: ca?.secret ?? null };
}

function connection({ host, port, secure }: SmtpChannel, { auth, ca }: Secrets) {
  return {
    host,
    port,
    secure: secure === 'tls',
    requireTLS: secure === 'starttls',
    ignoreTLS: secure === 'none',
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca === null ? {} : { ca }) },
    // Asked for also where the server does not offer it: a message without the log-in that was ordered is not sent.
    ...(auth === null ? {} : { auth, forceAuth: true }),
  };
}

const limits = (limitMs: number) => ({ connectionTimeout: limitMs, greetingTimeout: limitMs, socketTimeout: limitMs, dnsTimeout: limitMs, socketCloseTimeout: CLOSE_MS, maxResponseSize: ANSWER_BYTES });
