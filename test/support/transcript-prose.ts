/**
 * Sentences for people, taken out before two transcripts are compared: their wording may change with any release, while
 * names, numbers, order and verdicts may not. Whether something was said at all is still compared.
 */
import type { Fact } from './transcript-facts.js';

type Json = null | boolean | number | string | Json[] | { [field: string]: Json };

/**
 * Where sentences stand, by the fact they belong to; `*` is every element of a list. Nothing else is left out.
 * - A step's `fact`, a `message` and the four parts of an objection are made by the workflow's code for people to read.
 *   They stand in records, in the record that documents are rendered from, in what a change tells the run that ordered
 *   it, and in results. What the record's other fields say of the same event is compared.
 * - `problem` of a host that is silent is the workflow's own word for a timeout.
 * - The answer to an abort: `taken` is compared.
 */
const PROSE: Record<string, string[]> = {
  'activity appendRecords': ['args.*.entries.*.data.fact', 'args.*.entries.*.data.message', 'args.*.entries.*.data.objections.*.*', 'args.*.entries.*.data.waitsFor.*'],
  'activity renderDocuments': ['args.*.result.message', 'args.*.result.steps.*.fact', 'args.*.result.objections.*.*'],
  'signal progress': ['args.*.steps.*.fact'],
  'end result': ['message', 'steps.*.fact', 'objections.*.*'],
  update: ['answer.message'],
};

/** Only entries of this event have it as a sentence of the workflow's; in others it is the host's. */
const SILENT_HOST = { event: 'host-unreachable', path: 'data.problem' };

/** Runs a sentence names, e.g. the one that is waited for: who is named is no matter of wording. */
const NAMED_RUN = /\b[a-z]{2}-[0-9a-z]{4}\b/g;

/** A sentence without its wording. Nothing said stays nothing. */
const spoken = (text: string): string => (text.trim() === '' ? '' : ['(words)', ...(text.match(NAMED_RUN) ?? [])].join(' '));

function mask(value: Json, [field, ...rest]: string[]): Json {
  if (field === undefined) return typeof value === 'string' ? spoken(value) : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return field === '*' ? value.map((one) => mask(one, rest)) : value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, field === '*' || field === name ? mask(one, rest) : one]));
}

const maskAt = (value: Json, path: string): Json => mask(value, path.split('.'));

function maskSilence(says: Json): Json {
  if (says === null || typeof says !== 'object' || Array.isArray(says) || !Array.isArray(says['args'])) return says;
  const args = says['args'].map((arg) => {
    const { entries, ...rest } = (arg ?? {}) as { entries?: { event: string }[] };
    return { ...rest, entries: (entries ?? []).map((entry) => (entry.event === SILENT_HOST.event ? maskAt(entry as Json, SILENT_HOST.path) : entry)) };
  });
  return { ...says, args } as Json;
}

/** The fact without the sentences that `PROSE` names. */
export function withoutProse(fact: Fact): Fact {
  const place = fact.kind === 'update' ? 'update' : `${fact.kind} ${fact.key}`;
  const masked = (PROSE[place] ?? []).reduce(maskAt, fact.says as Json);
  return { ...fact, says: place === 'activity appendRecords' ? maskSilence(masked) : masked };
}
