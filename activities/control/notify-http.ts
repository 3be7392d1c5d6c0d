/** Webhooks: one POST, no redirect followed, signed where there is a secret for it. */
import { createHmac } from 'node:crypto';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { SlackChannel, WebhookChannel } from '../../policy/files/notifications.js';
import { slackPayload, webhookBody, type Notification } from '../../policy/notification.js';
import { refused, TAKEN, type Delivery, type DeliveryContext } from './notify-delivery.js';
import { readCa, readSecret } from './notify-secret.js';

/** Bytes of an answer that are read, and only of one that says no. */
const ANSWER_BYTES = 1024;
/** Characters; below it a signature could be guessed. */
const SECRET_LENGTH = 16;

interface Post {
  url: URL;
  id: string;
  body: string;
  headers?: Record<string, string>;
  caFile: string | undefined;
}

interface Answer {
  status: number;
  /** Its first bytes; empty when it said yes. */
  text: string;
}

/** Signed over `TIMESTAMP.BODY`: an old delivery can't be sent again as a new one. */
export async function deliverWebhook(channel: WebhookChannel, notification: Notification, context: DeliveryContext): Promise<Delivery> {
  const read = await readSecret(channel.secretFile, 'signing secret');
  if ('problem' in read) return refused(read.problem);
  if (read.secret.length < SECRET_LENGTH) return refused(`${channel.secretFile}: expected a signing secret of at least ${SECRET_LENGTH} characters, got ${read.secret.length}; openssl rand -hex 32 makes one`);
  const body = webhookBody(notification);
  const timestamp = String(Math.floor(context.now() / 1000));
  const signature = createHmac('sha256', read.secret).update(`${timestamp}.${body}`).digest('hex');
  const headers = { 'x-runbook-timestamp': timestamp, 'x-runbook-signature': `sha256=${signature}` };
  return post({ url: new URL(channel.url), id: notification.id, body, headers, caFile: channel.caFile }, context, () => null);
}

/** Slack's incoming webhook, and what takes the same: the address is the secret, so it is in no words. */
export async function deliverSlack(channel: SlackChannel, notification: Notification, context: DeliveryContext): Promise<Delivery> {
  const read = await readSecret(channel.urlFile, 'webhook address');
  if ('problem' in read) return refused(read.problem);
  const url = URL.canParse(read.secret) ? new URL(read.secret) : null;
  if (url === null || !mayCarrySecret(url)) return refused(`${channel.urlFile}: expected an https address (http on this machine only), got something else`);
  const body = JSON.stringify(slackPayload(notification));
  // Slack answers with one word that tells what is wrong: `no_service`, `invalid_payload`.
  return post({ url, id: notification.id, body, caFile: channel.caFile }, context, (text) => /^[a-z_]{3,40}$/.exec(text.trim())?.[0] ?? null);
}

function mayCarrySecret({ protocol, hostname }: URL): boolean {
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  return protocol === 'https:' || (protocol === 'http:' && isLoopback);
}

async function post(it: Post, context: DeliveryContext, wordOf: (text: string) => string | null): Promise<Delivery> {
  const ca = it.caFile === undefined ? null : await readCa(it.caFile);
  if (ca !== null && 'problem' in ca) return refused(ca.problem);
  const { status, text } = await answerTo(it, ca?.secret, context.signal);
  if (status >= 200 && status < 300) return TAKEN;
  const word = wordOf(text);
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed: name the address it leads to' : '';
  return refused(`expected an answer 2xx, got ${status}${word === null ? '' : ` ${word}`}${redirect}`);
}

function answerTo({ url, id, body, headers }: Post, ca: string | undefined, signal: AbortSignal): Promise<Answer> {
  const all = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body), 'user-agent': 'interpreter-runbooks', 'idempotency-key': id, ...headers };
  // No agent: a connection a delivery, so that no earlier one's end meets this one.
  const options = { method: 'POST', agent: false, headers: all, signal } as const;
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => void readAnswer(response).then(resolve, reject);
    const sent = url.protocol === 'https:' ? requestHttps(url, { ...options, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) }, take) : requestHttp(url, options, take);
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Who says yes is not listened to any longer; of a no, the first bytes, and only the first. */
async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const status = response.statusCode ?? 0;
  response.on('error', () => undefined);
  if (status >= 200 && status < 300) {
    response.destroy();
    return { status, text: '' };
  }
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece);
      size += piece.length;
      if (size >= ANSWER_BYTES) break;
    }
  } catch {
    // The status was there: what is missing of the words changes nothing.
  }
  return { status, text: Buffer.concat(pieces).toString('utf8', 0, ANSWER_BYTES) };
}
