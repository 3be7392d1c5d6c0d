/** Names of the people behind `2 of cab`, from the policy here: whom to ask for a vote. */
import type { PolicyFile } from '../../policy/files/policy-file.js';
import { isRequester } from '../../policy/entitlement.js';
import { rolesAt } from '../../policy/signers.js';
import { readPolicy } from './files.js';
import type { Instance } from './instance.js';

/** More names than this make no line shorter to read. */
const MOST_NAMES = 8;

/** Who has a role at `t` and did not ask. */
export const votersOf = (policy: PolicyFile, role: string, requester: string, t: string): string[] =>
  Object.keys(policy.people).filter((person) => !isRequester(person, requester) && rolesAt(policy, person, t).some((held) => held.role === role));

/** `1 of 2 of cab (alice carol dan)`: every `N of ROLE` with who has the role. A role without people stays as it is. */
export function withVoters(text: string, policy: PolicyFile, requester: string, t: string): string {
  return text.replace(/\b\d+ of ([a-z][a-z0-9-]*)/g, (found, role: string) => {
    const names = votersOf(policy, role, requester, t);
    if (names.length === 0) return found;
    return `${found} (${names.slice(0, MOST_NAMES).join(' ')}${names.length > MOST_NAMES ? ' …' : ''})`;
  });
}

/** As {@link withVoters}, by this instance's policy; where that can't be read the words stay without names. */
export function voterTeller(instance: Instance, now: () => Date): (text: string, requester: string) => string {
  let policy: PolicyFile | null = null;
  try {
    ({ policy } = readPolicy(instance.paths));
  } catch {
    // Names help; a run is followed without them.
  }
  return (text, requester) => (policy ? withVoters(text, policy, requester, now().toISOString()) : text);
}
