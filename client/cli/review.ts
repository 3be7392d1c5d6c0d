/** An interpreter change as it is asked for: what will be reviewed, by whom, step by step, from the policy (AP-04 to AP-10). */
import { rulesFor } from '../../policy/approval-rules.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { formatEnvironment } from '../../policy/ids.js';
import type { ReviewStep } from '../../policy/model-approval.js';
import type { Objection, ReviewRequest } from '../../policy/model.js';
import { stagesText } from '../../policy/quorum.js';
import { reviewObjections } from '../../policy/review-request.js';
import { readPolicy } from './files.js';
import type { Instance } from './instance.js';
import { refusal, type Io } from './io.js';
import { newRunIds } from './runs.js';
import { readTarget } from './target.js';
import { withVoters } from './voters.js';
import { tilde } from './words.js';

const WAY_OUT = 'runbook run interpreter-change HOST:PATH,HOST:PATH --from 3.12.x --to 3.13.x --reason "…"';

export interface ReviewWords {
  from?: string;
  to?: string;
  reason?: string;
  /** Of other kinds: refused here. */
  create?: boolean;
  plan?: string;
  hours?: string;
  ground?: string;
}

/** Reads `HOST:PATH[,HOST:PATH…]`, each once; refuses what is no review before anything starts. */
export function reviewRequest(instance: Instance, targets: string, words: ReviewWords): { request: ReviewRequest; workflowId: string } {
  const environments = targets.split(',').map((target) => readTarget(target.trim(), instance));
  const env = environments[0]!;
  const extra = (['create', 'plan', 'hours', 'ground'] as const).find((name) => words[name] !== undefined);
  if (extra !== undefined) throw refusal([{ what: `--${extra} for kind interpreter-change`, expected: '--from, --to and --reason', got: `--${extra}`, wayOut: WAY_OUT }]);
  const { run, workflowId } = newRunIds('interpreter-change', env);
  return {
    workflowId,
    request: {
      run, kind: 'interpreter-change', env, environments: environments.map(({ host, link }) => `${host}:${link}`),
      from: required(words, 'from', 'the version that is to be replaced'), to: required(words, 'to', 'the version or line to be approved'), reason: required(words, 'reason', 'why; whoever decides reads it'),
      requester: instance.requester, policyDigest: readPolicy(instance.paths).digest,
    },
  };
}

function required(words: ReviewWords, name: 'from' | 'to' | 'reason', what: string): string {
  const value = words[name]?.trim() ?? '';
  if (value === '') throw refusal([{ what: `--${name}`, expected: what, got: 'none', wayOut: WAY_OUT }]);
  if (name !== 'reason' && !/^\d+\.\d+(\.(x|\d+))?$/.test(value)) throw refusal([{ what: `--${name} ${JSON.stringify(value)}`, expected: 'a version like 3.13.1, or a line like 3.13.x', got: value, wayOut: WAY_OUT }]);
  return value;
}

/** Refuses what the control worker would refuse: a version nobody may approve, a step nobody can decide. */
export function requireReviewable(request: ReviewRequest, policy: PolicyFile, t: string): void {
  const objections: Objection[] = reviewObjections(request, policy);
  for (const { name, stages } of policy.interpreterChange.steps) {
    const asked = rulesFor(policy, stages, request.requester, t);
    if ('objection' in asked) objections.push({ ...asked.objection, what: `step ${name}: ${asked.objection.what}` });
  }
  if (objections.length > 0) throw refusal(objections);
}

/** What is reviewed, in the order of the policy: a step a line, what it needs and who decides. */
export function reviewLines({ from, to, environments, requester }: ReviewRequest, policy: PolicyFile, t: string): string[] {
  const { steps } = policy.interpreterChange;
  const width = Math.max(...steps.map(({ name }) => name.length));
  return [
    `interpreter-change  ${from} → ${to}`,
    ...environments.map((name) => tilde(`  for ${formatEnvironment(environmentOf(name))}`)),
    ...steps.map((step, at) => `  ${at + 1} ${step.name.padEnd(width)}  ${withVoters(stepText(step, to), policy, requester, t)}`),
    `  one after the other, none skipped, ${policy.timers.cabApprovalHours} h each; no host is changed by it`,
  ];
}

function stepText({ name, evidence, policyRevision, stages }: ReviewStep, to: string): string {
  const documents = evidence.map((one) => (one === name ? 'its document' : one));
  const needs = [...documents, ...(policyRevision ? [`a policy revision for ${to}`] : [])].join(' and ');
  return `${needs === '' ? '' : `${needs}, then `}${stagesText(stages)}`;
}

const environmentOf = (name: string): { host: string; link: string } => ({ host: name.slice(0, name.indexOf(':')), link: name.slice(name.indexOf(':') + 1) });

/** `runbook plan interpreter-change`: the same, and nothing is asked. */
export function showReview(io: Io, instance: Instance, targets: string, words: ReviewWords & { json?: boolean }): void {
  const { request } = reviewRequest(instance, targets, { ...words, reason: words.reason ?? 'a plan' });
  const { policy } = readPolicy(instance.paths);
  const t = io.now().toISOString();
  requireReviewable(request, policy, t);
  if (words.json) io.out(JSON.stringify({ from: request.from, to: request.to, environments: request.environments, hoursEach: policy.timers.cabApprovalHours, steps: policy.interpreterChange.steps }, null, 2));
  else for (const line of reviewLines(request, policy, t)) io.out(line);
}
