/** Policy and agent file of this instance, checked. */
import { parseWith } from '../../policy/files/explain.js';
import { agentFileSchema, type AgentFile } from '../../policy/files/agent-file.js';
import { parsePolicy, type LoadedPolicy } from '../../policy/files/load.js';
import type { RunbookPaths } from '../../worker/paths.js';
import { readIfThere } from './instance.js';
import { refusal } from './io.js';

/** The policy in force here, or a refusal with its problems. */
export function readPolicy(paths: RunbookPaths): LoadedPolicy {
  const loaded = parsePolicy(readIfThere(paths.policyFile), paths.policyFile);
  if ('objections' in loaded) throw refusal(loaded.objections);
  return loaded;
}

/** The agent file of this host, or null where there is none. */
export function readAgentFile(paths: RunbookPaths): AgentFile | null {
  const text = readIfThere(paths.agentFile);
  if (text === '') return null;
  const parsed = parseWith(agentFileSchema, text, { file: paths.agentFile, format: 'yaml' });
  if (!parsed.ok) throw refusal(parsed.objections);
  return parsed.value;
}
