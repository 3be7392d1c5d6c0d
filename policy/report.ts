/** `fallback_report.md`: what was wrong, what was done, how to get back, in plain words. */
import { formatMs, seconds } from './describe.js';
import { failureReason, fallbackVersion, prevention, primaryVersion, startedAt } from './fallback-record.js';
import type { FallbackRecord } from './fallback-record.js';
import { formatEnvironment } from './ids.js';
import type { LockVerdict, PinVerdict } from './model.js';
import { counted, markdownCode, markdownText } from './text.js';

/** Packages listed one by one; the rest are counted. */
const LISTED = 50;

/** The report as Markdown. Every sentence rests on a field of the record: what was not measured is said to be so. */
export function fallbackReport(record: FallbackRecord): string {
  return [
    `# Wheel fallback ${record.result.run}`,
    '',
    headline(record),
    ...section('Summary', summary(record)),
    ...section('What was wrong', rootCause(record)),
    ...section('What was done', steps(record)),
    ...section('Verification', verification(record)),
    ...section('How to go back', wayBack(record)),
    ...section('Impact', impact(record)),
    ...section('What to do next', nextSteps(record)),
    ...section('Evidence', evidence(record)),
    '',
  ].join('\n');
}

const section = (title: string, body: string[]): string[] => ['', `## ${title}`, '', ...body];

function headline(record: FallbackRecord): string {
  const { result } = record;
  const where = markdownCode(formatEnvironment(result.env));
  switch (result.outcome) {
    case 'done':
      return `${where} runs Python ${fallbackVersion(record)} instead of ${result.from ?? 'none'}, verified.`;
    case 'rolled-back':
      return `The fallback failed or was stopped; ${where} is on Python ${result.from ?? 'none'} as before.`;
    case 'rollback-incomplete':
      return `The fallback failed **and the way back is not complete**: ${where} needs a person now.`;
    default:
      return `The fallback ended ${result.outcome}; ${where} was left as it was, on Python ${result.from ?? 'none'}.`;
  }
}

function summary(record: FallbackRecord): string[] {
  const { result, at, hostClass } = record;
  return [
    `- Date: ${instant(startedAt(record))} to ${instant(at)} (${duration(record)})`,
    `- Environment: ${markdownCode(`${result.env.host}:${result.env.link}`)}${hostClass ? `, ${markdownText(hostClass)}` : ''}`,
    `- Primary Python: ${markdownText(primaryVersion(record))}`,
    `- Fallback Python: ${markdownText(fallbackVersion(record))}`,
    `- Outcome: ${result.outcome}. ${markdownText(result.message)}`,
    `- Asked by ${markdownText(record.requester)}: ${markdownText(record.reason)}`,
    `- Plan: ${result.planDigest ? `sha256 ${result.planDigest}` : 'none was made'}`,
  ];
}

/** To the second: what a person compares with other logs. */
const instant = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;

const duration = (record: FallbackRecord): string => seconds({ startedAt: startedAt(record), endedAt: record.at });

function rootCause(record: FallbackRecord): string[] {
  const { verdicts, causes = {} } = record;
  const pins = verdicts[0]?.pins.filter(({ verdict }) => verdict !== 'wheel') ?? [];
  const classes = Object.entries(causes).map(([name, cause]) => `- ${markdownText(name)}: ${cause.replaceAll('-', ' ')}`);
  return [
    `${sentence(markdownText(failureReason(record), 2_000))}.`,
    ...(pins.length > 0 ? ['', ...pinTable(pins)] : []),
    ...(classes.length > 0 ? ['', 'Causes:', '', ...classes.slice(0, LISTED)] : []),
    ...(verdicts.length > 0 ? ['', ...verdicts.map(verdictLine)] : []),
  ];
}

function pinTable(pins: PinVerdict[]): string[] {
  const rows = pins.slice(0, LISTED).map(({ project, version, verdict, why }) => `| ${markdownText(project)} ${markdownText(version)} | ${verdict} | ${markdownText(why)} |`);
  return ['| package | verdict | why |', '| --- | --- | --- |', ...rows, ...(pins.length > LISTED ? ['', `and ${pins.length - LISTED} more.`] : [])];
}

function verdictLine({ version, pins, missing, error }: LockVerdict): string {
  if (error) return `- Python ${version}: could not be judged, ${error.class}: ${markdownText(error.text)}`;
  const have = pins.length - missing.length;
  return `- Python ${version}: ${have} of ${counted(pins.length, 'package')} can be installed from wheels`;
}

function steps({ result }: FallbackRecord): string[] {
  if (result.steps.length === 0) return ['Nothing was begun.', ...objections(result.objections)];
  const rows = result.steps.map((step) => `| ${step.ok ? '✓' : '✗'} ${markdownText(step.step)} | ${instant(step.startedAt)} | ${seconds(step)} | ${step.workMs > 0 ? formatMs(step.workMs) : '—'} | ${markdownText(step.fact)} |`);
  return ['| step | began | took | on the host | fact |', '| --- | --- | ---: | ---: | --- |', ...rows, ...objections(result.objections)];
}

function objections(refused: FallbackRecord['result']['objections']): string[] {
  if (refused.length === 0) return [];
  return ['', 'Refused because:', '', ...refused.map(({ what, expected, got, wayOut }) => `- ${markdownText(what)}: expected ${markdownText(expected)}, got ${markdownText(got)}. ${markdownText(wayOut)}`)];
}

function verification({ verification: done, result }: FallbackRecord): string[] {
  if (!done) {
    const told = result.steps.filter(({ step }) => step.startsWith('verify'));
    return told.length > 0 ? told.map((step) => `- ${mark(step.ok)} ${markdownText(step.step)}: ${markdownText(step.fact)}`) : ['The new environment did not get as far as verification.'];
  }
  const { files, lock, interpreter, imports, tests } = done;
  return [
    `- ${mark(interpreter.ok)} interpreter: expected ${interpreter.expected}, got ${markdownText(interpreter.got)}`,
    `- ${mark(files.ok)} files: ${files.checked} against their RECORD${files.bad.length > 0 ? `, ${files.bad.length} bad: ${markdownText(files.bad.slice(0, 5).join(' '))}` : ''}`,
    `- ${mark(lock.ok)} lock: ${lock.installed} of ${lock.expected} installed${lock.differences.length > 0 ? `; ${markdownText(lock.differences.slice(0, 10).join('; '))}` : ''}`,
    `- ${mark(imports.ok)} imports: ${imports.passed} of ${imports.total}${imports.failures.length > 0 ? `; ${imports.failures.slice(0, 10).map((f) => `${markdownText(f.module)}: ${f.class}`).join(', ')}` : ''}`,
    `- ${tests.ran ? mark(tests.ok) : '–'} tests: ${tests.ran ? markdownText(tests.summary) : 'none are configured'}`,
  ];
}

function wayBack({ result, plan }: FallbackRecord): string[] {
  if (result.outcome === 'rollback-incomplete') return [`Ask \`runbook show ${result.run}\`, repair what it names, then \`runbook settle ${result.run} --undo --reason …\`.`];
  if (result.outcome !== 'done') return ['Nothing is left to undo.'];
  const armed = result.steps.find(({ step, ok }) => step === 'arm' && ok)?.fact.replace(/^undo: /, '');
  const target = plan?.undoTarget ? `${markdownCode(`.venvs/${plan.undoTarget}`)}, Python ${result.from ?? 'none'}` : `Python ${result.from ?? 'none'}`;
  return [
    `Undo returns to ${target}${armed ? ` (${markdownText(armed)})` : ''}:`,
    '',
    `    runbook undo ${formatEnvironment(result.env)} --reason …`,
    '',
    'On the host itself, with no server at all: `runbook undo PATH --local --reason …`, or the two commands in `.venvs/README`.',
    '',
    // WF-27. This product changes no Windows host; the advice stays for people who work on one.
    'By hand: `source .venv/bin/activate` on Linux and macOS; a Windows checkout has `.venv\\Scripts\\activate` instead.',
  ];
}

function impact(record: FallbackRecord): string[] {
  const { result, plan } = record;
  const restarted = plan && plan.serviceActions.length > 0 ? `; ${plan.serviceActions.join(', ')}, announced as at most ${plan.facts.restartWindowSeconds} s without an answer` : '';
  return [
    `- Functionality: ${result.outcome === 'done' ? 'not affected as far as the verification above tells' : 'see the outcome'}${markdownText(restarted)}`,
    '- Performance: not measured by this run',
    `- Duration: ${duration(record)}${result.outcome === 'done' ? '; the fallback holds until it is undone or the primary is restored' : ''}`,
  ];
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

const nextSteps = (record: FallbackRecord): string[] => [
  `1. ${sentence(markdownText(prevention(record), 2_000))}.`,
  `2. Plan the way home: ${markdownCode(`runbook plan change ${formatEnvironment(record.result.env)} --to ${primaryVersion(record)}`)}.`,
  `3. Read the trail: \`runbook show ${record.result.run}\`, ${markdownCode(`runbook why ${formatEnvironment(record.result.env)}`)}.`,
];

/** Digests by which what stands in this report can be checked. */
function evidence({ evidence: refs = [], verification: done, plan, result }: FallbackRecord): string[] {
  const rows = [
    ...(result.planDigest ? [['plan', '', result.planDigest, 'records']] : []),
    ...(plan ? [['lock', '', plan.lock.sha256, plan.lock.path]] : []),
    ...(done ? [['manifest of the new environment', counted(done.manifestFiles, 'file'), done.manifestDigest, 'the host'], ['installed set', '', done.freezeHash, 'the host']] : []),
    ...refs.map((ref) => [ref.name, `${ref.bytes} bytes`, ref.sha256, ref.kept ? 'records' : ref.where]),
  ];
  if (rows.length === 0) return ['None: nothing was planned.'];
  return ['| what | size | sha256 | where |', '| --- | ---: | --- | --- |', ...rows.map((row) => `| ${row.map((cell) => markdownText(cell!)).join(' | ')} |`)];
}

const mark = (ok: boolean): string => (ok ? '✓' : '✗');
