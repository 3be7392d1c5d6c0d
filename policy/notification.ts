/**
 * What people are told, as mail, chat message and JSON. Every text is masked, bounded and plain: what a requester wrote can
 * neither begin a header nor mention a channel, and the same notification gives the same bytes at every attempt.
 */
import { sha256Hex } from './canonical.js';
import { maskSecrets } from './mask.js';
import { oneLine } from './text.js';

/** What there is to tell. Receivers may see words they don't know yet: the list grows. */
export const NOTIFICATION_EVENTS = [
  'asked', 'reminder', 'overdue', 'escalated', 'declared', 'granted', 'approved', 'denied', 'expired', 'withdrawn', 'ending', 'reverted', 'revert-failed',
  'made-permanent', 'superseded', 'closed', 'due', 'report', 'undelivered', 'health',
] as const;
export type NotificationEvent = (typeof NOTIFICATION_EVENTS)[number];

export interface Notification {
  /** The same at every attempt, another one for everything else: visible ASCII, at most 200 characters. Receivers drop repeats by it. */
  id: string;
  event: NotificationEvent;
  /** Short id of the run. */
  run: string;
  kind: string;
  /** Host and link, or what else it is about. */
  where: string;
  subject: string;
  lines: string[];
  /** What to type to answer; null: nothing to be done. */
  command: string | null;
  /** ISO instant until which it can be answered; null: none. */
  deadline: string | null;
  severity: 'info' | 'warning' | 'critical';
}

export interface MailText {
  subject: string;
  text: string;
  /** With angle brackets; from `id`. */
  messageId: string;
  /** The same for all mail about one run: clients show it as one conversation. */
  references: string;
}

/** What Slack and its likes take at an incoming webhook. */
export interface SlackPayload {
  text: string;
  mrkdwn: false;
  link_names: false;
  blocks: ({ type: 'header'; text: PlainText } | { type: 'section'; text: PlainText } | { type: 'context'; elements: PlainText[] })[];
}

interface PlainText {
  type: 'plain_text';
  text: string;
  emoji: false;
}

/** Characters; of a subject, a line, a command; lines. */
const SUBJECT = 160;
const LINE = 400;
const COMMAND = 600;
const LINES = 40;
/** Slack's own limits: a header, a section's text. */
const SLACK_HEADER = 150;
const SLACK_SECTION = 3000;

/** Marks that turn or hide what stands beside them. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/** Fit for a header (`Idempotency-Key`) as it stands. */
export const isNotificationId = (id: string): boolean => /^[\x21-\x7e]{1,200}$/.test(id);

/** Read at most of any text: masking takes longer than its input is long. */
const READ = 4000;

/** Masked, one line, no invisible marks, at most `limit` characters, never half a character. */
function plain(text: string, limit: number): string {
  // A word that is cut in two might be a secret that is no longer known as one.
  const read = text.length <= READ ? text : text.slice(0, READ).replace(/\S*$/, '…');
  return oneLine(maskSecrets(read.replace(INVISIBLE, '')), limit).replace(LONE_SURROGATE, '');
}

/** `CRITICAL: …`; of an ordinary one the subject alone. */
function heading(it: Notification): string {
  const subject = plain(it.subject, SUBJECT) || it.event;
  return it.severity === 'info' ? subject : `${it.severity.toUpperCase()}: ${subject}`;
}

function textLines(lines: string[]): string[] {
  const left = lines.length - LINES;
  const kept = lines.slice(0, LINES).map((line) => plain(line, LINE));
  return left > 0 ? [...kept, `… and ${left} more`] : kept;
}

/** What it is about and until when, label by label. */
function facts(it: Notification): [string, string][] {
  const all: [string, string | null][] = [['Run', `${plain(it.run, 80)} (${plain(it.kind, 40)})`], ['Where', plain(it.where, LINE)], ['Until', it.deadline === null ? null : untilText(it.deadline)]];
  return all.filter((fact): fact is [string, string] => fact[1] !== null && fact[1] !== '');
}

/** `2026-11-21 19:00 UTC`; seconds are dropped, which errs early. */
const untilText = (instant: string): string => plain(instant, 40).replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*Z$/, '$1 $2 UTC');

/** @param from address of the channel; its domain is the one of the message ids. */
export function mailText(it: Notification, channel: { from: string; subjectPrefix: string }): MailText {
  const domain = channel.from.slice(channel.from.lastIndexOf('@') + 1);
  const idFor = (what: string): string => `<${sha256Hex(what).slice(0, 40)}@${domain}>`;
  const told = facts(it).map(([label, value]) => `${`${label}:`.padEnd(7)}${value}`);
  const todo = it.command === null ? [] : ['', 'To answer:', '', `    ${plain(it.command, COMMAND)}`];
  const foot = ['', '-- ', `Told once at least; the same notification has the same id: ${it.id}`];
  return {
    subject: `${oneLine(channel.subjectPrefix, 60)} ${heading(it)}`,
    text: `${[...textLines(it.lines), '', ...told, ...todo, ...foot].join('\n').replace(/^\n+/, '')}\n`,
    messageId: idFor(`notification ${it.id}`),
    references: idFor(`run ${it.run}`),
  };
}

/** Only plain text in blocks: nothing in it is markup or mentions anybody. `text` is what readers without blocks show. */
export function slackPayload(it: Notification): SlackPayload {
  const told = facts(it).map(([label, value]) => `${label}: ${value}`);
  const todo = it.command === null ? [] : [`To answer: ${plain(it.command, COMMAND)}`];
  const id = `id ${sha256Hex(it.id).slice(0, 12)}`;
  const sections = sectionsOf([...textLines(it.lines), ...told, ...todo]);
  return {
    text: unmarked([heading(it), ...textLines(it.lines), ...told, ...todo].join('\n')),
    mrkdwn: false,
    link_names: false,
    blocks: [{ type: 'header', text: plainText(cut(heading(it), SLACK_HEADER)) }, ...sections.map((text) => ({ type: 'section' as const, text: plainText(text) })), { type: 'context', elements: [plainText(id)] }],
  };
}

/** Body of a webhook: fields as they are here, masked and bounded. No time of sending in it: every attempt sends the same bytes. */
export function webhookBody(it: Notification): string {
  return JSON.stringify({
    version: 1,
    id: it.id,
    event: it.event,
    severity: it.severity,
    run: plain(it.run, 80),
    kind: plain(it.kind, 40),
    where: plain(it.where, LINE),
    subject: plain(it.subject, SUBJECT),
    lines: textLines(it.lines),
    command: it.command === null ? null : plain(it.command, COMMAND),
    deadline: it.deadline === null ? null : plain(it.deadline, 40),
  });
}

const plainText = (text: string): PlainText => ({ type: 'plain_text', text, emoji: false });
const cut = (text: string, limit: number): string => (text.length <= limit ? text : `${text.slice(0, limit - 1).replace(LONE_SURROGATE, '')}…`);

/** Lines put together into as few sections as Slack's limit allows. */
function sectionsOf(lines: string[]): string[] {
  const sections: string[] = [];
  for (const line of lines) {
    const last = sections.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= SLACK_SECTION) sections[sections.length - 1] = `${last}\n${line}`;
    else if (line !== '') sections.push(line);
  }
  return sections;
}

/** Slack's three signs escaped, and the mentions that Mattermost would make of plain words broken. */
const unmarked = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/@(?=(?:all|channel|everyone|here)\b)/gi, '@\u200b');
