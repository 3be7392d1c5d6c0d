/** Reports as JUnit XML, for the test view of a CI server. Whenever a command would exit with an error, a test case says why. */
import { oneLine } from '../text.js';
import type { CheckResult } from './model.js';
import type { PreflightReport, VerificationResult, Violation } from './results.js';

interface TestCase {
  suite: string;
  name: string;
  /** Null: passed. `error`: it could not be judged. */
  problem: { kind: 'failure' | 'error'; type: string; message: string } | null;
  /** What was found. */
  output: string[];
}

interface TestSuite {
  name: string;
  at: string | null;
  cases: TestCase[];
}

/** Characters of a message; the lines behind it are whole. */
const MESSAGE = 1000;

/** One suite a report, one test case a check. Nothing to report is an error, too. */
export function junit(report: PreflightReport | null, result: VerificationResult | null): string {
  const suites = [...(report === null ? [] : [preflightSuite(report)]), ...(result === null ? [] : [verifierSuite(result)])];
  if (suites.length === 0) suites.push({ name: 'runbook', at: null, cases: [nothingChecked('runbook')] });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="runbook"${counts(suites.flatMap(({ cases }) => cases))}>\n${suites.map(suiteText).join('')}</testsuites>\n`;
}

const nothingChecked = (suite: string): TestCase => ({ suite, name: 'checks', problem: { kind: 'error', type: 'unknown', message: 'no check was made' }, output: [] });

function preflightSuite({ at, checks }: PreflightReport): TestSuite {
  const cases = checks.map((check): TestCase => ({ suite: 'preflight', name: check.check, problem: checkProblem(check), output: [...check.lines, ...(check.remedy === null || check.status === 'pass' ? [] : [`to do: ${check.remedy}`])] }));
  return { name: 'preflight', at, cases: cases.length === 0 ? [nothingChecked('preflight')] : cases };
}

function checkProblem({ status, title, lines }: CheckResult): TestCase['problem'] {
  if (status === 'pass' || status === 'warn') return null;
  return { kind: status === 'fail' ? 'failure' : 'error', type: status, message: `${title}: ${lines.join('; ')}` };
}

const PARTS = ['python_version', 'package_integrity', 'wheel_status', 'environment_config', 'security', 'performance'];

function verifierSuite(result: VerificationResult): TestSuite {
  const { violations, warnings, timestamp, overall_status } = result;
  const others = [...violations, ...warnings].map(({ check }) => check).filter((check) => !PARTS.includes(check));
  const names = [...new Set([...PARTS, ...others, ...(overall_status === 'unknown' ? ['verification'] : [])])];
  const cases = names.map((name): TestCase => {
    const own = violations.filter(({ check }) => check === name);
    const notes = warnings.filter(({ check }) => check === name).map(({ message }) => `note: ${message}`);
    return { suite: 'verification', name, problem: verifierProblem(name, own, result), output: [...own.map(({ severity, message }) => `${severity}: ${message}`), ...notes] };
  });
  return { name: 'verification', at: timestamp, cases };
}

/** A violation of either severity fails its case: the command's exit code is not 0 for it. In a result that could not be judged nothing passed. */
function verifierProblem(name: string, own: Violation[], result: VerificationResult): TestCase['problem'] {
  const message = own.map((it) => it.message).join('; ');
  if (own.some(({ severity }) => severity === 'critical')) return { kind: 'failure', type: 'critical', message };
  if (result.overall_status === 'unknown') return { kind: 'error', type: 'unknown', message: message || 'could not be judged' };
  if (own.length === 0) return null;
  return isUnmeasured(name, result) ? { kind: 'error', type: 'unknown', message } : { kind: 'failure', type: 'warning', message };
}

/** Its answer is not there. */
function isUnmeasured(name: string, { wheel_status_check, security_check, performance_check }: VerificationResult): boolean {
  const answers: Record<string, boolean | null> = { wheel_status: wheel_status_check.packages_match_lock, security: security_check.no_insecure_packages, performance: performance_check.performance_baseline_met };
  return answers[name] === null;
}

function suiteText({ name, at, cases }: TestSuite): string {
  const time = at === null || Number.isNaN(Date.parse(at)) ? '' : ` timestamp="${new Date(at).toISOString().slice(0, 19)}"`;
  return `  <testsuite name="${name}"${counts(cases)}${time}>\n${cases.map(caseText).join('')}  </testsuite>\n`;
}

function counts(cases: TestCase[]): string {
  const of = (kind: string): number => cases.filter(({ problem }) => problem?.kind === kind).length;
  return ` tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}" skipped="0"`;
}

function caseText({ suite, name, problem, output }: TestCase): string {
  const text = output.join('\n');
  const inside = problem === null
    ? output.length === 0 ? '' : `      <system-out>${escaped(text)}</system-out>\n`
    : `      <${problem.kind} type="${escaped(problem.type)}" message="${escaped(oneLine(problem.message, MESSAGE) || problem.type)}">${escaped(text)}</${problem.kind}>\n`;
  return `    <testcase classname="${escaped(suite)}" name="${escaped(oneLine(name))}"${inside === '' ? '/>\n' : `>\n${inside}    </testcase>\n`}`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** What XML 1.0 can't carry, and other control characters, become U+FFFD: a terminal's colours are not for a web page. */
const escaped = (text: string): string =>
  text
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!)
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
