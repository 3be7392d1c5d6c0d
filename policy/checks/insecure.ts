/** Installed versions that the policy's advisories name (PF-24, VJ-14, DEF-18). Offline: the list is the policy's. */
import { satisfies } from '../pep440.js';
import { normalizeProjectName } from '../project-name.js';
import { oneLine } from '../text.js';
import type { EnvironmentFacts, Measured } from './facts.js';
import type { CheckRules } from './model.js';

/** An installed package, and the advisory that is about its version. */
export interface InsecurePackage {
  name: string;
  version: string;
  id: string;
  text: string;
}

/**
 * Each installed package with each advisory that holds its version by PEP 440, pre-releases included. What is known is told, also
 * where other versions can't be compared; only if nothing is known does what can't be compared make the whole unmeasured.
 */
export function insecurePackages({ packages }: Pick<EnvironmentFacts, 'packages'>, { advisories }: Pick<CheckRules, 'advisories'>): Measured<InsecurePackage[]> {
  if (!packages.ok) return { ok: false, problem: `the installed packages could not be listed: ${oneLine(packages.problem)}` };
  const pairs = packages.value.flatMap(({ name, version }) =>
    advisories
      .filter(({ project }) => normalizeProjectName(project) === normalizeProjectName(name))
      .map(({ id, text, versions }) => ({ found: { name, version, id, text }, versions, holds: satisfies(version, versions) })),
  );
  const known = pairs.filter(({ holds }) => holds === true).map(({ found }) => found);
  const untold = pairs.find(({ holds }) => holds === null);
  if (known.length > 0 || untold === undefined) return { ok: true, value: known };
  const { found, versions } = untold;
  return { ok: false, problem: `${found.name} ${oneLine(found.version, 80)} could not be compared with "${oneLine(versions, 80)}" of ${found.id}` };
}
