/**
 * The runner behind `npm test`: all compiled tests, three files at a time (most of them wait more than they work); fault tests only as a seeded sample unless
 * `faults` is given. Its last line is `N passed, N failed`. A whole run of the faults ends with their matrix as a table,
 * which is also written to the file that RUNBOOK_FAULTS_TABLE names.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { Transform } from 'node:stream';
import { approvalTable, readApprovalResults } from './faults/approval-table.js';
import { matrixTable, readResults, RESULTS_VARIABLE } from './faults/matrix-table.js';

const HERE = import.meta.dirname;
const SOURCES = path.resolve(HERE, '../../test');
const FAULTS = path.join(HERE, 'faults');
/** A file that is not done by then hangs: the longest installs real packages, or goes through a whole matrix of faults. */
const FILE_TIMEOUT_MS = (process.env['RUNBOOK_FAULTS'] === 'all' ? 60 : 10) * 60_000;

/** Files whose time is told. */
const SLOWEST = 12;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** What of node:test's events is read here. */
interface TestEvent {
  type: string;
  data: { name?: string; file?: string; message?: string; skip?: unknown; todo?: unknown; details?: { type?: string } };
}

/** `faults`: only those. Words: only files whose path holds one of them. Else everything but faults. */
function collect(words: string[]): string[] {
  const onlyFaults = words.includes('faults');
  const parts = words.filter((word) => word !== 'faults');
  // The output folder keeps what was compiled from files that are gone.
  const hasSource = (name: string): boolean => existsSync(path.join(SOURCES, name.replace(/\.js$/, '.ts')));
  const files = readdirSync(HERE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.js') && hasSource(name)).map((name) => path.join(HERE, name)).sort();
  const isFault = (file: string): boolean => file.startsWith(FAULTS + path.sep);
  // The sample of faults is drawn within their files, which read RUNBOOK_FAULTS: `all`, or a seed.
  const chosen = onlyFaults ? files.filter(isFault) : files;
  return parts.length === 0 ? chosen : chosen.filter((file) => parts.some((part) => path.relative(HERE, file).includes(part)));
}

/** Counts tests as they end. A file is reported by its own path when it died, or held no test at all. */
function count(tally: Tally, notes: string[], { type, data }: TestEvent): void {
  if (type === 'test:stderr' && /^\(node:\d+\) .*Warning: /m.test(data.message ?? '')) {
    tally.failed += 1;
    notes.push(`process warning in ${short(data.file)}: ${data.message!.trim()}`);
  }
  if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') return;
  const isFile = data.name === data.file;
  if (type === 'test:fail') {
    tally.failed += 1;
    if (isFile) notes.push(`${short(data.file)}: it crashed, failed outside its tests, or was not done after ${FILE_TIMEOUT_MS / 60_000} minutes`);
  } else if (isFile) {
    tally.failed += 1;
    notes.push(`${short(data.file)} holds no test`);
  } else if (data.skip !== undefined || data.todo !== undefined) tally.skipped += 1;
  else tally.passed += 1;
}

/** From when each file was begun to the end of its last test, milliseconds. */
function time(spent: Map<string, { from: number; to: number }>, { type, data }: TestEvent): void {
  const { file = '', name } = data;
  if (type === 'test:dequeue' && name === file) spent.set(file, { from: performance.now(), to: performance.now() });
  else if (type === 'test:complete' && spent.has(file)) spent.get(file)!.to = performance.now();
}

/** Which files a shorter run would begin with. */
function slowest(spent: Map<string, { from: number; to: number }>): string {
  const sorted = [...spent].map(([file, { from, to }]) => ({ file, seconds: Math.round((to - from) / 1000) })).sort((a, b) => b.seconds - a.seconds);
  return sorted.slice(0, SLOWEST).map(({ file, seconds }) => `${seconds} s ${short(file)}`).join(', ');
}

const short = (file: string | undefined): string => path.relative(HERE, file ?? '');

/** Lets the matrix tests keep their results, and returns what prints them. */
function matrixOf(folder: string): () => void {
  const file = path.join(folder, 'results');
  process.env[RESULTS_VARIABLE] = file;
  return () => {
    const [results, approvals] = [readResults(file), readApprovalResults(file)];
    if (results.length === 0 && approvals.length === 0) return;
    const table = [...(results.length > 0 ? [matrixTable(results)] : []), ...(approvals.length > 0 ? [approvalTable(approvals)] : [])].join('\n\n');
    console.log(`\n${table}\n`);
    const wanted = process.env['RUNBOOK_FAULTS_TABLE'];
    if (wanted) writeFileSync(wanted, `${table}\n`);
  };
}

async function main(words: string[]): Promise<number> {
  const files = collect(words);
  const [tally, notes]: [Tally, string[]] = [{ passed: 0, failed: 0, skipped: 0 }, []];
  // Drawn here, so that a run can be repeated: RUNBOOK_FAULTS=SEED npm test
  process.env['RUNBOOK_FAULTS'] ??= words.includes('faults') ? 'all' : String(Date.now() % 1_000_000);
  const spent = new Map<string, { from: number; to: number }>();
  console.log(`${files.length} files, faults: ${process.env['RUNBOOK_FAULTS']}`);
  const kept = mkdtempSync(path.join(tmpdir(), 'faults-'));
  const printMatrix = process.env['RUNBOOK_FAULTS'] === 'all' ? matrixOf(kept) : () => undefined;
  if (files.length > 0) {
    const counting = new Transform({ objectMode: true, transform: (event: TestEvent, _encoding, done) => (count(tally, notes, event), time(spent, event), done(null, event)) });
    const output = run({ files, concurrency: 3, timeout: FILE_TIMEOUT_MS }).pipe(counting).compose(new spec());
    for await (const text of output) process.stdout.write(text as string);
  }
  printMatrix();
  rmSync(kept, { recursive: true, force: true });
  if (files.length > SLOWEST) console.log(`slowest files: ${slowest(spent)}`);
  for (const note of notes) console.log(`! ${note}`);
  console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`);
  return tally.failed > 0 || tally.passed === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
