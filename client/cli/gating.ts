/** Preflight, verifier and the policy's answer to warnings, about one environment of this host (CI-10, DIS-05). */
import { gateVerdict } from '../../policy/checks/gate.js';
import type { GateVerdict, PreflightReport, VerificationResult } from '../../policy/checks/results.js';
import { preflight } from '../../policy/checks/preflight.js';
import { verify } from '../../policy/checks/verification.js';
import type { EnvironmentRef } from '../../policy/model.js';
import { measure, type CheckOptions, type CheckTarget } from './checking.js';
import type { Instance } from './instance.js';
import { acceptedWarnings } from './statements.js';

/** What both checks and the policy say. */
export interface GateResult {
  /** What was measured: the only one an acceptance can be for. */
  env: EnvironmentRef;
  preflight: PreflightReport;
  verification: VerificationResult;
  gate: GateVerdict;
}

/** Preflight, then the verifier, both always, on the same facts; warnings that were accepted on record count. */
export async function judgeGate(instance: Instance, target: CheckTarget, options: CheckOptions): Promise<GateResult> {
  const { facts, rules } = await measure(instance, target, options, { probe: true, integrity: true, manual: false });
  const [report, verification] = [preflight(facts, rules), verify(facts, rules)];
  const env = { host: target.env.host, link: facts.link };
  const accepted = acceptedWarnings(instance, env).map(({ digest }) => digest);
  return { env, preflight: report, verification, gate: gateVerdict(report, verification, rules, accepted, facts) };
}
