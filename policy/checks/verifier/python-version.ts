/** VJ-06: the interpreter's version, read as preflight reads it (DIS-01). A mismatch fails the verifier on every stage (DIS-30). */
import type { VerifierCheck } from '../model.js';
import { mayRun, pythonStatus } from '../python-status.js';
import { critical, warning } from './violation.js';

const CHECK = 'python_version';

export const pythonVersion: VerifierCheck<'python_version_check'> = {
  part: 'python_version_check',
  judge(facts, rules) {
    const { status, text } = pythonStatus(facts, rules);
    const isCompatible = mayRun(status);
    return {
      result: { current_version: facts.interpreter.ok ? facts.interpreter.value.version : null, required_versions: [rules.primary, rules.fallback], compatible: isCompatible },
      violations: isCompatible ? [] : [critical(CHECK, text)],
      // EE-11: allowed, and not for ever.
      warnings: status === 'exception' ? [warning(CHECK, text)] : [],
    };
  },
};
