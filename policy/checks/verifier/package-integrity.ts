/** VJ-07 to VJ-09: packages that must be there, in which version at least; and whether files are as they were verified. */
import { counted } from '../../text.js';
import { compareVersions, isVersion } from '../../pep440.js';
import { normalizeProjectName } from '../../project-name.js';
import type { EnvironmentFacts } from '../facts.js';
import type { CheckRules, VerifierCheck } from '../model.js';
import type { Violation } from '../results.js';
import { critical, named, notMeasured, violation } from './violation.js';

const CHECK = 'package_integrity';

export const packageIntegrity: VerifierCheck<'package_integrity_check'> = {
  part: 'package_integrity_check',
  judge(facts, rules) {
    const required = Object.keys(rules.minimumVersions);
    const missing = required.filter((project) => isMissing(project, facts));
    const old = versionMismatches(facts, rules);
    return {
      result: { required_packages: required, missing_packages: missing, version_mismatches: old, changed_files: facts.integrity?.ok ? facts.integrity.value.differences : null },
      violations: [
        ...unmeasured(facts, rules),
        ...(missing.length === 0 ? [] : [critical(CHECK, `missing required packages: ${named(missing.map((project) => missingText(project, facts)), 200)}`)]),
        ...(old.length === 0 ? [] : [violation(CHECK, `package versions below their minimum: ${named(old)}`)]),
        ...changed(facts),
      ],
      warnings: [],
    };
  },
};

/** Versions under which a project is installed; more than one where an old one was left behind. */
const installed = (project: string, { packages }: EnvironmentFacts): string[] =>
  packages.ok ? packages.value.filter(({ name }) => normalizeProjectName(name) === normalizeProjectName(project)).map(({ version }) => version) : [];

/** Why a module of the project's own name can't be imported; null: it can, or was not tried. Other names are preflight's (DEF-05). */
function importError(project: string, { imports }: EnvironmentFacts): string | null {
  const own = imports.ok ? imports.value.find(({ module }) => normalizeProjectName(module) === normalizeProjectName(project)) : undefined;
  return own === undefined || own.ok ? null : own.error || 'it can\'t be imported';
}

/** Not installed, or there and of no use: the verifier of the document imports. */
const isMissing = (project: string, facts: EnvironmentFacts): boolean =>
  (facts.packages.ok && installed(project, facts).length === 0) || importError(project, facts) !== null;

function missingText(project: string, facts: EnvironmentFacts): string {
  const error = importError(project, facts);
  return installed(project, facts).length === 0 || error === null ? project : `${project} (installed, and does not import: ${error})`;
}

/** DEF-04: ordered by PEP 440, never as text. A version or a minimum that is none is a mismatch too (VJ-08). */
function versionMismatches(facts: EnvironmentFacts, { minimumVersions }: CheckRules): string[] {
  return Object.entries(minimumVersions).flatMap(([project, minimum]) =>
    installed(project, facts)
      .filter((version) => !isVersion(version) || !isVersion(minimum) || compareVersions(version, minimum) < 0)
      .map((version) => `${project} ${version.trim() || 'unknown'} < ${minimum}`),
  );
}

function unmeasured({ packages, imports }: EnvironmentFacts, { minimumVersions }: CheckRules): Violation[] {
  if (Object.keys(minimumVersions).length === 0) return [];
  const problems = [packages, imports].flatMap((it) => (it.ok ? [] : [it.problem]));
  return [...new Set(problems)].map((problem) => notMeasured(CHECK, packages.ok ? 'importing packages' : 'installed packages', problem));
}

/** An environment whose files are not the verified ones runs code that nobody approved: critical on every stage. */
function changed({ integrity }: EnvironmentFacts): Violation[] {
  if (integrity === null) return [];
  if (!integrity.ok) return [notMeasured(CHECK, 'integrity of files', integrity.problem)];
  const { differences, run } = integrity.value;
  if (differences.length === 0) return [];
  const since = run === null ? 'what its packages installed' : `what ${run} verified`;
  return [critical(CHECK, `${counted(differences.length, 'difference')} from ${since}: ${named(differences, 100)}`)];
}
