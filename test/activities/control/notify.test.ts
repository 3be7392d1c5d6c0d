import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { certificateFor, fileFor, httpReceiver, mailServer, notifierFor, told } from '../../support/receivers.js';

async function failureOf(act: Promise<unknown>): Promise<ApplicationFailure> {
  const failure = await act.then(() => assert.fail('it was delivered'), (caught: unknown) => caught);
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  return failure;
}

test('all channels of a role are told at once; one that takes it is enough, and the others are named', async (t) => {
  const mail = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  // Each answers only when both have been asked.
  const waiting: (() => void)[] = [];
  const both = (status: number) => (response: import('node:http').ServerResponse) => {
    waiting.push(() => void response.writeHead(status).end());
    if (waiting.length === 2) for (const answer of waiting) answer();
  };
  const [good, bad, unrelated] = [await httpReceiver(t, both(200)), await httpReceiver(t, both(500)), await httpReceiver(t, (response) => void response.end())];
  const hook = (url: string) => ({ type: 'webhook', url, secretFile: fileFor(t, 'a-secret-of-the-hook') });
  const channels = {
    mail: { type: 'smtp', host: '127.0.0.1', port: mail.port, secure: 'none', from: 'a@example.com', to: ['b@example.com'] },
    good: hook(good.url),
    bad: hook(bad.url),
    readable: { type: 'slack', urlFile: fileFor(t, 'https://hooks.example.com/x', 0o644) },
    unrelated: hook(unrelated.url),
  };
  const { notify } = notifierFor(t, JSON.stringify({ notifications: { channels, recipients: { cab: ['mail', 'good', 'bad', 'readable', 'gone', 'good'] } } }));
  const result = await notify({ notification: told, role: 'cab' });
  assert.deepEqual(result.delivered, ['mail', 'good']);
  assert.deepEqual(result.failed.map((it) => it.channel), ['bad', 'readable', 'gone']);
  assert.match(result.failed[1]!.problem, /only its owner may read, got mode 0644/);
  assert.equal(result.failed[2]!.problem, 'the policy has no channel of this name');
  assert.deepEqual([mail.mails.length, good.received.length, bad.received.length, unrelated.received.length], [1, 1, 1, 0]);
});

test('a role without a channel: final, with the key of the policy to write', async (t) => {
  for (const [notifications, got] of [['{}', 'got none'], ['{ recipients: { cab: [chat] } }', 'got only chat, which the policy does not have']] as const) {
    const { notify } = notifierFor(t, `notifications: ${notifications}\n`);
    const failure = await failureOf(notify({ notification: told, role: 'cab' }));
    assert.deepEqual([failure.type, failure.nonRetryable, failure.details], ['NotDelivered', true, [[]]]);
    assert.ok(failure.message.includes(got) && failure.message.includes('notifications.recipients.cab'), failure.message);
  }
  const { notify } = notifierFor(t, '{}');
  for (const role of ['constructor', '__proto__', 'toString']) assert.equal((await failureOf(notify({ notification: told, role }))).nonRetryable, true, role);
});

test('none could: retryable, every channel with its reason; the policy that is repaired meanwhile is used', async (t) => {
  const receiver = await httpReceiver(t, (response) => void response.writeHead(503).end());
  const working = await httpReceiver(t, (response) => void response.end());
  const policy = (url: string) => JSON.stringify({ notifications: { channels: { one: { type: 'webhook', url, secretFile: fileFor(t, 'a-secret-of-the-hook') }, two: { type: 'slack', urlFile: '/nonexistent/url' } }, recipients: { cab: ['one', 'two'] } } });
  const { notify, file } = notifierFor(t, policy(receiver.url));
  const failure = await failureOf(notify({ notification: told, role: 'cab' }));
  assert.deepEqual([failure.type, failure.nonRetryable, failure.cause], ['NotDelivered', false, undefined]);
  assert.equal(failure.message, 'role cab was not told "asked" of run 01JD4RXS5M: expected one channel to take it, got one: expected an answer 2xx, got 503; two: /nonexistent/url: expected a file with the webhook address, got ENOENT');
  assert.deepEqual(failure.details, [[{ channel: 'one', problem: 'expected an answer 2xx, got 503' }, { channel: 'two', problem: '/nonexistent/url: expected a file with the webhook address, got ENOENT' }]]);
  writeFileSync(file, policy(working.url));
  assert.deepEqual((await notify({ notification: told, role: 'cab' })).delivered, ['one']);
});

test('invariant 13: what a notification must not hold reaches no receiver: credentials in its texts are masked in all of them', async (t) => {
  const tls = certificateFor(t);
  const mail = await mailServer(t, { cert: tls.cert, key: tls.key });
  const receiver = await httpReceiver(t, (response) => void response.end());
  const channels = {
    mail: { type: 'smtp', host: '127.0.0.1', port: mail.port, secure: 'starttls', caFile: tls.caFile, from: 'a@example.com', to: ['b@example.com'] },
    hook: { type: 'webhook', url: receiver.url, secretFile: fileFor(t, 'a-secret-of-the-hook') },
    chat: { type: 'slack', urlFile: fileFor(t, receiver.url) },
  };
  const leak = 'index https://robot:hunter2@pypi.example.com/simple with token=hunter3 and password: "hunter4"';
  const { notify } = notifierFor(t, JSON.stringify({ notifications: { channels, recipients: { cab: ['mail', 'hook', 'chat'] } } }));
  await notify({ notification: { ...told, subject: leak, where: leak, run: leak, kind: leak, command: leak, deadline: leak, lines: [leak, `${'x '.repeat(3000)}${leak}`] }, role: 'cab' });
  const sent = [mail.mails[0]!.raw, mail.mails[0]!.body, mail.mails[0]!.headers.get('subject')!.join(' '), ...receiver.received.map((it) => it.body)];
  assert.equal(sent.length, 5);
  for (const text of sent) assert.doesNotMatch(text, /hunter\d|a-secret-of-the-hook/);
  for (const text of sent) assert.match(text, /\*\*\*/);
});
