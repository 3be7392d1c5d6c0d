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
  'activity appendRecords': ['args.*.entries.*.data.fact', 'args.*.entries.*.data.message', 'args.*.entries.*.data.objections.*.*'],
  'activity renderDocuments': ['args.*.result.message', 'args.*.result.steps.*.fact', 'args.*.result.objections.*.*'],
  'signal progress': ['args.*.steps.*.fact'],
  'end result': ['message', 'steps.*.fact', 'objections.*.*'],
  update: ['answer.message'],
};

/** Sentences whose runs are compared: a run that waits may word it anew, but says for whom (invariant 3). */
const NAMES_A_RUN: Record<string, string[]> = {
  'activity appendRecords': ['args.*.entries.*.data.waitsFor.*'],
  'signal progress': ['args.*.waitsFor.what', 'args.*.waitsFor.command'],
};
const RUN = /\b(?:ch|fb|rb)-[0-9a-z]{4}\b/g;

/** Only in entries of this event it is a sentence of the workflow's; in others it is the host's. */
const SILENT_HOST = { event: 'host-unreachable', path: 'data.problem' };

/** A sentence without its wording. Nothing said stays nothing. */
const spoken = (text: string): string => (text.trim() === '' ? '' : '(words)');
const named = (text: string): string => [spoken(text), ...(text.match(RUN) ?? [])].join(' ');

type Cut = (text: string) => string;

function cutAt(value: Json, path: string, cut: Cut): Json {
  const walk = (at: Json, [field, ...rest]: string[]): Json => {
    if (field === undefined) return typeof at === 'string' ? cut(at) : at;
    if (at === null || typeof at !== 'object') return at;
    if (Array.isArray(at)) return field === '*' ? at.map((one) => walk(one, rest)) : at;
    return Object.fromEntries(Object.entries(at).map(([name, one]) => [name, field === '*' || field === name ? walk(one, rest) : one]));
  };
  return walk(value, path.split('.'));
}

/** The record's entries with the silent host's sentence cut. */
function cutSilence(says: Json): Json {
  const { args, ...rest } = says as { args: { entries: { event: string }[] }[] };
  const isSilence = ({ event }: { event: string }): boolean => event === SILENT_HOST.event;
  const cut = args.map((arg) => ({ ...arg, entries: arg.entries.map((entry) => (isSilence(entry) ? cutAt(entry as Json, SILENT_HOST.path, spoken) : entry)) }));
  return { ...rest, args: cut } as Json;
}

/** The fact without the sentences named above. */
export function withoutProse(fact: Fact): Fact {
  const place = fact.kind === 'update' ? 'update' : `${fact.kind} ${fact.key}`;
  const cutAll = (says: Json, paths: string[] | undefined, cut: Cut): Json => (paths ?? []).reduce((left, path) => cutAt(left, path, cut), says);
  const says = cutAll(cutAll(fact.says as Json, PROSE[place], spoken), NAMES_A_RUN[place], named);
  return { ...fact, says: place === 'activity appendRecords' ? cutSilence(says) : says };
}
