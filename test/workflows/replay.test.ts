/** Every history that was ever recorded replays on today's code, and means the same. */
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { before, test } from 'node:test';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';
import { installRuntime } from '../../worker/log.js';
import * as workflows from '../../workflows/index.js';
import { testBundle } from '../support/bundles.js';
import { historyFiles, readHistory, textsOf } from '../support/history-files.js';
import { replayWithTranscript } from '../support/transcript.js';

installRuntime('replay', 'ERROR', process.stderr);
const files = historyFiles();
let bundle = '';
before(async () => void (bundle = await testBundle({ transcript: true })), { timeout: 120_000 });

type Event = temporal.api.history.v1.IHistoryEvent;
const eventsOf = (file: string): Event[] => historyFromJSON(JSON.parse(readHistory(file))).events ?? [];
const typeOf = (file: string): string => eventsOf(file)[0]!.workflowExecutionStartedEventAttributes!.workflowType!.name!;

/** Event numbers, by activity type, at which activities were ordered and at which they had answered. */
function activities(file: string): { type: string; ordered: number; answered: number }[] {
  const events = eventsOf(file);
  const answers = new Map(events.flatMap(({ eventId, activityTaskCompletedEventAttributes: done }) => (done ? [[Number(done.scheduledEventId), Number(eventId)] as const] : [])));
  return events.flatMap(({ eventId, activityTaskScheduledEventAttributes: one }) => (one ? [{ type: one.activityType!.name!, ordered: Number(eventId), answered: answers.get(Number(eventId)) ?? Infinity }] : []));
}

for (const file of files) {
  test(`invariant 12, decision 24: ${file.replace(/\.json$/, '')} replays with the same meaning`, async () => {
    assert.deepEqual(await replayWithTranscript(readHistory(file), bundle), []);
  });
}

test('decision 24: every workflow has a history, and its files are named after it', () => {
  const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const recorded = new Set(files.map((file) => file.split('--')[0]));
  assert.deepEqual(Object.keys(workflows).filter((name) => !recorded.has(kebab(name))), []);
  for (const file of files) assert.equal(kebab(typeOf(file)), file.split('--')[0], file);
});

/** Orders after which a host is other than before. */
const MUTATING = new Set(['prepare', 'adoptLink', 'switchLink', 'configure', 'settleRiders']);

test('invariant 1, decision 16: in every recorded change arming had answered before the first order that changes anything', () => {
  const changes = files.filter((file) => ['environmentChange', 'environmentTidy'].includes(typeOf(file)));
  const seen = changes.map((file) => {
    const all = activities(file);
    const first = all.find(({ type }) => MUTATING.has(type));
    const armed = all.find(({ type }) => type === 'armUndo');
    if (first) assert.ok(armed && armed.answered < first.ordered, `${file}: armed at ${armed?.answered}, ${first.type} ordered at ${first.ordered}`);
    return first !== undefined;
  });
  assert.ok(seen.filter(Boolean).length >= 10, 'histories that change something');
});

test('a killed agent is in a recording: an activity that was tried again', () => {
  const attempts = files.filter((file) => file.includes('killed')).flatMap((file) => eventsOf(file).map((event) => event.activityTaskStartedEventAttributes?.attempt ?? 0));
  assert.ok(Math.max(...attempts) >= 2);
});

test('invariant 13: no history holds a home directory, an address beyond loopback, or a secret', () => {
  for (const file of files) {
    for (const text of textsOf(readHistory(file))) {
      for (const [address, host] of text.matchAll(/\bhttps?:\/\/([^\s"'/]*)/g)) assert.match(host!, /^127\.0\.0\.1:\d+$/, `${file}: ${address}`);
      assert.doesNotMatch(text, /(?<![\w.-])\/(?:root|Users|home(?!\/operator))\/|\.pyenv|AKIA|BEGIN [A-Z ]*PRIVATE KEY|(?:password|token|secret)["']?\s*[:=]/i, file);
      assert.ok(homedir() === '/' || !text.includes(`${homedir()}/`), file);
    }
  }
});
