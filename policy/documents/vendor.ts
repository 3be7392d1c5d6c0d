/** `vendor_support.md` (WF-72): what to send to the vendor of a package that no rung could install. */
import { boundRecord } from '../fallback-bounds.js';
import { fallbackVersion, hasSucceeded, pythonNow, vendorPackages } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { formatEnvironment } from '../ids.js';
import { rungText } from '../ladder.js';
import { platformText } from '../report/diagnosis.js';
import { triedText } from '../report/ladder.js';
import { oneLine } from '../text.js';
import { inMarkdown, lines } from './words.js';

/** One block per package; null where the outcome asks for none: nothing failed on every rung. */
export function vendorSupport(whole: FallbackRecord): string | null {
  const record = boundRecord(whole);
  const packages = vendorPackages(record);
  if (packages.length === 0) return null;
  const { result, at } = record;
  return lines('', `# Vendor support: ${at} · ${result.run}`, ...packages.flatMap((project) => block(record, project)));
}

function block(record: FallbackRecord, project: string): string[] {
  const told = (words: string): string => inMarkdown(oneLine(words));
  return [
    '',
    `## ${told(project)}`,
    '',
    `- Package: ${told(project)}`,
    `- Version: ${told(versionOf(record, project))}`,
    `- Python: ${told(fallbackVersion(record))}`,
    `- Platform: ${told(record.diagnosis ? platformText(record.diagnosis.system) : 'not known')}`,
    `- Error: ${told(errorOf(record, project))}`,
    `- Steps tried: ${stepsTried(record, project).map(told).join('; ')}`,
    `- Business impact: ${told(businessImpact(record))}`,
  ];
}

function versionOf({ verdicts, builds = [] }: FallbackRecord, project: string): string {
  const pin = verdicts.flatMap(({ pins }) => pins).find((one) => one.project === project);
  return pin?.version ?? builds.flatMap(({ failed }) => failed).find((one) => one.project === project)?.version ?? 'not known';
}

/** The most telling first: a build's own words, the diagnosis, the index's answer. */
function errorOf({ verdicts, builds = [], diagnosis }: FallbackRecord, project: string): string {
  const built = builds.flatMap(({ failed }) => failed).findLast((one) => one.project === project);
  const found = built ?? diagnosis?.findings.find((one) => one.project === project);
  if (found) return `${found.class}: ${found.evidence.trim() || found.remedy}`;
  const pin = verdicts.toReversed().flatMap(({ pins }) => pins).find((one) => one.project === project && one.verdict !== 'wheel');
  return pin ? `${pin.verdict}: ${pin.why}` : 'not known';
}

function stepsTried({ verdicts, builds = [], proposals = [] }: FallbackRecord, project: string): string[] {
  const wheels = verdicts.map(({ version, missing }) => `wheel for Python ${version}: ${missing.includes(project) ? 'none' : 'there is one'}`);
  const sources = builds.flatMap(({ host, failed }) => failed.filter((one) => one.project === project).map((one) => `source build on ${host}: ${one.class}, log ${host}:${one.logPath}`));
  const locks = proposals.map((proposal) => `${rungText(proposal.rung)} for Python ${proposal.interpreter}: ${triedText(proposal)}`);
  const all = [...wheels, ...sources, ...locks];
  return all.length > 0 ? all : ['none that is on record'];
}

function businessImpact(record: FallbackRecord): string {
  const { result, hostClass } = record;
  const where = `${formatEnvironment(result.env)}${hostClass === undefined ? '' : ` (${hostClass})`}`;
  const effect = hasSucceeded(record) ? `runs on Python ${fallbackVersion(record)} instead of ${result.from ?? 'none'}` : `can't have this lock; Python now: ${pythonNow(record)}`;
  return `${where} ${effect}. It was asked for because: ${record.reason}`;
}
