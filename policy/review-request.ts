/** What of an interpreter change's request can be refused before anybody reviews it (AP-13, DIS-04, PV-05). */
import { isBelow } from './exception.js';
import type { PolicyFile } from './files/policy-file.js';
import { parseTarget } from './ids.js';
import type { Objection, ReviewRequest } from './model.js';
import { behindLeastPatch } from './security-patch.js';
import { classifyInterpreter, isFinal, matchesSpec, parsePythonVersion } from './versions.js';

const LINE = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(?:\.x)?$/;

/** `3.13` of `3.13` and `3.13.x`; null for everything that is no line. */
export function lineOfSpec(spec: string): string | null {
  const match = LINE.exec(spec);
  return match && `${match[1]}.${match[2]}`;
}

/** One spec, one way to write it: `3.13.x` and `3.13` are the same line. */
export const plainSpec = (spec: string): string => lineOfSpec(spec) ?? spec;

/** Why nobody can review this; empty: they can. */
export function reviewObjections({ to, from, env, environments }: ReviewRequest, policy: PolicyFile): Objection[] {
  const objections: Objection[] = [];
  const version = parsePythonVersion(to) ?? parsePythonVersion(`${lineOfSpec(to) ?? ''}.0`);
  if (version === null || !isFinal(version)) {
    objections.push({ what: 'the version of the interpreter change', expected: 'one final version like 3.13.1, or a line like 3.13', got: to, wayOut: 'name it with --to' });
  } else if (isBelow(version, policy.minimum)) {
    objections.push({ what: `Python ${to}`, expected: `${policy.minimum} or newer, the policy's minimum`, got: to, wayOut: 'name a newer version, or lower "minimum" by a revision of the policy first' });
  }
  if (from !== null && plainSpec(from) === plainSpec(to)) {
    objections.push({ what: 'the versions of the interpreter change', expected: 'two that differ', got: `from ${from} to ${to}`, wayOut: 'name another version with --to' });
  }
  const unreadable = environments.filter((name) => !isEnvironment(name));
  const own = `${env.host}:${env.link}`;
  if (environments[0] !== own || unreadable.length > 0 || new Set(environments).size < environments.length) {
    objections.push({ what: 'the environments of the interpreter change', expected: `each once as HOST:LINK, ${own} first`, got: environments.join(', ') || 'none', wayOut: 'name each environment once; an approval is for those it names (AP-13)' });
  }
  return objections;
}

function isEnvironment(name: string): boolean {
  const target = parseTarget(name);
  return !('problem' in target) && target.host !== null && target.name === null;
}

/** AP-07: whether a policy approves an exact version, or a whole line; and has not set its own security patch level above it. */
export function approves(policy: PolicyFile, to: string, allowPreReleases: boolean): boolean {
  const line = lineOfSpec(to);
  if (line === null) return classifyInterpreter(to, policy, allowPreReleases).role !== 'prohibited' && behindLeastPatch(to, policy) === null;
  return [policy.interpreters.primary, policy.interpreters.fallback].some(({ version }) => lineOfSpec(version) === line && matchesSpec(`${line}.0`, version));
}
