/** `runbook preflight --manual`: the form, gone through by a person and signed (PF-27). */
import { formDifference, manualForm, readManualForm, type FilledForm } from '../../../policy/checks/manual-form.js';
import type { PreflightReport } from '../../../policy/checks/results.js';
import type { EnvironmentRef } from '../../../policy/model.js';
import { fileStamp, writeNewFile } from '../check-output.js';
import { policyWords, type CheckOptions } from '../checking.js';
import type { Instance } from '../instance.js';
import { CliError, EXIT, refusal, type Io } from '../io.js';
import { signAndRecord, type Recorded, type StatementOptions } from '../statements.js';
import { readTextFile } from '../text-file.js';
import { placeOf, tilde } from '../words.js';

export interface ManualOptions extends CheckOptions, StatementOptions {
  /** A form that was filled in elsewhere. */
  signOff?: string;
  reason?: string;
}

export interface ManualInput {
  env: EnvironmentRef;
  /** Of the seven checks and the manual ones. */
  report: PreflightReport;
  /** The report for people. */
  lines: string[];
  /** Where the form is kept. */
  folder: string;
}

/** A form that is about to be signed, as text with its ticks. */
interface Form {
  filled: FilledForm;
  document: string;
  /** Null: it could not be kept. */
  file: string | null;
}

const LONGEST_FORM_BYTES = 200_000;
const OPEN_BOX = /^- \[ \] (\d+\.\d+) /;

/** Shows the report, has the form filled in, signed and put on record; returns the exit code. */
export async function signOffPreflight(io: Io, instance: Instance, input: ManualInput, options: ManualOptions): Promise<number> {
  const { report, lines, env } = input;
  const place = placeOf(env, instance.host);
  if (!options.json) for (const line of lines) io.out(line);
  const form = options.signOff !== undefined ? readForm(options.signOff, report, place, policyWords(options)) : await fillForm(io, input, options);
  const isWhole = form.filled.open.length === 0;
  const recorded = isWhole ? await sign(io, instance, env, form, options) : null;
  tell(io, { report, form, recorded, place }, options);
  if (recorded === null) return isWhole || io.interactive ? EXIT.no : EXIT.waiting;
  return recorded.taken ? report.exitCode : EXIT.no;
}

/** Prints the form; on a terminal asks item by item. Kept as a file in any case. */
async function fillForm(io: Io, { report, folder }: ManualInput, { json }: ManualOptions): Promise<Form> {
  const empty = manualForm(report);
  if (!json) for (const line of empty.trimEnd().split('\n')) io.talk(line);
  const document = io.interactive ? await askThrough(io, empty) : empty;
  const file = writeNewFile(io, folder, `preflight_form_${fileStamp(new Date(report.at))}`, 'md', () => document);
  return { filled: readManualForm(document, report)!, document, file };
}

async function askThrough(io: Io, form: string): Promise<string> {
  const lines: string[] = [];
  for (const line of form.split('\n')) lines.push(OPEN_BOX.test(line) && (await io.ask(line.slice('- [ ] '.length))) ? line.replace('[ ]', '[x]') : line);
  return lines.join('\n');
}

/** A form from a file: of this environment, whole, and of what is measured now. */
function readForm(file: string, report: PreflightReport, place: string, policy: string): Form {
  const wayOut = `runbook preflight ${place} --manual${policy} writes a new form`;
  const document = readTextFile(file, { longestBytes: LONGEST_FORM_BYTES, wayOut });
  const filled = readManualForm(document, report);
  const refuse = (expected: string, got: string): Error => refusal([{ what: `--sign-off ${file}`, expected, got, wayOut }]);
  if (filled === null) throw refuse(`a manual preflight form of ${place}`, 'something else, or a form that was changed');
  if (filled.open.length > 0) throw refuse('a form with every box ticked', `open: ${filled.open.join(', ')}`);
  const difference = formDifference(filled, report);
  if (difference !== null) throw refuse(difference.expected, difference.got);
  return { filled, document, file };
}

async function sign(io: Io, instance: Instance, env: EnvironmentRef, { filled, document, file }: Form, options: ManualOptions): Promise<Recorded | null> {
  try {
    return await signAndRecord(io, instance, { kind: 'manual-preflight', env, digest: filled.digest, document, reason: options.reason ?? 'manual preflight' }, options);
  } catch (error) {
    if (error instanceof CliError && file !== null && options.signOff === undefined) throw new CliError(error.code, [...error.lines, `the form is kept: ${tilde(file)}`], error.objections);
    throw error;
  }
}

function tell(io: Io, { report, form, recorded, place }: { report: PreflightReport; form: Form; recorded: Recorded | null; place: string }, options: ManualOptions): void {
  const { json, signOff } = options;
  const { filled, file } = form;
  if (json) return io.out(JSON.stringify({ ...report, form: { file, digest: filled.digest, open: filled.open }, signed: recorded }, null, 2));
  if (recorded !== null) return io.out(recorded.taken ? `form sha256:${filled.digest.slice(0, 12)} ${recorded.message}` : `not taken: ${recorded.message}`);
  if (filled.open.length > 0) io.out(`not signed; open: ${filled.open.join(', ')}`);
  if (file !== null && signOff === undefined) io.talk(`next: tick them in ${tilde(file)}, then runbook preflight ${place} --manual --sign-off ${tilde(file)}${policyWords(options)}`);
}
