/** The full check of an environment: preflight and verifier on everything that can be measured, hashes included (HM-03, HM-04). */
import { preflight } from '../../policy/checks/preflight.js';
import { preflightLog } from '../../policy/checks/preflight-log.js';
import type { EnvironmentFacts } from '../../policy/checks/facts.js';
import type { CheckResult, CheckRules } from '../../policy/checks/model.js';
import type { HealthState, PreflightReport, VerificationResult } from '../../policy/checks/results.js';
import { verify } from '../../policy/checks/verification.js';
import { normalizeProjectName } from '../../policy/project-name.js';
import { oneLine } from '../../policy/text.js';
import { measureEnvironment } from './checks/measure-environment.js';
import type { CheckPlace } from './checks/place.js';
import { childEnvironment } from './command-env.js';
import type { Guard, HostContext } from './context.js';
import { appendLines } from './health-log.js';
import { stampText } from './health-hours.js';
import { processStat } from './proc.js';
import type { HealthFinding } from './store-health.js';

export interface FullResult {
  findings: HealthFinding[];
  verification: NonNullable<HealthState['verification']>;
}

/** Characters of one finding: what a project's files make a check say must not fill an event. */
const MESSAGE = 1000;
/** The lowest priority there is: a check takes only what nobody else wants. */
const NICE = 19;

/** Measures and judges. Throws when canceled; everything that could not be measured is a finding instead. */
export async function checkFull(ctx: HostContext, { place, rules }: { place: CheckPlace; rules: CheckRules }, signal: AbortSignal): Promise<FullResult> {
  const wanted = { probe: true, importTime: true, integrity: true, manual: false, rules, env: childEnvironment(place.owner), signal, guard: checkGuard(ctx, place.link) };
  const measure = async (nice: number): Promise<EnvironmentFacts> => {
    const facts = await measureEnvironment(ctx, place, { ...wanted, nice });
    signal.throwIfAborted();
    return facts;
  };
  let facts = await measure(NICE);
  // On a busy host the lowest priority may be too little for an answer in time: then it is asked as anybody would.
  if (preflight(facts, rules).checks.some(({ blocking, status }) => blocking && status === 'unknown')) facts = await measure(0);
  const [report, result] = [preflight(facts, rules), verify(facts, rules)];
  keepReport(ctx, report, facts, rules);
  return judged(report, result, rules);
}

/** DEGRADED by whatever makes preflight exit with 1, and by whatever fails the verifier (HM-03). */
export function judged(report: PreflightReport, result: VerificationResult, { warningLimit }: Pick<CheckRules, 'warningLimit'>): FullResult {
  const isFailed = result.overall_status !== 'PASSED' && result.overall_status !== 'WARNING';
  const blocking = report.exitCode === 0 ? [] : report.checks.filter(({ blocking, status }) => blocking && status !== 'pass' && status !== 'warn');
  const blockedNames = new Set(blocking.map(({ check }) => nameOf(check)));
  const violations = result.violations.map((one): HealthFinding => ({ ...one, message: oneLine(one.message, MESSAGE), degrades: (isFailed && one.severity === 'critical') || blockedNames.has(one.check) }));
  const only = blocking
    .map((one) => ({ ...one, lines: unsaid(one, result) }))
    .filter(({ lines }) => lines.length > 0)
    .map(({ check, status, lines }): HealthFinding => ({ check: nameOf(check), severity: status === 'fail' ? 'critical' : 'warning', message: oneLine(lines.join('; '), MESSAGE), degrades: true }));
  const all = [...violations, ...only];
  const untold: HealthFinding[] = (isFailed || report.exitCode !== 0) && !all.some(({ degrades }) => degrades) ? [{ check: 'verification', severity: 'warning', message: `verification is ${result.overall_status}, preflight ${report.status}`, degrades: true }] : [];
  const critical = result.violations.filter(({ severity }) => severity === 'critical').length;
  return { findings: [...all, ...untold], verification: { status: result.overall_status, critical, violations: result.violations.length, warnings: result.warnings.length, overWarningLimit: result.warnings.length > warningLimit, at: result.timestamp } };
}

/**
 * Lines of a check that stops preflight about what the verifier does not tell. Where both judge the same fault, how bad it is to
 * who watches is the verifier's word (DIS-07, DIS-08), and it counts once (HM-05). Only of packages they ask for different ones:
 * the verifier for those of `minimumVersions`, preflight for the modules of `required`.
 */
function unsaid({ check, lines, evidence }: CheckResult, { violations, package_integrity_check: packages }: VerificationResult): string[] {
  if (!violations.some((one) => one.check === nameOf(check))) return lines;
  if (check !== 'package-dependencies') return [];
  const { missing, untried } = evidence as { missing?: string[]; untried?: string[] };
  // No import could be tried: the verifier says so where it asks for any package.
  if (!missing || !untried) return packages.required_packages.length > 0 ? [] : lines;
  const said = new Set(packages.missing_packages.map(normalizeProjectName));
  const others = [...missing, ...untried].filter((module) => !said.has(normalizeProjectName(module)));
  return lines.filter((line) => others.some((module) => line.startsWith(`${module}: `)));
}

/** Preflight's checks by the names of the verifier's, where both judge the same. */
const SAME: Record<string, string> = { 'package-dependencies': 'package_integrity', 'environment-configuration': 'environment_config', 'security-permissions': 'security', 'performance-baseline': 'performance' };
const nameOf = (check: string): string => SAME[check] ?? check.replaceAll('-', '_');

/**
 * Children of a check belong to no order: whoever takes the environment's lease ends them first (epoch 0 is older than any), and
 * they are nobody's riders. They may change nothing.
 */
function checkGuard(ctx: HostContext, link: string): Guard {
  const { store } = ctx;
  const op = `health/${link}`;
  return {
    op,
    attempt: 0,
    commit: () => {
      throw new Error(`${op}: a check changes nothing`);
    },
    groupStarted(pgid) {
      const started = processStat(pgid)?.started;
      if (started !== undefined) store.exclusive(() => store.fence.addGroup({ link, pgid, started, op, epoch: 0, seq: 0, attempt: 0 }));
    },
    groupEnded: (pgid) => store.exclusive(() => store.fence.removeGroup(link, pgid)),
  };
}

/** PF-02: the report in words, beside the health log, kept as long. That it can't be written makes no check undone. */
function keepReport(ctx: HostContext, report: PreflightReport, facts: EnvironmentFacts, rules: CheckRules): void {
  const at = new Date(facts.at);
  const name = `preflight_check_${stampText(at).replace(/[-:]/g, '').replace(' ', '_')}.log`;
  try {
    appendLines(ctx, name, preflightLog({ ...report, logFile: name }, rules, (iso) => stampText(new Date(iso))));
  } catch (error) {
    ctx.warn?.(`${name}: ${(error as Error).message}; checks go on without it`);
  }
}
