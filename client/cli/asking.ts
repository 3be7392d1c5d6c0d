/** Asking for a run with a signature of one's own, where the policy wants people to decide (decision 8). */
import type { Command } from 'commander';
import { classOf } from '../../policy/files/load.js';
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { parseWorkflowId } from '../../policy/ids.js';
import { SIGNATURE_NAMESPACE, type ApprovalStage, type SignedText } from '../../policy/model-approval.js';
import type { ChangeRequest, EnvironmentRef, ReviewRequest, RunKind } from '../../policy/model.js';
import { stagesOf, stagesText } from '../../policy/quorum.js';
import { requestFactsOf } from '../../policy/request-facts.js';
import { requestText } from '../../policy/signed-texts.js';
import { identify, keyOptions, type Identity, type KeyOptions } from './identity.js';
import type { Instance } from './instance.js';
import { refusal, type Io } from './io.js';
import { signText } from './signing.js';

export interface AskOptions extends KeyOptions {
  /** `--sign`: also where the policy pre-approves. */
  sign?: boolean;
  yes?: boolean;
  plan?: string;
}

/** Options of what asks for a run. */
export const askOptions = (command: Command): Command => keyOptions(command.option('--sign', 'ask with a signature, also where the policy pre-approves'));

/** Who must allow such a run there; empty: the policy itself does. The control worker's own policy has the last word. */
export function stagesFor(policy: PolicyFile, kind: RunKind, env: EnvironmentRef): ApprovalStage[] {
  if (kind === 'exception') return policy.exception.grantedBy;
  if (kind === 'interpreter-change') return policy.interpreterChange.steps.flatMap(({ stages }) => stages);
  return stagesOf(classOf(policy, env.host).rules.approvals[kind]);
}

/** What a run's first line says about who allows it. */
export const permissionWords = (stages: ApprovalStage[]): string => (stages.length === 0 ? '(policy: pre-approved)' : `(asks ${stagesText(stages)})`);

/** Who signs the request; null: it goes unsigned, as the policy allows. Found before anything is planned. */
export async function askerFor(io: Io, instance: Instance, stages: ApprovalStage[], options: AskOptions): Promise<Identity | null> {
  if (stages.length === 0 && !options.sign && options.key === undefined && options.as === undefined) return null;
  if (options.yes && options.plan === undefined) throw refusal([{ what: '--yes for what is asked with a signature', expected: '--plan with the digest of the plan agreed to', got: 'no --plan', wayOut: 'runbook plan with the same words shows the plan and its digest' }]);
  return identify(io, instance, options);
}

/** The request in the requester's own words, signed now: it is taken within minutes (`REQUEST_VALID_MINUTES`). */
export async function signRequest(io: Io, { namespace }: Instance, { key }: Identity, request: ChangeRequest | ReviewRequest, workflowId: string): Promise<SignedText> {
  const text = requestText(requestFactsOf(request, { ulid: parseWorkflowId(workflowId)!.ulid, namespace, at: io.now().toISOString(), source: null }));
  return { text, signature: await signText(key.key, SIGNATURE_NAMESPACE.request, text) };
}
