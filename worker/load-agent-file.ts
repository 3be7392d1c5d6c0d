/** Reads the host administrator's file. */
import { readFileSync } from 'node:fs';
import { agentFileSchema, type AgentFile } from '../policy/files/agent-file.js';
import { parseWith } from '../policy/files/explain.js';
import type { Objection } from '../policy/model.js';

/** Parses `agent.yaml`. Throws with every mistake: where, what was expected, what was found, and the way out. */
export function loadAgentFile(file: string): AgentFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file}: expected the agent file, got ${(error as Error).message}; \`runbook init\` writes one`);
  }
  const parsed = parseWith(agentFileSchema, text, { file, format: 'yaml' });
  const objections = parsed.ok ? trustProblems(parsed.value, file) : parsed.objections;
  if (parsed.ok && objections.length === 0) return parsed.value;
  throw new Error(objections.map((o) => `${o.what}: expected ${o.expected}, got ${o.got}. ${o.wayOut}`).join('\n'));
}

/** A host that checks signatures with no list of people would refuse every change, one by one. */
function trustProblems({ trust, signers }: AgentFile, file: string): Objection[] {
  if (trust === 'server' || signers !== undefined) return [];
  return [{ what: `${file}, trust`, expected: '"signers" beside "trust: signatures": the file of people, keys and roles', got: 'none', wayOut: 'write it as root, say /etc/interpreter-runbooks/signers.yaml, and name it as "signers"' }];
}
