/** Variables, configuration files and the project's own report: what is written down about an environment. */
import type { EnvironmentFacts, Measured, MetricsFacts } from '../../../policy/checks/facts.js';
import { CONFIG_FORMATS } from '../config-text.js';
import type { Measuring } from './context.js';
import { projectFile } from './project-files.js';

/** A value without the quotes that its format puts around it. */
function plain(raw: string): string {
  if (/^'[^]*'$/.test(raw)) return raw.slice(1, -1);
  return /^"[^]*"$/.test(raw) ? raw.slice(1, -1).replace(/\\([\\"$`])/g, '$1') : raw;
}

/** PF-13: from the process, else from the project's file of variables. An empty value is none, as to `test -n`. */
export function variableFacts({ place, wanted }: Measuring): EnvironmentFacts['variables'] {
  const { variables } = wanted.rules;
  if (variables === null) return {};
  const text = textOf(place, place.settings.envFile);
  return Object.fromEntries(Object.values(variables).map((name) => {
    const written = text === null ? null : CONFIG_FORMATS.env.read(text, name);
    return [name, wanted.env[name] || (written === null ? null : plain(written)) || null];
  }));
}

function textOf(place: Measuring['place'], path: string | null): string | null {
  try {
    return path === null ? null : (projectFile(place, path)?.read().toString('utf8') ?? null);
  } catch {
    return null; // A file of variables that can't be read sets none.
  }
}

/** VJ-13: each configuration file by its format. */
export function configFacts({ place }: Measuring): EnvironmentFacts['config'] {
  return place.settings.configFiles.map(({ path, format }) => {
    try {
      const file = projectFile(place, path);
      if (file === null) return { path, exists: false, problem: null, pythonVersion: null };
      const raw = CONFIG_FORMATS[format].read(file.read().toString('utf8'), 'python_version');
      return { path, exists: true, problem: null, pythonVersion: raw === null ? null : plain(raw) || null };
    } catch (error) {
      return { path, exists: true, problem: (error as Error).message, pythonVersion: null };
    }
  });
}

const NUMBERS = ['solveSeconds', 'memoryMiB', 'testsFailed', 'crashes'] as const;

/** HM-19, HM-20: the report that the project's own runs write. Null: it names none. */
export function metricsFacts({ place }: Measuring): Measured<MetricsFacts> | null {
  const path = place.settings.metrics;
  if (path === undefined) return null;
  const bad = (problem: string): Measured<MetricsFacts> => ({ ok: false, problem: `${path}: ${problem}` });
  try {
    const file = projectFile(place, path);
    if (file === null) return bad('there is no such file yet; the project\'s own runs write it');
    const report: unknown = JSON.parse(file.read().toString('utf8'));
    if (typeof report !== 'object' || report === null || Array.isArray(report)) return bad('expected an object');
    const { at } = report as { at?: unknown };
    if (typeof at !== 'string' || Number.isNaN(Date.parse(at))) return bad('expected "at": an ISO instant');
    const value: MetricsFacts = { at };
    for (const name of NUMBERS) {
      const told = (report as Record<string, unknown>)[name];
      if (told === undefined) continue;
      if (typeof told !== 'number' || !Number.isFinite(told) || told < 0) return bad(`expected ${name} to be a number of 0 or more, got ${JSON.stringify(told)?.slice(0, 60)}`);
      value[name] = told;
    }
    return { ok: true, value };
  } catch (error) {
    return bad((error as Error).message);
  }
}
