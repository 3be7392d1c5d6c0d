/** Whether a host said something itself: whoever may poll its queue may answer in its name (decision 9). */
import type { Objection } from '../../policy/model.js';
import { verdictText } from '../../policy/signed-texts.js';
import { fingerprintOf } from '../../policy/ssh-key.js';
import { keyOfSignature } from '../ssh-keygen.js';
import type { ApprovalActivities } from './contract-approval.js';
import type { SignatureDeps } from './signatures.js';

type Input = Parameters<ApprovalActivities['checkVerdict']>[0];
type Answer = Awaited<ReturnType<ApprovalActivities['checkVerdict']>>;

/** See `ApprovalActivities.checkVerdict`. The newest accepted key counts; the text is made here, from what the answer says. */
export async function checkVerdict({ records }: Pick<SignatureDeps, 'records'>, { host, chain, tree, planDigest, manifestDigest, ok, signed }: Input): Promise<Answer> {
  const key = records.newestOfHost('host-accepted', host)?.entry.data['key'];
  if (typeof key !== 'string') return { refused: null, known: false };
  const accepted = fingerprintOf(key);
  const refuse = (got: string): Answer => ({ refused: [objection(host, accepted, got)] });
  if (signed === null) return refuse('an answer without a signature');
  const text = verdictText(host, chain, tree, planDigest, manifestDigest, ok);
  if (signed.text !== text) return refuse('a signature over something else than the answer');
  const { fingerprint, reason } = await keyOfSignature({ namespace: 'runbook.verdict', text, signature: signed.signature });
  if (fingerprint === null) return refuse(reason);
  return fingerprint === accepted ? { refused: null, known: true } : refuse(`a signature of the key ${fingerprint}`);
}

function objection(host: string, accepted: string, got: string): Objection {
  return {
    what: `the verification of ${host}`,
    expected: `signed by its agent's key ${accepted}, which was accepted`,
    got,
    wayOut: `find out who answers on the queue of ${host}; where its agent was set up anew, compare its key there and accept it: runbook host accept ${host}`,
  };
}
