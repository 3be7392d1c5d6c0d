/** PF-21: what `pip check` would say, from metadata alone, so that an environment without pip can be asked too. */
import { markerHolds, type MarkerEnvironment } from '../../../policy/markers.js';
import { satisfies } from '../../../policy/pep440.js';
import { normalizeProjectName } from '../../../policy/project-name.js';
import type { Told } from './interpreter.js';

/** NAME, extras, then a specifier set in brackets or bare, or an address; then a marker. */
const REQUIREMENT = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:\(([^)]*)\)|(@[^;]*)|([^;]*))\s*(?:;(.*))?$/;

/** Requirements that nothing installed meets, a sentence each. What can't be read is said as well. */
export function conflictsOf(packages: Told['packages'], markers: MarkerEnvironment): string[] {
  const installed = new Map(packages.map((one) => [normalizeProjectName(one.name), one]));
  return packages.flatMap(({ name, version, requires }) => requires.flatMap((text) => {
    const match = REQUIREMENT.exec(text);
    if (match === null) return [`${name} ${version} has a requirement that can't be read: ${text.slice(0, 100)}`];
    const [, wanted = '', inBrackets, address, bare, marker] = match;
    if (!markerHolds(marker?.trim() ?? null, markers)) return [];
    const found = installed.get(normalizeProjectName(wanted));
    if (found === undefined) return [`${name} ${version} requires ${wanted}, which is not installed`];
    const specifiers = (inBrackets ?? bare ?? '').trim();
    // A requirement by address says nothing of a version.
    const answer = address === undefined ? satisfies(found.version, specifiers) : true;
    if (answer === null) return [`${name} ${version} requires ${wanted}${specifiers}, which can't be compared with ${found.version}`];
    return answer ? [] : [`${name} ${version} requires ${wanted}${specifiers}, and ${found.name} ${found.version} is installed`];
  }));
}
