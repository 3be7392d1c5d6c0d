/** What a process that only looks at this host reads. Loads no store: that takes longer than most of what looks. */
import { existsSync, readFileSync } from 'node:fs';
import { agentFileSchema, type AgentFile } from '../policy/files/agent-file.js';
import { parsePolicy } from '../policy/files/load.js';
import type { PolicyFile } from '../policy/files/policy-file.js';
import type { Objection } from '../policy/model.js';

/** Where there is no agent file: the widest reading, for looking only. */
export const widestAgentFile = (): AgentFile => agentFileSchema.parse({ roots: ['/'] });

/** The policy of a file; the default policy where none is named or there. */
export function lookPolicy(file: string | undefined): { policy: PolicyFile } | { objections: Objection[] } {
  return parsePolicy(file === undefined || !existsSync(file) ? '' : readFileSync(file, 'utf8'), file ?? '');
}
