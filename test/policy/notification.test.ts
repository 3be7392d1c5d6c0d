import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isNotificationId, mailText, NOTIFICATION_EVENTS, slackPayload, webhookBody, type Notification } from '../../policy/notification.js';

const channel = { from: 'runbook@example.com', subjectPrefix: '[runbook]' };
const told: Notification = { id: '01JD:asked:1', event: 'asked', run: '01JD', kind: 'exception', where: 'web-01', subject: 'CAB wanted', lines: ['one', 'two'], command: 'runbook approve 01JD', deadline: '2026-11-21T21:00:59.999Z', severity: 'info' };
const textsOf = (it: Notification): string[] => slackPayload(it).blocks.flatMap((block) => (block.type === 'context' ? block.elements : [block.text])).map(({ text }) => text);

/** Words, and what is used to break out of them. */
const nasty = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 }), fc.constantFrom('\r\nBcc: a@example.com', '\u202egpj', '<!channel>', '@here', '\ud800', 'x'.repeat(5000), '.\r\n'));
const notification: fc.Arbitrary<Notification> = fc.record({
  id: fc.stringMatching(/^[\x21-\x7e]{1,200}$/),
  event: fc.constantFrom(...NOTIFICATION_EVENTS),
  run: nasty, kind: nasty, where: nasty, subject: nasty,
  lines: fc.array(nasty, { maxLength: 60 }),
  command: fc.option(nasty), deadline: fc.option(nasty),
  severity: fc.constantFrom('info', 'warning', 'critical'),
});

test('whatever is in it, a subject is one bounded line, no text holds a control character, and each is well-formed', () => {
  fc.assert(fc.property(notification, (it) => {
    const { subject, text, messageId, references } = mailText(it, channel);
    assert.ok(subject.length <= 250 && text.length <= 40_000, `${subject.length} ${text.length}`);
    for (const line of [subject, messageId, references]) assert.match(line, /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/);
    for (const id of [messageId, references]) assert.match(id, /^<[0-9a-f]{40}@example\.com>$/);
    for (const all of [subject, text, slackPayload(it).text, ...textsOf(it), webhookBody(it)]) {
      assert.doesNotMatch(all, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      assert.doesNotMatch(all, /\p{Surrogate}/u);
    }
  }));
});

test('Slack\'s limits hold: a header of 150, sections of 3000, 50 blocks, a text below 40,000; nothing in the text is markup of a mention or link', () => {
  fc.assert(fc.property(notification, (it) => {
    const { blocks, text } = slackPayload(it);
    assert.ok(blocks.length <= 50 && text.length <= 40_000);
    for (const block of blocks) {
      const texts = block.type === 'context' ? block.elements : [block.text];
      for (const part of texts) assert.ok(part.type === 'plain_text' && part.text.length >= 1 && part.text.length <= (block.type === 'header' ? 150 : 3000), `${block.type} ${part.text.length}`);
    }
    assert.doesNotMatch(text, /[<>]|&(?!amp;|lt;|gt;)|@(here|channel|everyone|all)\b/i);
  }));
});

test('invariant 10: the same notification gives the same bytes; any other id another Message-ID', () => {
  assert.equal(webhookBody(told), webhookBody(structuredClone(told)));
  assert.deepEqual(mailText(told, channel), mailText(structuredClone(told), channel));
  fc.assert(fc.property(notification, notification, (a, b) => {
    fc.pre(a.id !== b.id);
    assert.notEqual(mailText(a, channel).messageId, mailText(b, channel).messageId);
    assert.equal((JSON.parse(webhookBody(a)) as Notification).id, a.id);
  }));
});

test('severity stands in front of the subject; an ordinary one is the subject alone', () => {
  assert.equal(mailText(told, channel).subject, '[runbook] CAB wanted');
  assert.equal(mailText({ ...told, severity: 'warning' }, channel).subject, '[runbook] WARNING: CAB wanted');
  assert.equal(textsOf({ ...told, severity: 'critical' })[0], 'CRITICAL: CAB wanted');
});

test('every text says what, where, until when, and the command; without deadline or command it says nothing of them', () => {
  const { text } = mailText(told, channel);
  assert.match(text, /^one\ntwo\n\nRun: {3}01JD \(exception\)\nWhere: web-01\nUntil: 2026-11-21 21:00 UTC\n\nTo answer:\n\n {4}runbook approve 01JD\n/);
  const quiet = { ...told, command: null, deadline: null };
  for (const all of [mailText(quiet, channel).text, slackPayload(quiet).text]) assert.doesNotMatch(all, /Until|To answer|null/);
  assert.deepEqual([(JSON.parse(webhookBody(quiet)) as Notification).command, (JSON.parse(webhookBody(quiet)) as Notification).deadline], [null, null]);
  assert.equal((JSON.parse(webhookBody(told)) as Notification).deadline, told.deadline, 'machines get the instant');
});

test('invariant 13: credentials are masked in every text, also where an over-long text is cut in the middle of one', () => {
  const leak = 'pip failed for https://robot:hunter2@pypi.example.com/simple, token=hunter3';
  const zeroWidth = 'https://robot:hunter2\u200b@pypi.example.com';
  // Masking makes the first word short, so that what was cut in two would be shown.
  const cutInTwo = (at: number): string => `https://a:${'p'.repeat(at - 15)}@b https://robot:hunter2${'x'.repeat(60)}@pypi.example.com`;
  const everywhere = (text: string): Notification => ({ ...told, subject: text, where: text, run: text, kind: text, lines: [text], command: text, deadline: text });
  const cuts = Array.from({ length: 14 }, (_, n) => cutInTwo(3960 + 3 * n));
  // Every field is cut by the same function: all of them once, and each position in one.
  const cases: [string, Notification][] = [...[leak, zeroWidth, cuts[7]!, `password="${'hunter2'.repeat(900)}"`].map((text): [string, Notification] => [text, everywhere(text)]), ...cuts.map((text): [string, Notification] => [text, { ...told, lines: [text] }])];
  for (const [text, it] of cases) {
    for (const all of [mailText(it, channel).subject, mailText(it, channel).text, slackPayload(it).text, ...textsOf(it), webhookBody(it)]) assert.doesNotMatch(all, /hunter\d/, text.slice(-80));
  }
});

test('lines that are too many are counted, not sent', () => {
  const lines = Array.from({ length: 100 }, (_, n) => `line ${n}`);
  const sent = (JSON.parse(webhookBody({ ...told, lines })) as Notification).lines;
  assert.deepEqual([sent.length, sent[39], sent[40]], [41, 'line 39', '… and 60 more']);
});

test('an id is 1 to 200 visible ASCII characters', () => {
  for (const id of ['a', 'change/web-01/01JD:asked:1', '~'.repeat(200)]) assert.equal(isNotificationId(id), true, id);
  for (const id of ['', ' ', 'a b', 'a\n', '\u007f', 'é', '~'.repeat(201)]) assert.equal(isNotificationId(id), false, JSON.stringify(id));
});
