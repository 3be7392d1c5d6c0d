/**
 * Everything about signatures that the control worker is asked. People and keys are read at each question, rules come from the
 * policy that the run is pinned to (decision 8).
 */
import type { RecordsReader } from '../../records/store.js';
import { judgeSignature } from '../ssh-keygen.js';
import { admitRequest } from './admission.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { PolicyStore } from './policy-store.js';
import { checkVerdict } from './verdicts.js';
import { checkWarrant, policyWarrant } from './warrants.js';

export interface SignatureDeps {
  policies: PolicyStore;
  records: RecordsReader;
  /** Temporal namespace: stands in every signed text. */
  namespace: string;
}

export type SignatureActivities = Pick<ApprovalActivities, 'verifySignature' | 'admitRequest' | 'checkWarrant' | 'policyWarrant' | 'checkVerdict'>;

/** The control worker's part of `ApprovalActivities` that judges signatures. */
export function createSignatureActivities(deps: SignatureDeps): SignatureActivities {
  return {
    verifySignature: (input) => judgeSignature({ ...input, signers: deps.policies.current().policy }),
    admitRequest: (input) => admitRequest(deps, input),
    checkWarrant: (input) => checkWarrant(deps, input),
    policyWarrant: (input) => policyWarrant(deps, input),
    checkVerdict: (input) => checkVerdict(deps, input),
  };
}
