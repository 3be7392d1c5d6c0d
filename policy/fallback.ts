/** Whether the fallback interpreter is needed, and whether it would help: a pure answer from two verdicts. */
import type { PolicyFile } from './files/policy-file.js';
import type { LockVerdict, Verification } from './model.js';
import { normalizeProjectName } from './project-name.js';

export interface FallbackQuestion {
  /** Verdict for the primary interpreter. */
  primary: LockVerdict;
  /** Verdict for the fallback interpreter. */
  fallback: LockVerdict;
  policy: PolicyFile;
  /** WF-10: imports tried in the live environment; they colour the text, wheels decide. */
  imports?: Verification['imports'];
}

export interface FallbackAnswer {
  decision: 'not-needed' | 'fallback' | 'impossible' | 'could-not-tell';
  /** One sentence with the names and versions it stands on. */
  text: string;
  /** Projects without a wheel for the primary, the policy's core packages first (WF-18). */
  affected: string[];
}

/** The most names a sentence lists. */
const MAX_NAMES = 12;

/**
 * Decides from the verdicts of the primary and the fallback interpreter (WF-12, WF-13). A network error is "could not tell",
 * never "no wheel"; but a wheel known to be missing stays missing, whatever else could not be asked.
 */
export function decideFallback({ primary, fallback, policy, imports }: FallbackQuestion): FallbackAnswer {
  const core = policy.fallback.corePackages;
  const affected = coreFirst(primary.missing, core);
  if (affected.length === 0) {
    const doubt = doubtOf(primary);
    if (doubt !== null) return { decision: 'could-not-tell', text: doubt, affected };
    return { decision: 'not-needed', text: `all ${primary.pins.length} packages have a wheel for Python ${primary.version}${brokenImports(primary, imports)}`, affected };
  }
  const need = `${affected.length} of ${primary.pins.length} packages have no wheel for Python ${primary.version}: ${names(affected)}`;
  const worse = coreFirst(fallback.missing, core);
  if (worse.length > 0) return { decision: 'impossible', text: `${need}; Python ${fallback.version} has none for ${names(worse)}`, affected };
  const doubt = doubtOf(fallback);
  if (doubt !== null) return { decision: 'could-not-tell', text: `${need}; ${doubt}`, affected };
  return { decision: 'fallback', text: `${need}; Python ${fallback.version} has all ${fallback.pins.length}`, affected };
}

/** Why a verdict without missing wheels proves nothing; null when it does. */
function doubtOf(verdict: LockVerdict): string | null {
  if (verdict.error !== null) return `no answer for Python ${verdict.version} (${verdict.error.class}: ${verdict.error.text})`;
  const unanswered = verdict.pins.filter((it) => it.verdict === 'index-error').map((it) => it.project);
  if (unanswered.length > 0) return `the index gave no answer for ${names(unanswered)} (Python ${verdict.version})`;
  return verdict.pins.length === 0 ? `no package was judged for Python ${verdict.version}` : null;
}

/** Another interpreter does not mend a damaged tree: a rebuild may. Modules the lock does not hold are no finding. */
function brokenImports(verdict: LockVerdict, imports: Verification['imports'] | undefined): string {
  const locked = new Set(verdict.pins.map((it) => it.project));
  const broken = (imports?.failures ?? []).map((it) => it.module).filter((it) => locked.has(normalizeProjectName(it.split('.')[0]!)));
  return broken.length === 0 ? '' : `; but ${names(broken)} did not import in the live environment: rebuild it with "runbook run change"`;
}

function coreFirst(projects: readonly string[], core: readonly string[]): string[] {
  return [...core.filter((it) => projects.includes(it)), ...projects.filter((it) => !core.includes(it))];
}

function names(projects: readonly string[]): string {
  const rest = projects.length - MAX_NAMES;
  return rest <= 0 ? projects.join(', ') : `${projects.slice(0, MAX_NAMES).join(', ')} and ${rest} more`;
}
