/** Whether a deployment may go on (CI-10, DIS-05): preflight first, then the verifier, then what the policy says to warnings. */
import { digestOf } from '../canonical.js';
import { freezeHash } from '../freeze.js';
import type { EnvironmentRef, Objection } from '../model.js';
import { counted } from '../text.js';
import { insecurePackages } from './insecure.js';
import type { EnvironmentFacts } from './facts.js';
import type { CheckResult, CheckRules } from './model.js';
import type { GateVerdict, PreflightReport, VerificationResult } from './results.js';
import { targetWord } from './remedies.js';
import { overallStatus } from './verification.js';
import { withoutMeasures } from './verifier/reported-metrics.js';

/**
 * Digest of exactly what a person accepts: these violations of this environment as it stands. The same over repeated
 * verifications, because no time and no measured number is in it; another one when tree, interpreter, lock, an installed package or
 * a violation differs.
 */
export function warningsDigest({ host, link }: EnvironmentRef, facts: EnvironmentFacts, result: VerificationResult, rules: Pick<CheckRules, 'advisories'>): string {
  const { interpreter, virtual, lock, packages } = facts;
  const insecure = insecurePackages(facts, rules);
  const { missing_packages, version_mismatches, changed_files } = result.package_integrity_check;
  return digestOf({
    form: 'warnings 2',
    env: { host, link },
    tree: virtual?.path ?? null,
    interpreter: interpreter.ok ? { version: interpreter.value.version, realpath: interpreter.value.realpath } : null,
    lock: lock.sha256,
    installed: packages.ok ? freezeHash(packages.value.map(({ name, version }) => ({ project: name, version }))) : null,
    status: result.overall_status,
    violations: sorted(result.violations.map(({ check, severity, message }) => JSON.stringify([check, severity, withoutMeasures(message)]))),
    // Messages name the first few only.
    packages: [missing_packages, version_mismatches, changed_files ?? [], insecure.ok ? insecure.value.map(({ name, version, id }) => `${name} ${version} ${id}`) : []].map(sorted),
  });
}

const sorted = (items: readonly string[]): string[] => [...new Set(items)].sort();

/** `accepted`: digests of warnings that a person of `acceptedBy` accepted, on record. What preflight blocks is never passed. */
export function gateVerdict(preflight: PreflightReport, result: VerificationResult, rules: Pick<CheckRules, 'onWarning' | 'advisories'>, accepted: readonly string[], facts: EnvironmentFacts): GateVerdict {
  const objections = [...preflightObjections(preflight), ...verifierObjections(result, targetWord(facts))];
  if (objections.length > 0) return { verdict: 'block', objections };
  const standing = standingNotice(preflight);
  if (result.violations.length === 0) return { verdict: 'pass', notice: standing };
  const notice = [standing, `verification warns of ${counted(result.violations.length, 'violation')}: ${result.violations.map(({ check, message }) => `${check}: ${message}`).join('; ')}`].filter((it) => it !== null).join('; ');
  if (rules.onWarning === 'pass') return { verdict: 'pass', notice };
  if (rules.onWarning === 'block') return { verdict: 'block', objections: result.violations.map((it) => objectionOf(it, 'the policy blocks warnings here: mend it, then try again')) };
  const digest = warningsDigest({ host: facts.host, link: facts.link }, facts, result, rules);
  return accepted.includes(digest) ? { verdict: 'pass', notice: `${notice}; accepted on record` } : { verdict: 'ask', warningsDigest: digest, notice };
}

/** What decides is looked at again: a report that says 0 over a failed check does not pass. */
function preflightObjections(report: PreflightReport): Objection[] {
  const { exitCode, status, checks } = report;
  const see = `see runbook preflight ${targetWord(report)}`;
  const blocking = checks.filter((it) => it.blocking && it.status !== 'pass' && it.status !== 'warn').map((it) => checkObjection(it, see));
  if (blocking.length > 0 || (exitCode === 0 && status !== 'NOT_READY' && checks.length > 0)) return blocking;
  return [{ what: 'preflight', expected: 'READY', got: checks.length === 0 ? 'no check was made' : status, wayOut: see }];
}

const checkObjection = ({ title, status, lines, remedy }: CheckResult, see: string): Objection => ({ what: `preflight: ${title}`, expected: 'pass', got: `${status}: ${lines.join('; ')}`, wayOut: remedy ?? see });

function verifierObjections({ overall_status, violations }: VerificationResult, target: string): Objection[] {
  const failed = violations.filter(({ severity }) => severity === 'critical').map((it) => objectionOf(it, `mend it, then try again; see runbook verify ${target}`));
  if (failed.length > 0 || overall_status === overallStatus(violations)) return failed;
  const why = violations.map(({ message }) => message).join('; ');
  return [{ what: 'verification', expected: 'PASSED or WARNING', got: `${overall_status}${why === '' ? '' : `: ${why}`}`, wayOut: `see runbook verify ${target}` }];
}

const objectionOf = ({ check, message }: VerificationResult['violations'][number], wayOut: string): Objection => ({ what: `verification: ${check}`, expected: 'no violation', got: message, wayOut });

/** PF-16, EE-11: ready, with something to know. */
function standingNotice({ status, python }: PreflightReport): string | null {
  if (status === 'READY_FALLBACK') return `runs on the fallback interpreter${python.version === null ? '' : ` ${python.version}`}: watch for wheels of the primary`;
  return status === 'READY_EXCEPTION' ? `runs on an interpreter${python.version === null ? '' : `, ${python.version},`} that only a granted exception allows, for its time` : null;
}

/** 3: a person has to accept the warnings first. */
export function gateExitCode({ verdict }: GateVerdict): 0 | 1 | 3 {
  return verdict === 'pass' ? 0 : verdict === 'ask' ? 3 : 1;
}
