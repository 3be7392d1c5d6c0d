/** From a policy's text to the policy and its digest; and the class a host belongs to. */
import { digestOf } from '../canonical.js';
import type { Objection } from '../model.js';
import { parseWith } from './explain.js';
import { policyFileSchema, type HostClass, type PolicyFile } from './policy-file.js';

export interface LoadedPolicy {
  policy: PolicyFile;
  /** sha256 over the policy with every default filled in. */
  digest: string;
}

/** An empty text is the documents' policy. Problems come back as refusals. */
export function parsePolicy(text: string, file: string): LoadedPolicy | { objections: Objection[] } {
  const parsed = parseWith(policyFileSchema, text.trim() === '' ? '{}' : text, { file, format: 'yaml' });
  if (!parsed.ok) return { objections: parsed.objections };
  return { policy: parsed.value, digest: digestOf(parsed.value) };
}

/** The class of a host by the policy's table: the first that names it, else the default class. */
export function classOf(policy: PolicyFile, host: string): { name: string; rules: HostClass } {
  const names = (pattern: string) => pattern === host || (pattern.endsWith('*') && host.startsWith(pattern.slice(0, -1)));
  const found = Object.entries(policy.hostClasses).find(([, rules]) => rules.hosts.some(names));
  return found ? { name: found[0], rules: found[1] } : { name: 'default', rules: policy.defaultClass };
}
