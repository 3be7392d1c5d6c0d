/** Reads the host administrator's file. */
import { readFileSync } from 'node:fs';
import { agentFileSchema, type AgentFile } from '../policy/files/agent-file.js';
import { parseWith } from '../policy/files/explain.js';

/** Parses `agent.yaml`. Throws with every mistake: where, what was expected, what was found, and the way out. */
export function loadAgentFile(file: string): AgentFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: expected the agent file, got ${(error as Error).message}; \`runbook init\` writes one`);
  }
  const parsed = parseWith(agentFileSchema, text, { file, format: 'yaml' });
  if (parsed.ok) return parsed.value;
  throw new Error(parsed.objections.map((o) => `${o.what}: expected ${o.expected}, got ${o.got}. ${o.wayOut}`).join('\n'));
}
