/** VJ-14: permissions, insecure versions and isolation, each of them measured (DEF-18). */
import { counted } from '../../text.js';
import { isWorldWritable, modeText } from '../file-mode.js';
import { insecurePackages } from '../insecure.js';
import type { EnvironmentFacts } from '../facts.js';
import type { CheckRules, VerifierCheck } from '../model.js';
import type { Violation, Warning } from '../results.js';
import { critical, named, notMeasured, violation, warning, type Findings } from './violation.js';

const CHECK = 'security';

export const security: VerifierCheck<'security_check'> = {
  part: 'security_check',
  judge(facts, rules) {
    const permissions = permissionFindings(facts, rules);
    const insecure = insecureFindings(facts, rules);
    const isolation = isolationWarning(facts);
    return {
      result: { secure_file_permissions: permissions.length === 0, no_insecure_packages: insecure.answer, environment_isolation: isolation === null },
      violations: [...permissions, ...insecure.violations],
      warnings: [...insecure.warnings, ...(isolation === null ? [] : [isolation])],
    };
  },
};

/** DIS-12, DEF-01: whoever may write a critical file decides what runs. A file that is not there is nobody's to write. */
function permissionFindings({ files }: EnvironmentFacts, { criticalFiles }: CheckRules): Violation[] {
  return criticalFiles.flatMap((path) => {
    const file = files.find((one) => one.path === path);
    if (file === undefined) return [notMeasured(CHECK, `permissions of ${path}`, 'they were not read')];
    return file.mode !== null && isWorldWritable(file.mode) ? [critical(CHECK, `everybody may write ${path} (mode ${modeText(file.mode)})`)] : [];
  });
}

/** Null: not told; nothing to compare with is no proof that nothing is insecure. */
function insecureFindings(facts: EnvironmentFacts, rules: CheckRules): Findings & { answer: boolean | null } {
  if (rules.advisories.length === 0) return { answer: null, violations: [], warnings: [warning(CHECK, 'the policy names no advisories (checks.advisories): packages were compared with none')] };
  const found = insecurePackages(facts, rules);
  if (!found.ok) return { answer: null, violations: [notMeasured(CHECK, 'insecure packages', found.problem)], warnings: [] };
  if (found.value.length === 0) return { answer: true, violations: [], warnings: [] };
  const words = found.value.map(({ name, version, id }) => `${name} ${version} (${id})`);
  return { answer: false, violations: [violation(CHECK, `${counted(words.length, 'insecure package')}: ${named(words, 100)}`)], warnings: [] };
}

function isolationWarning({ interpreter, virtual }: EnvironmentFacts): Warning | null {
  if (!interpreter.ok) return warning(CHECK, 'no interpreter could be asked for its environment');
  if (!interpreter.value.isVirtual) return warning(CHECK, 'not a virtual environment: packages of the system are seen; create one with runbook env create');
  if (virtual === null) return warning(CHECK, 'no pyvenv.cfg of the virtual environment could be read');
  return virtual.systemSitePackages ? warning(CHECK, 'packages of the system are seen, too (include-system-site-packages)') : null;
}
