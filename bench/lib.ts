/** What every benchmark shares: sides that alternate, figures of a series, ratios, and how they are printed. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

/** One of the things compared. `prepare` is not part of the time. */
export interface Side {
  name: string;
  prepare?(round: number): Promise<void> | void;
  /** Does it once; returns milliseconds where it measured itself, else the harness takes the wall time. */
  run(round: number): Promise<number | void>;
  cleanUp?(round: number): Promise<void> | void;
}

/** A series of one side, in milliseconds unless `unit` says otherwise. */
export interface Series {
  name: string;
  values: number[];
}

export interface Figures {
  n: number;
  min: number;
  median: number;
  max: number;
}

/** Figures of a series; the median of an even number is the mean of the two in the middle. Throws on an empty one. */
export function figures(values: number[]): Figures {
  if (values.length === 0) throw new Error('a series: expected at least one value, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)]!;
  return { n: sorted.length, min: sorted[0]!, median: (low + high) / 2, max: sorted.at(-1)! };
}

/** Runs the sides A B C, A B C, … so that what else happens on the machine falls on all of them. */
export async function alternate(sides: Side[], rounds: number, tell: (line: string) => void): Promise<Series[]> {
  const series = sides.map((side) => ({ name: side.name, values: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      await side.prepare?.(round);
      // What preparation, or the side before, left to be written is nobody's time: whoever syncs its records would pay for it.
      execFileSync('/bin/sync');
      const begun = performance.now();
      const own = await side.run(round);
      const ms = own ?? performance.now() - begun;
      await side.cleanUp?.(round);
      series[i]!.values.push(ms);
      tell(`  round ${round + 1} of ${rounds}: ${side.name} ${showMs(ms)}`);
    }
  }
  return series;
}

/** Milliseconds as people read them. */
export function showMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms >= 10_000 ? 1 : 2)} s`;
  return `${ms.toFixed(ms >= 10 ? 0 : 2)} ms`;
}

/** A target of the project, and whether this run met it. */
export interface Verdict {
  figure: string;
  target: string;
  got: string;
  met: boolean;
}

/** What a benchmark prints: as a table, or as one JSON object for machines. */
export interface Report {
  title: string;
  series: Series[];
  /** Median of each other series divided by that of the first. */
  ratios: { name: string; ratio: number }[];
  verdicts: Verdict[];
  notes: string[];
}

/** Ratios against the first series: how many times longer the others took. */
export function ratios(series: Series[]): Report['ratios'] {
  const [first, ...others] = series;
  if (!first) return [];
  const base = figures(first.values).median;
  return others.map((other) => ({ name: `${other.name} / ${first.name}`, ratio: figures(other.values).median / base }));
}

/** The report as text. */
export function render(report: Report): string {
  const width = Math.max(12, ...report.series.map((s) => s.name.length));
  const rows = report.series.map((s) => {
    const f = figures(s.values);
    return `${s.name.padEnd(width)}  ${String(f.n).padStart(3)}  ${[f.min, f.median, f.max].map((v) => showMs(v).padStart(9)).join('  ')}`;
  });
  return [
    report.title,
    `${machine()}`,
    ...(rows.length > 0 ? [`${''.padEnd(width)}  ${'n'.padStart(3)}  ${['min', 'median', 'max'].map((h) => h.padStart(9)).join('  ')}`, ...rows] : []),
    ...report.ratios.map((r) => `${r.name}: ${r.ratio.toFixed(1)} times`),
    ...report.verdicts.map((v) => `${v.met ? 'met    ' : 'NOT MET'}  ${v.figure}: ${v.got} (target ${v.target})`),
    ...report.notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}

/** The machine in a line; numbers of different machines are not comparable. */
export function machine(): string {
  const cpu = cpus();
  return `${process.platform} ${process.arch}, ${cpu.length} × ${cpu[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${loadavg()[0]!.toFixed(1)}, Node ${process.version}`;
}

/** Flags every benchmark has. */
export interface Flags {
  runs: number;
  json: boolean;
  values: Record<string, string | undefined>;
}

/** Reads `--runs N`, `--json` and the named own flags; anything else ends with exit code 64. */
export function readFlags(own: string[] = [], runs = 3): Flags {
  const strings = Object.fromEntries([...own, 'runs'].map((name) => [name, { type: 'string' as const }]));
  try {
    const values: Record<string, string | boolean | undefined> = parseArgs({ options: { ...strings, json: { type: 'boolean' } } }).values;
    const count = Number(values['runs'] ?? runs);
    if (!Number.isInteger(count) || count < 1) throw new Error(`--runs: expected a whole number from 1, got ${String(values['runs'])}`);
    return { runs: count, json: values['json'] === true, values: values as Flags['values'] };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nflags: --runs N --json ${own.map((name) => `--${name} …`).join(' ')}\n`);
    process.exit(64);
  }
}

/** Prints the report on stdout and makes an unmet target the exit code 1. */
export function finish(report: Report, flags: Flags): void {
  process.stdout.write(flags.json ? `${JSON.stringify({ machine: machine(), ...report })}\n` : render(report));
  process.exitCode = report.verdicts.every((v) => v.met) ? 0 : 1;
}

/** A line for whoever watches. */
export const tell = (line: string): void => void process.stderr.write(`${line}\n`);
