/**
 * Replay that also guards meaning: Temporal's replay compares order and type of commands, not arguments, timer lengths
 * or answers. Here the replayed code's commands are compared with the facts in the recorded history.
 */
import { isDeepStrictEqual, inspect } from 'node:util';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { factOfEvent, type Fact } from './transcript-facts.js';
import { withoutProse } from './transcript-prose.js';

type History = temporal.api.history.v1.IHistory;

/** A history as JSON text, as `historyToJSON` and `temporal workflow show -o json` write it. */
export const historyText = (history: History): string => historyToJSON(history);

/** The facts a recorded history tells. */
export function recordTranscript(history: History): Fact[] {
  return (history.events ?? []).map(factOfEvent).filter((fact) => fact !== null);
}

/** A replaying worker has a queue of its own making, where activities without a queue of their own go too. */
const REPLAY_QUEUE = /^fake_replay_queue/;

interface Ordered {
  queue?: string;
  permitMs: number | null;
  wholeMs: number | null;
  workMs: number | null;
  heartbeatMs: number | null;
}

/** An activity as the server would have written it down: on the recorded queue, and within the time limit of its run. */
function asRecorded(fact: Fact, ownQueue: string, runMs: number): Fact {
  if (fact.kind !== 'activity') return fact;
  const says = fact.says as Ordered;
  const queue = REPLAY_QUEUE.test(says.queue ?? '') ? ownQueue : says.queue;
  if (runMs === 0) return { ...fact, says: { ...says, queue } };
  const within = (limit: number | null): number => Math.min(limit ?? runMs, runMs);
  const heartbeatMs = says.heartbeatMs === null ? null : within(says.heartbeatMs);
  return { ...fact, says: { ...says, queue, permitMs: within(says.permitMs), wholeMs: within(says.wholeMs), workMs: within(says.workMs), heartbeatMs } };
}

/** Runs the history through today's code and returns what that code asked for, and replay's own verdict. */
async function replay(text: string, bundlePath: string, workflowId: string): Promise<{ facts: Fact[]; error: Error | null }> {
  const facts: Fact[] = [];
  const emit = (_info: unknown, json: string): void => void facts.push(...(JSON.parse(json) as Fact[]));
  const options = { workflowBundle: { codePath: bundlePath }, sinks: { transcript: { emit: { fn: emit, callDuringReplay: true } } } };
  try {
    await Worker.runReplayHistory(options, JSON.parse(text), workflowId);
    return { facts, error: null };
  } catch (error) {
    return { facts, error: error as Error };
  }
}

const show = (fact: Fact | undefined): string => (fact === undefined ? 'nothing' : `${fact.key} ${inspect(fact.says, { depth: 8, breakLength: Infinity })}`);

/** One side by what pairs it: updates by their id, the others by their place within their kind. */
function byPlace(facts: Fact[]): Map<string, Fact> {
  const counts = new Map<string, number>();
  return new Map(
    facts.map((fact) => {
      const nth = (counts.get(fact.kind) ?? 0) + 1;
      counts.set(fact.kind, nth);
      return [fact.kind === 'update' ? `update ${fact.key}` : `${fact.kind} ${nth}`, fact];
    }),
  );
}

/**
 * Differences in words, none when the two mean the same; sentences for people are left out (`withoutProse`). An open
 * history says nothing about what comes after it.
 */
export function compareTranscripts(recorded: Fact[], replayed: Fact[], isClosed: boolean): string[] {
  const plain = (facts: Fact[]): Fact[] => (JSON.parse(JSON.stringify(facts)) as Fact[]).map(withoutProse);
  const [then, now] = [byPlace(plain(recorded)), byPlace(plain(replayed))];
  const places = [...new Set([...then.keys(), ...(isClosed ? now.keys() : [])])];
  return places
    .filter((place) => !isDeepStrictEqual(then.get(place), now.get(place)))
    .map((place) => `${place}: recorded ${show(then.get(place))}, today ${show(now.get(place))}`);
}

/**
 * Replays a recorded history (JSON text) on the bundle at `bundlePath`, which must have been built with the transcript's
 * interceptor. Returns the differences: replay's own verdict first, then facts that are not the same.
 */
export async function replayWithTranscript(text: string, bundlePath: string): Promise<string[]> {
  const history = historyFromJSON(JSON.parse(text));
  const recorded = recordTranscript(history);
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  const [ownQueue, runMs] = [started?.taskQueue?.name ?? '', Number(started?.workflowRunTimeout?.seconds ?? 0) * 1_000];
  const { facts: raw, error } = await replay(text, bundlePath, started?.workflowId ?? 'replayed');
  const facts = raw.map((fact) => asRecorded(fact, ownQueue, runMs));
  const differences = compareTranscripts(recorded, facts, recorded.some((fact) => fact.kind === 'end'));
  if (recorded.length > 0 && facts.length === 0 && error === null) differences.unshift('replay: no command was told; was the bundle built with the transcript interceptor?');
  return error === null ? differences : [`replay: ${error.name}: ${error.message.split('\n')[0]}`, ...differences];
}
