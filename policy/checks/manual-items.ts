/** The manual list as data: six sections, what a person confirms in each, which check measured it, and how to look by hand. */
import type { CheckStatus, Json } from './model.js';
import type { PreflightReport } from './results.js';
import { fileWord, targetWord } from './remedies.js';
import { shellWord } from '../text.js';

/** One line of the list. */
export interface ManualItem {
  confirm: string;
  /** Name of the check that measured it. */
  check: string;
  /** Where the check found more than one thing: the one that is meant, in `parts` of its evidence. */
  part: string | null;
  /** Command that shows a person the same. */
  byHand(report: PreflightReport): string;
}

export interface ManualSection {
  title: string;
  items: readonly ManualItem[];
}

const item = (confirm: string, check: string, byHand: ManualItem['byHand'], part: string | null = null): ManualItem => ({ confirm, check, part, byHand });

export const MANUAL_SECTIONS: readonly ManualSection[] = [
  {
    title: 'Python version',
    items: [
      item('the interpreter is one that the policy approves', 'python-version', (report) => `${python(report)} --version`),
      item('the environment is of the interpreter it was made from', 'virtual-environment', (report) => `${python(report)} -c "import sys; print(sys.prefix, sys.base_prefix)"`),
      item('the version is documented in the configuration', 'version-documented', (report) => `grep -n python_version ${configWords(report)}`),
    ],
  },
  {
    title: 'Package dependencies',
    items: [
      item('the core packages are installed', 'package-dependencies', (report) => `${pip(report)} list`),
      item('every critical import works', 'package-dependencies', (report) => `${python(report)} -c "import ${strings(evidence(report, 'package-dependencies').required).join(', ') || 'site'}"`),
      item('package versions fit together', 'package-compatibility', (report) => `${pip(report)} check`),
    ],
  },
  {
    title: 'Wheel status',
    items: [
      item('the lock is there and current', 'wheel-status', (report) => `ls -l ${lockWord(report)}`, 'file'),
      item('what is installed is what the lock pins', 'wheel-status', (report) => `${pip(report)} freeze | diff - ${lockWord(report)}`, 'match'),
      item('every package has a wheel', 'wheel-availability', (report) => `runbook wheels ${targetWord(report)}`),
    ],
  },
  {
    title: 'Environment configuration',
    items: [
      item('the variables are set', 'environment-configuration', (report) => `printenv ${Object.keys(evidence(report, 'environment-configuration')).join(' ')}`.trim()),
      item('the configuration files say what is true', 'config-content', (report) => `cat ${configWords(report)}`),
      item('Python is on PATH', 'python-on-path', () => 'command -v python3'),
    ],
  },
  {
    title: 'Security',
    items: [
      item('no critical file can be written by everybody', 'security-permissions', (report) => `ls -l ${Object.keys(record(evidence(report, 'security-permissions').modes)).map((path) => fileWord(report, path)).join(' ')}`.trim()),
      item('no insecure package version is installed', 'insecure-packages', (report) => `${pip(report)} list`),
      item('the environment is isolated', 'isolation', () => 'echo "$VIRTUAL_ENV"'),
    ],
  },
  {
    title: 'Performance baseline',
    items: [
      item('imports and a sum are quick', 'performance-baseline', (report) => `time ${python(report)} -c "import numpy, pandas; pandas.DataFrame(numpy.random.rand(1000, 10)).sum().sum()"`),
      item('memory use is reasonable', 'memory-use', (report) => `${python(report)} -c "import numpy, pandas, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"`),
      item('a start is quick', 'startup-time', (report) => `time ${python(report)} -c pass`),
    ],
  },
];

/** What was measured for an item; what is not in the report was not measured. */
export function measuredFor(report: PreflightReport, { check, part }: ManualItem): { status: CheckStatus; line: string } {
  const result = report.checks.find((one) => one.check === check);
  if (result === undefined) return { status: 'unknown', line: 'it was not measured' };
  const { status, line } = part === null ? {} : record(record(result.evidence.parts)[part]);
  const own = STATUSES.find((one) => one === status);
  return own !== undefined && typeof line === 'string' ? { status: own, line } : { status: result.status, line: result.lines[0] ?? 'nothing was said' };
}

const STATUSES: readonly CheckStatus[] = ['pass', 'warn', 'fail', 'unknown'];
const record = (value: Json | undefined): Record<string, Json> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {});
const strings = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []);
const evidence = ({ checks }: PreflightReport, name: string): Record<string, Json> => checks.find(({ check }) => check === name)?.evidence ?? {};

function python(report: PreflightReport): string {
  const { executable } = evidence(report, 'python-version');
  return shellWord(typeof executable === 'string' ? executable : `${report.link}/bin/python`);
}

/** Of the host: environments need not have a pip of their own. */
const pip = (report: PreflightReport): string => `python3 -m pip --python ${python(report)}`;

function lockWord(report: PreflightReport): string {
  const { lock } = evidence(report, 'wheel-status');
  return fileWord(report, typeof lock === 'string' ? lock : 'requirements.lock');
}

function configWords(report: PreflightReport): string {
  const files = Object.keys(record(evidence(report, 'version-documented').recorded));
  return (files.length > 0 ? files : ['runbook.yaml']).map((path) => fileWord(report, path)).join(' ');
}
