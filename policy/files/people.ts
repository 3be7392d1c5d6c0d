/** The policy's people: who they are by their keys, what they may decide, and who stands in for them. */
import { z } from 'zod';

const text = z.string().trim().min(1);
/** Names go into allowed_signers lines and command arguments: no wildcard, no comma, no space. */
export const personName = z.string().regex(/^[a-z][a-z0-9._-]{0,63}$/, 'expected a name of lower-case letters, digits and . _ -');
export const roleName = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'expected a role like cab or architecture-board');
export const instant = z.iso.datetime();

const KEY = /^(ssh-ed25519|sk-ssh-ed25519@openssh\.com|ecdsa-sha2-nistp(?:256|384|521)|sk-ecdsa-sha2-nistp256@openssh\.com|ssh-rsa) [A-Za-z0-9+/]{40,1400}={0,2}( [\x21-\x7e ]{0,200})?$/;

const key = z.strictObject({
  /** A line of a `.pub` file. */
  key: z.string().regex(KEY, 'expected a line of a .pub file: TYPE BASE64 [COMMENT]'),
  validFrom: instant.optional(),
  validUntil: instant.optional(),
  /** From this instant on its signatures count no more; earlier ones do. */
  revoked: instant.optional(),
  /** Somebody else may have had it: its votes lapse, earlier ones too, up to the switch. */
  compromised: z.boolean().default(false),
});

const person = z.strictObject({ name: text.optional(), keys: z.array(key).default([]) });

const deputy = z.strictObject({ role: roleName, for: personName, by: personName, from: instant, until: instant });

/** M of the people with a role. */
export const stage = z.strictObject({ role: roleName, quorum: z.int().min(1).max(20) });
export const stages = z.array(stage).min(1).max(8);

/** Who can sign what: of the policy, and of a host's own signers file. */
export const signersShape = {
  people: z.record(personName, person).default({}),
  /** AP-12: engineering, security, cab, architecture-board, operations, project-owner; and others. */
  roles: z.record(roleName, z.array(personName)).default({}),
  deputies: z.array(deputy).default([]),
};

export const signersSchema = z.strictObject(signersShape);

/** People, keys, roles and deputies. */
export type Signers = z.infer<typeof signersSchema>;
export type SignerKey = z.infer<typeof key>;
export type Person = z.infer<typeof person>;
