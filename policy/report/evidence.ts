/** What was verified, and the digests by which what stands in a report can be checked. */
import { MOST, atLeast } from '../fallback-bounds.js';
import type { FallbackRecord } from '../fallback-record.js';
import { counted } from '../text.js';
import { code, list, table, words } from './page.js';
import type { Block, Words } from './page.js';
import { mark } from './steps.js';

export function verificationBlocks({ verification: done, result }: FallbackRecord): Block[] {
  if (!done) {
    const told = result.steps.filter(({ step }) => step.startsWith('verify'));
    return [told.length > 0 ? list(told.map((step) => `${mark(step.ok)} ${step.step}: ${step.fact}`)) : words('The new environment did not get as far as verification.')];
  }
  const { files, lock, interpreter, imports, tests } = done;
  return [list([
    `${mark(interpreter.ok)} interpreter: expected ${interpreter.expected}, got ${interpreter.got}`,
    `${mark(files.ok)} files: ${files.checked} against their RECORD${files.bad.length > 0 ? `, ${atLeast(files.bad.length, MOST.differences)} bad: ${files.bad.slice(0, 5).join(' ')}` : ''}`,
    `${mark(lock.ok)} lock: ${lock.installed} of ${lock.expected} installed${lock.differences.length > 0 ? `; ${lock.differences.slice(0, 10).join('; ')}` : ''}`,
    `${mark(imports.ok)} imports: ${imports.passed} of ${imports.total}${imports.failures.length > 0 ? `; ${imports.failures.slice(0, 10).map((one) => `${one.module}: ${one.class}`).join(', ')}` : ''}`,
    `${tests.ran ? mark(tests.ok) : '–'} tests: ${tests.ran ? tests.summary : 'none are configured'}`,
  ])];
}

export function evidenceBlocks({ evidence: refs = [], verification: done, plan, diagnosis, result }: FallbackRecord): Block[] {
  const rows: Words[][] = [
    ...(result.planDigest ? [['plan', '', code(result.planDigest), 'records']] : []),
    ...(plan ? [['lock', '', code(plan.lock.sha256), code(plan.lock.path)]] : []),
    ...(diagnosis ? [['output of the attempt', '', code(diagnosis.attempt.logSha256), code(`${result.env.host}:${diagnosis.attempt.logPath}`)]] : []),
    ...(done ? [['manifest of the new environment', counted(done.manifestFiles, 'file'), code(done.manifestDigest), 'the host'], ['installed set', '', code(done.freezeHash), 'the host']] : []),
    ...refs.map((ref): Words[] => [ref.name, `${ref.bytes} bytes`, code(ref.sha256), ref.kept ? 'records' : code(ref.where)]),
  ];
  return rows.length === 0 ? [words('None: nothing was planned.')] : table(['what', '->size', 'sha256', 'where'], rows);
}
