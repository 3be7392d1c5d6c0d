import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { SlackPayload } from '../../../policy/notification.js';
import { certificateFor, fileFor, folderFor, httpReceiver, notifierFor, told } from '../../support/receivers.js';

const SECRET = 'f2c1d7a04be94c0d8f6a5e3b';
const AT = Date.parse('2026-11-21T19:00:00Z');

const policyOf = (channels: Record<string, unknown>): string => JSON.stringify({ notifications: { channels, recipients: { cab: Object.keys(channels) } } });
const webhook = (t: TestContext, url: string, fields: Record<string, unknown> = {}) => policyOf({ hook: { type: 'webhook', url, secretFile: fileFor(t, `${SECRET}\n`), ...fields } });
const slack = (t: TestContext, url: string, fields: Record<string, unknown> = {}) => policyOf({ chat: { type: 'slack', urlFile: fileFor(t, `${url}\n`), ...fields } });
const ends = (status: number, headers: Record<string, string> = {}, body = '') => (response: ServerResponse) => void response.writeHead(status, headers).end(body);

async function refusal(act: Promise<unknown>): Promise<{ all: string; problem: string }> {
  const failure = await act.then(() => assert.fail('it was delivered'), (caught: unknown) => caught);
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  assert.deepEqual([failure.type, failure.nonRetryable, failure.cause], ['NotDelivered', false, undefined], failure.message);
  const [failed] = failure.details as [{ channel: string; problem: string }[]];
  return { all: `${failure.message} ${failure.stack} ${JSON.stringify(failure)}`, problem: failed[0]!.problem };
}

test('a webhook gets JSON, an idempotency key, and a signature over its time and its body', async (t) => {
  const receiver = await httpReceiver(t, ends(200));
  const { notify } = notifierFor(t, webhook(t, `${receiver.url}/hooks/runbook?tenant=7`), { now: () => AT });
  assert.deepEqual(await notify({ notification: told, role: 'cab' }), { delivered: ['hook'], failed: [] });
  const { method, path: at, headers, body } = receiver.received[0]!;
  assert.deepEqual([method, at, headers['content-type'], headers['idempotency-key'], headers['x-runbook-timestamp']], ['POST', '/hooks/runbook?tenant=7', 'application/json; charset=utf-8', told.id, String(AT / 1000)]);
  assert.deepEqual(JSON.parse(body), { version: 1, ...told });
  assert.equal(headers['x-runbook-signature'], `sha256=${createHmac('sha256', SECRET).update(`${AT / 1000}.`).update(Buffer.from(body)).digest('hex')}`);
});

test('the command of docs/notifications.md verifies a delivery with stock openssl, and refuses a changed body, time or secret', async (t) => {
  const docs = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/notifications.md'), 'utf8');
  const script = /<!-- verified by a test -->\n```sh\n([\s\S]*?)```/.exec(docs)?.[1] ?? assert.fail('docs/notifications.md has no such command');
  const receiver = await httpReceiver(t, ends(204));
  await notifierFor(t, webhook(t, receiver.url)).notify({ notification: { ...told, lines: ['Zürich %s \\n `id` $HOME'] }, role: 'cab' });
  const { headers, body } = receiver.received[0]!;
  const folder = folderFor(t);
  const verify = (given: { body: string; timestamp: string; secret: string }): string => {
    writeFileSync(path.join(folder, 'body.json'), given.body);
    writeFileSync(path.join(folder, 'secret'), `${given.secret}\n`);
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin', TIMESTAMP: given.timestamp, SIGNATURE: String(headers['x-runbook-signature']) };
    return execFileSync('/bin/sh', ['-c', script], { cwd: folder, env, encoding: 'utf8' }).trim();
  };
  const good = { body, timestamp: String(headers['x-runbook-timestamp']), secret: SECRET };
  assert.equal(verify(good), 'genuine');
  for (const bad of [{ ...good, body: body.replace('3.12.1', '3.12.2') }, { ...good, timestamp: String(Number(good.timestamp) + 1) }, { ...good, secret: SECRET.replace('f', 'e') }]) assert.equal(verify(bad), 'FORGED');
});

test('invariant 10: 500, then 200: the second attempt sends the same bytes under the same key, with a time of its own', async (t) => {
  const receiver = await httpReceiver(t, (response, n) => ends(n === 1 ? 500 : 200)(response));
  let at = AT;
  const { notify } = notifierFor(t, webhook(t, receiver.url), { now: () => at });
  const { problem } = await refusal(notify({ notification: told, role: 'cab' }));
  assert.equal(problem, 'expected an answer 2xx, got 500');
  at += 60_000;
  assert.deepEqual((await notify({ notification: told, role: 'cab' })).delivered, ['hook']);
  const [first, second] = receiver.received;
  assert.equal(second!.body, first!.body);
  assert.equal(second!.headers['idempotency-key'], first!.headers['idempotency-key']);
  assert.notEqual(second!.headers['x-runbook-signature'], first!.headers['x-runbook-signature']);
});

test('a redirect is not followed: the place it names gets nothing', async (t) => {
  const elsewhere = await httpReceiver(t, ends(200));
  for (const status of [301, 302, 307, 308]) {
    const receiver = await httpReceiver(t, ends(status, { location: elsewhere.url }));
    const { problem } = await refusal(notifierFor(t, webhook(t, receiver.url)).notify({ notification: told, role: 'cab' }));
    assert.equal(problem, `expected an answer 2xx, got ${status}; redirects are not followed: name the address it leads to`);
  }
  assert.equal(elsewhere.received.length, 0);
});

test('a receiver that hangs before its answer is given up at the limit', async (t) => {
  const receiver = await httpReceiver(t, () => undefined);
  const { problem } = await refusal(notifierFor(t, webhook(t, receiver.url), { limitMs: 300 }).notify({ notification: told, role: 'cab' }));
  assert.equal(problem, `${new URL(receiver.url).host}: no answer within 0.3 s`);
});

/** Writes until the other side has had enough; how the connection ended. */
async function endless(response: ServerResponse, status: number): Promise<void> {
  response.on('error', () => undefined);
  response.writeHead(status);
  const isClosed = once(response, 'close');
  const piece = Buffer.alloc(64 * 1024, 'x');
  while (!response.destroyed) if (!response.write(piece)) await Promise.race([once(response, 'drain').catch(() => undefined), isClosed]);
}

test('an answer without end is hung up on, whether it says yes or no', async (t) => {
  const closings: Promise<void>[] = [];
  const receiver = await httpReceiver(t, (response, n) => void closings.push(endless(response, n === 1 ? 200 : 503)));
  const { notify } = notifierFor(t, webhook(t, receiver.url));
  assert.deepEqual((await notify({ notification: told, role: 'cab' })).delivered, ['hook']);
  assert.equal((await refusal(notify({ notification: told, role: 'cab' }))).problem, 'expected an answer 2xx, got 503');
  // The server's side ends only because the client's did.
  await Promise.all(closings);
  assert.equal(closings.length, 2);
});

test('https with the CA that is named; without it nothing is sent', async (t) => {
  const tls = certificateFor(t);
  const receiver = await httpReceiver(t, ends(200), tls);
  const { problem } = await refusal(notifierFor(t, webhook(t, receiver.url)).notify({ notification: told, role: 'cab' }));
  assert.match(problem, /signed by nobody trusted here/);
  assert.equal(receiver.received.length, 0);
  assert.deepEqual((await notifierFor(t, webhook(t, receiver.url, { caFile: tls.caFile })).notify({ notification: told, role: 'cab' })).delivered, ['hook']);
});

test('a signing secret that could be guessed is refused, and not quoted', async (t) => {
  const receiver = await httpReceiver(t, ends(200));
  const { problem, all } = await refusal(notifierFor(t, webhook(t, receiver.url, { secretFile: fileFor(t, 'swordfish') })).notify({ notification: told, role: 'cab' }));
  assert.match(problem, /at least 16 characters, got 9; openssl rand -hex 32 makes one/);
  assert.doesNotMatch(all, /swordfish/);
  assert.equal(receiver.received.length, 0);
});

test('Slack gets a text and blocks of plain text: no mention, no link, no markup of what a requester wrote', async (t) => {
  const receiver = await httpReceiver(t, ends(200, {}, 'ok'));
  const { notify } = notifierFor(t, slack(t, `${receiver.url}/services/T0/B0/XXXX`));
  await notify({ notification: { ...told, severity: 'warning', lines: ['<!channel> <@U123> <https://evil.example|plan> & @here *bold*', 'reason: y'] }, role: 'cab' });
  const { path: at, headers, body } = receiver.received[0]!;
  assert.deepEqual([at, headers['idempotency-key'], headers['x-runbook-signature']], ['/services/T0/B0/XXXX', told.id, undefined]);
  const payload = JSON.parse(body) as SlackPayload;
  assert.deepEqual(Object.keys(payload).sort(), ['blocks', 'link_names', 'mrkdwn', 'text']);
  assert.equal(payload.text.split('\n')[0], 'WARNING: approval wanted: web-01 to Python 3.12.1');
  assert.equal(payload.text.split('\n')[1], '&lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|plan&gt; &amp; @\u200bhere *bold*');
  assert.deepEqual(payload.blocks.map((it) => it.type), ['header', 'section', 'context']);
  const texts = payload.blocks.flatMap((it) => (it.type === 'context' ? it.elements : [it.text]));
  assert.deepEqual([...new Set(texts.map((it) => it.type))], ['plain_text']);
  assert.match(texts[1]!.text, /\nTo answer: runbook approve 01JD4RXS5M$/);
});

test('invariant 13: the address of a Slack webhook is in no error, whatever goes wrong with it', async (t) => {
  const path = '/services/T0SECRET/B0SECRET/abcdefsecret';
  const saysItBack = await httpReceiver(t, ends(404, {}, `no service at ${path}`));
  const word = await httpReceiver(t, ends(403, {}, 'invalid_token'));
  const moved = await httpReceiver(t, ends(302, { location: `http://127.0.0.1:1${path}` }));
  const cases: [string, RegExp][] = [
    [`${saysItBack.url}${path}`, /^expected an answer 2xx, got 404$/],
    [`${word.url}${path}`, /^expected an answer 2xx, got 403 invalid_token$/],
    [`${moved.url}${path}`, /got 302; redirects are not followed/],
    [`http://127.0.0.1:1${path}`, /^the address in \/\S+: connection refused \(ECONNREFUSED\)$/],
    [`http://hooks.example.com${path}`, /expected an https address/],
    [`ftp://127.0.0.1${path}`, /expected an https address/],
    [`not an address ${path}`, /expected an https address/],
  ];
  for (const [url, expected] of cases) {
    const { problem, all } = await refusal(notifierFor(t, slack(t, url)).notify({ notification: told, role: 'cab' }));
    assert.match(problem, expected, url);
    assert.doesNotMatch(all, /T0SECRET|B0SECRET|abcdefsecret/, url);
  }
});
