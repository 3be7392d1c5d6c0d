import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { SIGNATURE_NAMESPACE } from '../../../policy/model-approval.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';
import { stagesText } from '../../../policy/quorum.js';
import type { SignedRevision } from '../../../policy/revision.js';
import { policyText } from '../../../policy/signed-texts.js';
import { rolesAt } from '../../../policy/signers.js';
import { agreed } from '../agreeing.js';
import { readPolicy } from '../files.js';
import { identify, keyOptions, signQuestion, type KeyOptions } from '../identity.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { missingStages, policyInForce, readSignatures, signaturesFileOf, signersOf, writeSignatures } from '../policy-signatures.js';
import { signText } from '../signing.js';
import { tilde } from '../words.js';

/** `runbook policy sign`: this revision, in one's own name; says who has and who has not. */
export function policySignCommand(policy: Command, io: Io): void {
  keyOptions(policy.command('sign'))
    .description('sign this revision of the policy, and say who has signed and who is missing')
    .option('--yes', 'sign without being asked')
    .option('--json', 'the answer as JSON')
    .addHelpText('after', '\nExample:\n  runbook policy sign --key ~/.ssh/id_ed25519')
    .action(async (options: SignOptions) => void (process.exitCode = await signPolicy(io, findInstance(), options)));
}

interface SignOptions extends KeyOptions {
  yes?: boolean;
  json?: boolean;
}

/** Returns the exit code: 0 when nobody is missing any more, 3 while somebody is. */
async function signPolicy(io: Io, instance: Instance, options: SignOptions): Promise<number> {
  const { paths } = instance;
  if (!existsSync(paths.policyFile)) throw refusal([{ what: paths.policyFile, expected: 'a policy file to sign', got: 'nothing there', wayOut: 'runbook policy show prints the policy in force, as a file to begin with' }]);
  const { policy, digest } = readPolicy(paths);
  const file = signaturesFileOf(paths.policyFile);
  const t = io.now().toISOString();
  const inForce = policyInForce(paths.policiesDir);
  // A revision comes into force by the people of the one before it: nobody makes themselves a signer.
  const judges = inForce?.policy ?? policy;
  const begun = revisionOf(policy.header.version, digest, inForce?.digest ?? null, readSignatures(file));
  const me = await identify(io, instance, options, judges);
  requireRole(judges, me.person, t);
  const before = await signersOf(judges, begun, t);
  if (before.some(({ person }) => person === me.person)) io.talk(`${me.person} has signed this revision already`);
  else {
    const text = policyText(begun.revision, digest, begun.replaces);
    for (const line of text.trimEnd().split('\n')) io.talk(`  ${line}`);
    if (!options.yes && !(await agreed(io, signQuestion('Sign these lines', me)))) return EXIT.no;
    begun.signatures.push({ text, signature: await signText(me.key.key, SIGNATURE_NAMESPACE.policy, text) });
    writeSignatures(file, begun);
  }
  const signers = await signersOf(judges, begun, t);
  const missing = missingStages(judges.policyRevision.stages, signers);
  if (options.json) io.out(JSON.stringify({ revision: begun.revision, digest, replaces: begun.replaces, signed: signers.map(({ person }) => person), missing }));
  else {
    io.out(`${tilde(file)}: revision ${begun.revision} sha256:${digest}, signed by ${signers.map(({ person }) => person).join(', ')}`);
    io.out(missing.length === 0 ? 'signed by all it needs' : `missing: ${missing.map(({ role, quorum }) => `${quorum} of ${role} (${waitingFor(judges, role, signers.map(({ person }) => person), t).join(' ') || 'nobody left'})`).join(', ')}`);
  }
  return missing.length === 0 ? EXIT.yes : EXIT.waiting;
}

/**
 * The signatures so far, or a new beginning where the policy is another, or follows another than the one that is in force. Where this one
 * is in force already, unsigned, as a policy may allow, what it replaced is not known any more.
 */
function revisionOf(revision: string, digest: string, inForce: string | null, found: SignedRevision | null): SignedRevision {
  const replaces = inForce === digest ? (found?.digest === digest ? found.replaces : null) : inForce;
  return found && found.digest === digest && found.revision === revision && found.replaces === replaces ? found : { revision, digest, replaces, signatures: [] };
}

/** A signature that counts in no stage would only look like one. */
function requireRole(policy: PolicyFile, person: string, t: string): void {
  const { stages } = policy.policyRevision;
  const roles = rolesAt(policy, person, t).map(({ role }) => role);
  if (stages.some(({ role }) => roles.includes(role))) return;
  throw refusal([{ what: `a signature of ${person} under the policy`, expected: `somebody of ${stagesText(stages)}`, got: roles.join(', ') || 'no role', wayOut: 'let them sign; runbook policy show lists people and roles' }]);
}

/** Who has the role and has not signed. */
const waitingFor = (policy: PolicyFile, role: string, signed: string[], t: string): string[] =>
  Object.keys(policy.people).filter((person) => !signed.includes(person) && rolesAt(policy, person, t).some((held) => held.role === role));
