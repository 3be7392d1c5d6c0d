/** What needs the parsers: loaded only where nothing is remembered, because they take longer than all the rest. */
import { parse } from 'yaml';
import type { JudgedInterpreter } from '../../policy/checks/guard.js';
import type { InterpreterFacts } from '../../policy/checks/facts.js';
import { pythonStatus } from '../../policy/checks/python-status.js';
import { checkPolicyOf, rulesFor } from '../../policy/checks/rules.js';
import { parseWith } from '../../policy/files/explain.js';
import { parsePolicy } from '../../policy/files/load.js';
import { projectFileSchema } from '../../policy/files/project-file.js';
import type { Objection } from '../../policy/model.js';
import { parsedHost } from '../../policy/files/agent-host.js';

/** Rules about interpreters are the same for every project. */
const ANY_PROJECT = { name: '', lock: 'requirements.txt', envPrefix: null, configFiles: [], expectedFreezeHash: null };

/** `host` of an agent file's text. Throws where that is no YAML. */
export const hostOf = (text: string): string | null => parsedHost(parse(text));

/** `link` of a project file's text. */
export function linkOf(text: string, file: string): { link: string } | { objections: Objection[] } {
  const parsed = parseWith(projectFileSchema, text, { file, format: 'yaml' });
  return parsed.ok ? { link: parsed.value.link } : { objections: parsed.objections };
}

/** What a policy's text says of an interpreter on a host, exceptions aside. An empty text is the documents' policy. */
export function judgeInterpreter(text: string, file: string, host: string, interpreter: Pick<InterpreterFacts, 'version' | 'implementation'>): JudgedInterpreter | { objections: Objection[] } {
  const loaded = parsePolicy(text, file);
  if ('objections' in loaded) return { objections: loaded.objections };
  const rules = rulesFor(checkPolicyOf(loaded.policy, host), ANY_PROJECT);
  const value: InterpreterFacts = { ...interpreter, executable: '', realpath: '', isVirtual: true, startupMs: 0 };
  const { status, text: why } = pythonStatus({ interpreter: { ok: true, value }, standing: null, foundBy: 'link', at: '' }, rules);
  return { status, text: why, to: rules.primary.replace(/\.x$/, '') };
}
