/** PV-34: the oldest patch release of a line that has the security fixes the company asks for (policy, `minPatch`). */
import { isBelow } from './exception.js';
import type { PolicyFile } from './files/policy-file.js';
import type { Objection } from './model.js';
import { comparePython, matchesSpec, parsePythonVersion } from './versions.js';

/** Name of the check, as commands print it. */
export const SECURITY_PATCH_CHECK = 'security patch';

/** Oldest version of an interpreter's line that is allowed, `3.12.3`; null where the policy asks for none, or the text is no version. */
export function leastPatch(version: string, { minPatch }: Pick<PolicyFile, 'minPatch'>): string | null {
  const parsed = parsePythonVersion(version);
  if (!parsed) return null;
  const line = `${parsed.major}.${parsed.minor}`;
  const patch = minPatch[line];
  return patch === undefined ? null : `${line}.${patch}`;
}

/** The least version where this one is older than it; null where it is not. A release candidate of the least is older than it. */
export function behindLeastPatch(version: string, policy: Pick<PolicyFile, 'minPatch'>): string | null {
  const least = leastPatch(version, policy);
  if (least === null) return null;
  return comparePython(parsePythonVersion(version)!, parsePythonVersion(least)!) < 0 ? least : null;
}

/** `3.12.1: older than 3.12.3, …`, for lists and checks; null where nothing is wrong. */
export function behindText(version: string, policy: Pick<PolicyFile, 'minPatch'>): string | null {
  const least = behindLeastPatch(version, policy);
  return least && `${version} is older than ${least}, the least with the security fixes the policy asks for`;
}

/** Approved versions that the policy itself forbids: by its `minimum` (DIS-04), or by its `minPatch`, with which no run to them could begin. */
export function contradictions({ interpreters, minimum, minPatch }: Pick<PolicyFile, 'interpreters' | 'minimum' | 'minPatch'>): Objection[] {
  return (['primary', 'fallback'] as const).flatMap((role) => {
    const { version } = interpreters[role];
    const refuse = (least: string, by: string): Objection[] => [{ what: `interpreters.${role}.version`, expected: `${least} or newer, by ${by}`, got: version, wayOut: `raise interpreters.${role}.version, or lower ${by}` }];
    const [major, minor] = version.split('.').map(Number);
    if (isBelow({ major: major!, minor: minor! }, minimum)) return refuse(minimum, 'minimum');
    const least = behindLeastPatch(version, { minPatch });
    return least === null ? [] : refuse(least, 'minPatch');
  });
}

/** Lines of `minPatch` that no approved version is of: they say nothing. */
export function idleLines({ interpreters, minPatch }: Pick<PolicyFile, 'interpreters' | 'minPatch'>): string[] {
  const specs = [interpreters.primary.version, interpreters.fallback.version];
  const isOf = (line: string) => specs.some((spec) => spec.startsWith(`${line}.`));
  return Object.keys(minPatch).filter((line) => !isOf(line));
}

/** Least version that a spec of the policy leaves open: `3.12.3` for `3.12.x`; empty where it says no more than the spec. */
export function leastOf(spec: string, policy: Pick<PolicyFile, 'minPatch'>): string {
  const line = spec.split('.').slice(0, 2).join('.');
  const least = leastPatch(`${line}.0`, policy);
  return least !== null && matchesSpec(least, spec) ? least : '';
}
