/** Which configuration a change edits, by key (WF-28, WF-29, WF-30, WF-33; DIS-13: always the full version). */
import type { Plan } from './model.js';

export interface Edit {
  path: string;
  format: 'keyvalue' | 'yaml' | 'env';
  set: Record<string, string>;
}

/** Edits of the project's version variables and configuration files. `at`: ISO instant of the change. */
export function configEdits(plan: Plan, at: string): Edit[] {
  const { settings, interpreter, kind } = plan;
  const fallback = kind === 'fallback';
  const edits: Edit[] = settings.configFiles.map(({ path, format }) => {
    const set: Record<string, string> = { python_version: interpreter.version };
    if (fallback && format === 'keyvalue') Object.assign(set, { fallback_reason: 'wheel_failure', fallback_date: at });
    return { path, format, set };
  });
  if (settings.envPrefix && settings.envFile) {
    const status = fallback ? 'fallback' : 'healthy';
    edits.unshift({ path: settings.envFile, format: 'env', set: { [`${settings.envPrefix}_PYTHON_VERSION`]: interpreter.version, [`${settings.envPrefix}_WHEEL_STATUS`]: status } });
  }
  return edits;
}
