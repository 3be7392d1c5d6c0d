import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseWith } from '../../../policy/files/explain.js';
import { notificationProblems, notificationsSchema, type Notifications } from '../../../policy/files/notifications.js';
import type { Objection } from '../../../policy/model.js';

const schema = z.strictObject({ notifications: notificationsSchema });
const read = (text: string) => parseWith(schema, text, { file: 'policy.yaml', format: 'yaml' });

function parsed(text: string): Notifications {
  const result = read(text);
  return result.ok ? result.value.notifications : assert.fail(JSON.stringify(result.objections));
}

function objectionTo(text: string): Objection {
  const result = read(text);
  assert.equal(result.ok, false, text);
  const objections = result.ok ? [] : result.objections;
  assert.equal(objections.length, 1, JSON.stringify(objections));
  return objections[0]!;
}

const channel = (fields: string): string => `notifications:\n  channels:\n    mail: { ${fields} }\n`;
const SMTP = 'type: smtp, from: a@example.com, to: [b@example.com]';

test('a policy without notifications tells nobody; HM-08: the mail server is localhost unless the policy names another', () => {
  assert.deepEqual(parsed('{}'), { channels: {}, recipients: {} });
  assert.deepEqual(parsed(channel(`${SMTP}, secure: none`)).channels, { mail: { type: 'smtp', host: 'localhost', port: 25, secure: 'none', from: 'a@example.com', to: ['b@example.com'], subjectPrefix: '[runbook]' } });
});

test('each kind of channel has its own keys; a misspelt one names the nearest of that kind', () => {
  const slack = objectionTo(channel('type: slack, urlFile: /x, cafile: /y'));
  assert.deepEqual(slack, { what: 'policy.yaml line 3: notifications.channels.mail.cafile', expected: 'one of type, urlFile, caFile', got: 'cafile', wayOut: 'did you mean "caFile"?' });
  assert.equal(objectionTo(channel('type: slack, urlFile: /x, port: 25')).wayOut, 'remove the key', 'a key of another kind');
});

test('mistakes are refused with the place and what was expected', () => {
  const cases: [string, string, string][] = [
    ['type: sms', 'policy.yaml line 3: notifications.channels.mail.type', 'smtp, slack or webhook'],
    [SMTP, 'policy.yaml line 3: notifications.channels.mail.secure', 'one of none, starttls, tls'],
    [`${SMTP}, secure: tls, passwordFile: /p`, 'policy.yaml line 3: notifications.channels.mail.passwordFile', 'userFile and passwordFile, or neither'],
    [`${SMTP}, secure: none, userFile: /u, passwordFile: /p`, 'policy.yaml line 3: notifications.channels.mail.secure', 'starttls or tls where a password is sent'],
    [`${SMTP}, secure: tls, subjectPrefix: "a\\nBcc: x@example.com"`, 'policy.yaml line 3: notifications.channels.mail.subjectPrefix', 'one line'],
    ['type: smtp, secure: tls, from: "A <a@example.com>", to: [b@example.com]', 'policy.yaml line 3: notifications.channels.mail.from', 'a mail address without a display name'],
    ['type: smtp, secure: tls, from: a@example.com, to: ["b@example.com\\nc@example.com"]', 'policy.yaml line 3: notifications.channels.mail.to[0]', 'a mail address without a display name'],
    [`${SMTP}, secure: tls, host: "evil.example/x"`, 'policy.yaml line 3: notifications.channels.mail.host', 'a host name or an IP address'],
    ['type: slack, urlFile: secrets/url', 'policy.yaml line 3: notifications.channels.mail.urlFile', 'an absolute path'],
    ['type: webhook, url: "ftp://example.com/x", secretFile: /s', 'policy.yaml line 3: notifications.channels.mail.url', 'an http or https address'],
    ['type: webhook, url: "https://robot:hunter2@example.com/x", secretFile: /s', 'policy.yaml line 3: notifications.channels.mail.url', 'an address without credentials; an address that is a secret belongs into a file of its own'],
  ];
  for (const [fields, what, expected] of cases) {
    const objection = objectionTo(channel(fields));
    assert.deepEqual([objection.what, objection.expected], [what, expected], fields);
    assert.doesNotMatch(JSON.stringify(objection), /hunter2/);
  }
});

test('a role with no channel at all is left out, not listed; names are plain words', () => {
  assert.match(objectionTo('notifications: { recipients: { cab: [] } }\n').expected, /at least 1 entry/);
  for (const name of ['"Ops Chat"', 'OPS', '""', '"a\\nb"']) assert.equal(read(`notifications: { channels: { ${name}: { type: slack, urlFile: /x } } }\n`).ok, false, name);
});

test('policy check: a role that is told through a channel the policy does not have, with the nearest one; an unused channel is none', () => {
  const text = (recipients: string): string => `${channel(`${SMTP}, secure: tls`)}    pager: { type: slack, urlFile: /x }\n  recipients: ${recipients}\n`;
  assert.deepEqual(notificationProblems({ notifications: parsed(text('{ cab: [mail, mail] }')) }), []);
  assert.deepEqual(notificationProblems({ notifications: parsed(text('{ cab: [mail, pagr, pagr], security: [siren] }')) }), [
    { what: 'notifications.recipients.cab', expected: 'channels among mail, pager', got: 'pagr', wayOut: 'did you mean "pager"?' },
    { what: 'notifications.recipients.security', expected: 'channels among mail, pager', got: 'siren', wayOut: 'add "siren" under notifications.channels, or take it from the role' },
  ]);
  assert.match(notificationProblems({ notifications: parsed('notifications: { recipients: { cab: [mail] } }\n') })[0]!.expected, /of which there are none/);
});
