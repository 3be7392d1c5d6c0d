/** The host administrator's own list of who may allow what here: people, keys, roles, and quorums the policy's server can't lower. */
import { z } from 'zod';
import { signersShape, stages } from './people.js';

export const signersFileSchema = z.strictObject({
  ...signersShape,
  /** Class this host has in the policy; a warrant under a policy that says otherwise is refused. */
  hostClass: z.string().trim().min(1).optional(),
  /** Temporal namespace whose approvals count here. */
  namespace: z.string().trim().min(1).default('default'),
  /** What a warrant needs, by kind. `policy`: a policy signed by `policyRevision` that pre-approves it is enough. */
  warrants: z
    .strictObject({
      change: z.union([stages, z.literal('policy')]).default([{ role: 'cab', quorum: 2 }]),
      fallback: z.union([stages, z.literal('policy')]).default('policy'),
      exception: stages.default([{ role: 'cab', quorum: 2 }]),
    })
    .prefault({}),
  /** AP-11. */
  policyRevision: stages.default([{ role: 'architecture-board', quorum: 1 }, { role: 'cab', quorum: 1 }]),
  /** EE-05. */
  maxExceptionHours: z.number().positive().max(72).default(72),
});

export type SignersFile = z.infer<typeof signersFileSchema>;
