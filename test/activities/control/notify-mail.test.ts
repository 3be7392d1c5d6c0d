import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { certificateFor, fileFor, mailServer, notifierFor, told } from '../../support/receivers.js';

const policyOf = (fields: Record<string, unknown>): string =>
  JSON.stringify({ notifications: { channels: { mail: { type: 'smtp', host: '127.0.0.1', from: 'runbook@example.com', to: ['cab@example.com'], secure: 'none', ...fields } }, recipients: { cab: ['mail'] } } });

async function refusal(act: Promise<unknown>): Promise<{ failure: ApplicationFailure; all: string; problem: string }> {
  const failure = await act.then(() => assert.fail('it was delivered'), (caught: unknown) => caught);
  assert.ok(failure instanceof ApplicationFailure, String(failure));
  assert.deepEqual([failure.type, failure.nonRetryable, failure.cause], ['NotDelivered', false, undefined], failure.message);
  const [failed] = failure.details as [{ channel: string; problem: string }[]];
  return { failure, all: `${failure.message} ${failure.stack} ${JSON.stringify(failure)}`, problem: failed[0]!.problem };
}

test('HM-08: mail goes from, to and through the server of the configuration (localhost where it names none), under a subject prefix of its own', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const { notify } = notifierFor(t, policyOf({ host: undefined, port: server.port, to: ['cab@example.com', 'ops@example.com'], subjectPrefix: 'pricer runtime alert:' }), { now: () => Date.parse('2026-11-21T19:00:00Z') });
  assert.deepEqual(await notify({ notification: { ...told, severity: 'critical' }, role: 'cab' }), { delivered: ['mail'], failed: [] });
  const mail = server.mails[0]!;
  assert.deepEqual([mail.from, mail.to, mail.encrypted, mail.user], ['runbook@example.com', ['cab@example.com', 'ops@example.com'], false, null]);
  const header = (name: string): string | undefined => mail.headers.get(name)?.[0];
  assert.equal(header('subject'), 'pricer runtime alert: CRITICAL: approval wanted: web-01 to Python 3.12.1');
  assert.deepEqual([header('from'), header('to'), header('date'), header('auto-submitted')], ['runbook@example.com', 'cab@example.com, ops@example.com', 'Sat, 21 Nov 2026 19:00:00 +0000', 'auto-generated']);
  assert.equal(mail.body, [
    'carol asks for 3.12.1 on web-01', 'reason: security release', '',
    'Run:   01JD4RXS5M (change)', 'Where: web-01:/srv/pricer/.venv', 'Until: 2026-11-24 19:00 UTC', '',
    'To answer:', '', '    runbook approve 01JD4RXS5M', '',
    '-- ', 'Told once at least; the same notification has the same id: change/web-01/01JD4RXS5M:asked:1', '',
  ].join('\n'));
});

test('invariant 10: a notification that is sent again has the same Message-ID, another one has another', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const { notify } = notifierFor(t, policyOf({ port: server.port }));
  for (const id of [told.id, told.id, `${told.id}2`]) await notify({ notification: { ...told, id }, role: 'cab' });
  const [first, again, other] = server.mails.map((it) => ({ id: it.headers.get('message-id')?.[0], thread: it.headers.get('references')?.[0] }));
  assert.match(first!.id!, /^<[0-9a-f]{40}@example\.com>$/);
  assert.deepEqual(again, first);
  assert.notEqual(other!.id, first!.id);
  assert.equal(other!.thread, first!.thread, 'mail about one run is one conversation');
});

test('what a requester wrote begins no header and no second address: CR, LF and their likes in every field', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const { notify } = notifierFor(t, policyOf({ port: server.port }));
  const evil = 'x\r\nBcc: mallory@example.com\r\n\r\nhello\u2028Bcc: m@example.com\u0000\r.\r\nMAIL FROM:<mallory@example.com>\r\n';
  await notify({ notification: { ...told, subject: evil, run: evil, kind: evil, where: evil, command: evil, deadline: evil, lines: [evil, '.', 'QUIT'] }, role: 'cab' });
  const mail = server.mails[0]!;
  assert.equal(server.mails.length, 1);
  assert.deepEqual(mail.to, ['cab@example.com']);
  assert.equal(mail.headers.has('bcc'), false);
  assert.equal(mail.headers.get('subject')!.length, 1);
  assert.match(mail.headers.get('subject')![0]!, /^\[runbook\] x Bcc: mallory@example\.com hello/);
  assert.match(mail.body, /\n\.\nQUIT\n/, 'a line of one dot ends nothing');
});

test('an id that does not fit into a header is refused before anything is sent', async (t) => {
  const { notify } = notifierFor(t, policyOf({}));
  for (const id of ['', 'a b', 'a\r\nX: y', 'é', 'x'.repeat(201)]) {
    await assert.rejects(notify({ notification: { ...told, id }, role: 'cab' }), (error) => error instanceof ApplicationFailure && error.type === 'BadInput' && error.nonRetryable === true, JSON.stringify(id));
  }
});

test('log-in happens under STARTTLS with the CA that is named, with user and password from their files', async (t) => {
  const tls = certificateFor(t);
  const seen: unknown[] = [];
  const server = await mailServer(t, {
    cert: tls.cert,
    key: tls.key,
    authOptional: false,
    onAuth: ({ username, password }, session, callback) => {
      seen.push([username, password, session.secure]);
      callback(null, { user: username! });
    },
  });
  const { notify } = notifierFor(t, policyOf({ port: server.port, secure: 'starttls', caFile: tls.caFile, userFile: fileFor(t, 'robot\n'), passwordFile: fileFor(t, 'pass phrase 7\n') }));
  await notify({ notification: told, role: 'cab' });
  assert.deepEqual(seen, [['robot', 'pass phrase 7', true]]);
  assert.deepEqual([server.mails[0]!.user, server.mails[0]!.encrypted], ['robot', true]);
});

test('TLS from the first byte', async (t) => {
  const tls = certificateFor(t);
  const server = await mailServer(t, { secure: true, cert: tls.cert, key: tls.key });
  const { notify } = notifierFor(t, policyOf({ port: server.port, secure: 'tls', caFile: tls.caFile }));
  await notify({ notification: told, role: 'cab' });
  assert.equal(server.mails[0]!.encrypted, true);
});

test('a certificate of nobody trusted, of another name, and a server without STARTTLS get no mail and no password', async (t) => {
  const [tls, other] = [certificateFor(t), certificateFor(t, 'DNS:elsewhere.example')];
  const logIns: unknown[] = [];
  const onAuth: NonNullable<Parameters<typeof mailServer>[1]>['onAuth'] = (auth, _session, callback) => {
    logIns.push(auth);
    callback(null, { user: 'robot' });
  };
  const trusted = await mailServer(t, { cert: tls.cert, key: tls.key, onAuth });
  const named = await mailServer(t, { cert: other.cert, key: other.key, onAuth });
  const stripped = await mailServer(t, { disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth });
  const auth = { userFile: fileFor(t, 'robot'), passwordFile: fileFor(t, 'hunter2-hunter2') };
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ port: trusted.port, secure: 'starttls', ...auth }, /signed by nobody trusted here; name its CA as caFile/],
    [{ port: named.port, secure: 'starttls', caFile: other.caFile, ...auth }, /certificate is for another name/],
    [{ port: stripped.port, secure: 'starttls', caFile: tls.caFile, ...auth }, /STARTTLS failed or is not offered/],
  ];
  for (const [fields, expected] of cases) {
    const { problem, all } = await refusal(notifierFor(t, policyOf(fields)).notify({ notification: told, role: 'cab' }));
    assert.match(problem, expected);
    assert.doesNotMatch(all, /hunter2/);
  }
  assert.deepEqual([logIns, trusted.mails, named.mails, stripped.mails], [[], [], [], []]);
});

test('invariant 13: a server that says the password back is not quoted', async (t) => {
  const tls = certificateFor(t);
  const server = await mailServer(t, {
    cert: tls.cert,
    key: tls.key,
    authOptional: false,
    onAuth: ({ username, password }, _session, callback) => callback(Object.assign(new Error(`5.7.8 ${username} may not use ${password}`), { responseCode: 535 })),
  });
  const { notify } = notifierFor(t, policyOf({ port: server.port, secure: 'starttls', caFile: tls.caFile, userFile: fileFor(t, 'robot-user'), passwordFile: fileFor(t, 'correct-horse') }));
  const { problem, all } = await refusal(notify({ notification: told, role: 'cab' }));
  assert.match(problem, /log-in refused \(EAUTH 535 5\.7\.8\)/);
  for (const secret of ['robot-user', 'correct-horse', Buffer.from('correct-horse').toString('base64'), Buffer.from('\0robot-user\0correct-horse').toString('base64')]) assert.equal(all.includes(secret), false, secret);
  assert.equal(server.mails.length, 0);
});

test('a log-in that was ordered and is not offered: nothing is sent without it', async (t) => {
  const tls = certificateFor(t);
  const server = await mailServer(t, { cert: tls.cert, key: tls.key, disabledCommands: ['AUTH'] });
  const { notify } = notifierFor(t, policyOf({ port: server.port, secure: 'starttls', caFile: tls.caFile, userFile: fileFor(t, 'robot'), passwordFile: fileFor(t, 'correct-horse') }));
  const { problem } = await refusal(notify({ notification: told, role: 'cab' }));
  assert.match(problem, /EAUTH/);
  assert.equal(server.mails.length, 0);
});

test('recipients the server refuses are named; when it refuses all, it was not delivered', async (t) => {
  const server = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] });
  const some = await notifierFor(t, policyOf({ port: server.port, to: ['cab@example.com', 'nobody@example.com'] })).notify({ notification: told, role: 'cab' });
  assert.deepEqual(some, { delivered: ['mail'], failed: [{ channel: 'mail', problem: 'the server took it, and not for nobody@example.com' }] });
  assert.deepEqual(server.mails[0]!.to, ['cab@example.com']);
  const { problem } = await refusal(notifierFor(t, policyOf({ port: server.port, to: ['nobody@example.com'] })).notify({ notification: told, role: 'cab' }));
  assert.match(problem, /sender or recipients refused \(EENVELOPE 550/);
});

test('a server that takes the connection and says nothing is given up at the limit', async (t) => {
  const open = new Set<Socket>();
  const server = createServer((socket) => void open.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => {
    for (const socket of open) socket.destroy();
    server.close(() => resolve());
  }));
  const { port } = server.address() as { port: number };
  const { problem } = await refusal(notifierFor(t, policyOf({ port }), { limitMs: 300 }).notify({ notification: told, role: 'cab' }));
  assert.equal(problem, `127.0.0.1:${port}: no answer within 0.3 s`);
  assert.equal(open.size, 1);
});

test('a server that never takes the end of the message is given up at the limit, and a later attempt delivers', async (t) => {
  let isStuck = true;
  const stuck = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'], onData: (stream, _session, callback) => {
    stream.resume();
    stream.on('end', () => void (isStuck || callback()));
  } });
  const { problem } = await refusal(notifierFor(t, policyOf({ port: stuck.port }), { limitMs: 1000 }).notify({ notification: told, role: 'cab' }));
  assert.equal(problem, `127.0.0.1:${stuck.port}: no answer within 1 s`);
  isStuck = false;
  assert.deepEqual((await notifierFor(t, policyOf({ port: stuck.port })).notify({ notification: told, role: 'cab' })).delivered, ['mail']);
});

test('nobody listens: connection refused, with the place, retryable', async (t) => {
  const gone = await new Promise<number>((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  const { problem } = await refusal(notifierFor(t, policyOf({ port: gone })).notify({ notification: told, role: 'cab' }));
  assert.equal(problem, `127.0.0.1:${gone}: connection refused (ECONNREFUSED)`);
});
