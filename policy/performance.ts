/** How fast one environment is beside another, in words people can act on (WF-48, PV-26). Pure. */
import type { Performance } from './model.js';

export type Band = Performance['band'];

/** Where the bands part; the policy's `performance` section has the same fields. */
export interface BandThresholds {
  /** A time within this share of the other is the same, in either direction. */
  sameWithin: number;
  /** Slower by more than this share: much slower. */
  muchSlowerFrom: number;
}

/**
 * The policy's defaults. Two shared cores tell nothing below 5 to 10 % even for the least of alternating rounds
 * (measured); half as slow again is what people notice without measuring.
 */
export const BAND_DEFAULTS: BandThresholds = { sameWithin: 0.1, muchSlowerFrom: 0.5 };

/** Band of a ratio new/old; null where there is nothing to compare with. */
export function bandOf(ratio: number | null, thresholds: BandThresholds = BAND_DEFAULTS): Band {
  if (ratio === null || !(ratio > 0) || !Number.isFinite(ratio)) return 'unknown';
  const same = 1 + thresholds.sameWithin;
  if (ratio < 1 / same) return 'faster';
  if (ratio <= same) return 'same';
  return ratio > 1 + Math.max(thresholds.muchSlowerFrom, thresholds.sameWithin) ? 'much-slower' : 'slower';
}

/** What one environment made of the probe. */
export interface ProbeTimes {
  /** Least time of one execution, milliseconds; null: it could not be measured. */
  ms: number | null;
  /** Timed rounds it is the least of. */
  rounds: number;
  /** Why it could not be measured. */
  problem: string;
}

export interface Measured {
  probe: string;
  /** null: nothing to compare with was asked for. */
  before: ProbeTimes | null;
  after: ProbeTimes;
  /** Stored for this environment, interpreter line and probe by an earlier run, milliseconds. */
  baselineMs: number | null;
}

/** Ratio, band and one line for people. Measured in turns beside each other counts more than a baseline of another day. */
export function comparePerformance({ probe, before, after, baselineMs }: Measured, thresholds: BandThresholds = BAND_DEFAULTS): Omit<Performance, 'workMs'> {
  const beforeMs = before?.ms ?? null;
  const other = beforeMs ?? baselineMs;
  const ratio = after.ms === null || other === null || other <= 0 ? null : after.ms / other;
  const band = bandOf(ratio, thresholds);
  const fields = { probe, ran: after.ms !== null, beforeMs, afterMs: after.ms, baselineMs, ratio, band };
  return { ...fields, summary: `${probe}: ${summaryOf(before, after, baselineMs, ratio, band)}` };
}

const BAND_WORDS: Record<Band, string> = { faster: 'faster', same: 'the same', slower: 'slower', 'much-slower': 'much slower', unknown: 'nothing to compare with' };

function summaryOf(before: ProbeTimes | null, after: ProbeTimes, baselineMs: number | null, ratio: number | null, band: Band): string {
  const old = before === null ? [] : [before.ms === null ? `not measured in the environment before (${before.problem})` : `${milliseconds(before.ms)} before`];
  const now = after.ms === null ? `not measured in the new environment (${after.problem})` : `${milliseconds(after.ms)} ${before?.ms != null ? 'after' : 'now'}, least of ${after.rounds} rounds`;
  const stored = baselineMs === null ? [] : [`baseline ${milliseconds(baselineMs)}`];
  const verdict = ratio === null ? BAND_WORDS[band] : `${BAND_WORDS[band]} (${ratio.toFixed(2)} of ${before?.ms != null ? 'before' : 'the baseline'})`;
  return [...old, now, ...stored, ...(after.ms === null ? [] : [verdict])].join(', ');
}

/** Three figures that count: `0.00123 ms`, `1.23 ms`, `1230 ms`. */
function milliseconds(ms: number): string {
  return `${ms >= 100 ? ms.toFixed(0) : Number(ms.toPrecision(3))} ms`;
}
