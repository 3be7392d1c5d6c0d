/** Real receivers of notifications on loopback: a mail server, an HTTP server, and the files a channel names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { z } from 'zod';
import { createNotifyActivities, type NotifyActivities } from '../../activities/control/notify.js';
import { parseWith } from '../../policy/files/explain.js';
import { notificationsSchema } from '../../policy/files/notifications.js';
import type { Notification } from '../../policy/notification.js';

export const told: Notification = {
  id: 'change/web-01/01JD4RXS5M:asked:1',
  event: 'asked',
  run: '01JD4RXS5M',
  kind: 'change',
  where: 'web-01:/srv/pricer/.venv',
  subject: 'approval wanted: web-01 to Python 3.12.1',
  lines: ['carol asks for 3.12.1 on web-01', 'reason: security release'],
  command: 'runbook approve 01JD4RXS5M',
  deadline: '2026-11-24T19:00:30.000Z',
  severity: 'info',
};

/** A folder that is gone after the test. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'receivers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function fileFor(t: TestContext, text: string, mode = 0o600): string {
  const file = path.join(folderFor(t), 'secret');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** The activity over a policy of real YAML text that is read again at every notification. */
export function notifierFor(t: TestContext, text: string, options: Parameters<typeof createNotifyActivities>[1] = {}): NotifyActivities & { file: string } {
  const file = fileFor(t, text);
  const schema = z.strictObject({ notifications: notificationsSchema });
  const current = () => {
    const parsed = parseWith(schema, readFileSync(file, 'utf8'), { file, format: 'yaml' });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return { policy: parsed.value };
  };
  return { ...createNotifyActivities({ current }, options), file };
}

export interface Certificate {
  cert: string;
  key: string;
  /** The certificate as its own CA. */
  caFile: string;
}

/** Self-signed, for 127.0.0.1. */
export function certificateFor(t: TestContext, name = 'IP:127.0.0.1'): Certificate {
  const folder = folderFor(t);
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=receiver', '-addext', `subjectAltName=${name}`], { stdio: 'ignore' });
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), caFile: cert };
}

export interface Mail {
  from: string;
  to: string[];
  user: string | null;
  encrypted: boolean;
  /** As it came over the wire. */
  raw: string;
  /** Unfolded, by name in small letters. */
  headers: Map<string, string[]>;
  body: string;
}

export interface MailServer {
  port: number;
  mails: Mail[];
}

/** Takes mail for everybody but `nobody@…`. */
export async function mailServer(t: TestContext, options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    closeTimeout: 100,
    onRcptTo: ({ address }, _session, callback) => callback(address.startsWith('nobody@') ? Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 }) : null),
    onData: (stream, session, callback) => {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({ from: mailFrom === false || mailFrom === undefined ? '' : mailFrom.address, to: rcptTo.map((it) => it.address), user: typeof session.user === 'string' ? session.user : null, encrypted: session.secure === true, ...parsedMail(Buffer.concat(pieces).toString('utf8')) });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  const port = await listening(server.listen(0, '127.0.0.1'));
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port, mails };
}

function parsedMail(raw: string): Pick<Mail, 'raw' | 'headers' | 'body'> {
  const end = raw.indexOf('\r\n\r\n');
  const headers = new Map<string, string[]>();
  for (const line of raw.slice(0, end).replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? assert.fail(`no header: ${line}`);
    headers.set(name!.toLowerCase(), [...(headers.get(name!.toLowerCase()) ?? []), value!]);
  }
  const text = raw.slice(end + 4);
  const isQuoted = headers.get('content-transfer-encoding')?.[0] === 'quoted-printable';
  return { raw, headers, body: (isQuoted ? unquoted(text) : text).replaceAll('\r\n', '\n') };
}

/** Quoted-printable. */
function unquoted(text: string): string {
  const bytes = text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

export interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface Receiver {
  url: string;
  received: Received[];
}

/** Answers the nth request by `answer`; one that does not end it hangs. */
export async function httpReceiver(t: TestContext, answer: (response: ServerResponse, n: number) => void, tls?: Certificate): Promise<Receiver> {
  const received: Received[] = [];
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({ method: request.method!, path: request.url!, headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
      answer(response, received.length);
    });
  };
  const server = tls === undefined ? createServer(take) : createTlsServer({ cert: tls.cert, key: tls.key }, take);
  const port = await listening(server.listen(0, '127.0.0.1'));
  t.after(() => new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  }));
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, received };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (server.listening) resolve((server.address() as AddressInfo).port);
    else server.once('listening', () => resolve((server.address() as AddressInfo).port));
  });
}
