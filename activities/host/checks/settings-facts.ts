/** Variables, configuration files and the project's own report: what is written down about an environment. */
import type { EnvironmentFacts, Measured, MetricsFacts } from '../../../policy/checks/facts.js';
import { CONFIG_FORMATS } from '../config-text.js';
import type { Measuring } from './context.js';
import { LARGEST, projectFile } from './project-files.js';

/** A value without the quotes that its format puts around it. */
function plain(raw: string): string {
  if (/^'[^]*'$/.test(raw)) return raw.slice(1, -1);
  return /^"[^]*"$/.test(raw) ? raw.slice(1, -1).replace(/\\([\\"$`])/g, '$1') : raw;
}

/** PF-13: from the process, else from the project's file of variables. An empty value is none, as to `test -n`. */
export function variableFacts({ place, wanted }: Measuring): EnvironmentFacts['variables'] {
  const { variables } = wanted.rules;
  if (variables === null) return {};
  const { text, problem } = variablesOf(place);
  return Object.fromEntries(Object.values(variables).flatMap((name) => {
    const written = text === null ? null : CONFIG_FORMATS.env.read(text, name);
    const value = wanted.env[name] || (written === null ? null : plain(written)) || null;
    // What stands in a file that can't be read is not known, which is not the same as not set.
    return value === null && problem !== null ? [] : [[name, value]];
  }));
}

/** The project's file of variables; no text: there is none, or `problem` says why it can't be read. */
function variablesOf({ settings, ...place }: Measuring['place']): { text: string | null; problem: string | null } {
  try {
    return { text: settings.envFile === null ? null : (projectFile(place, settings.envFile)?.read(LARGEST.settings).toString('utf8') ?? null), problem: null };
  } catch (error) {
    return { text: null, problem: (error as Error).message };
  }
}

/** Of all configuration files of a project; a few pages are what anybody has. */
const CONFIG_FILES = 20;
const CONFIG_BYTES = 2 * LARGEST.settings;

type ConfigFact = EnvironmentFacts['config'][number];
const unread = (path: string, problem: string): ConfigFact => ({ path, exists: true, problem, pythonVersion: null });

/** VJ-13: each configuration file by its format, and the file of variables where it can't be read. */
export function configFacts({ place, wanted }: Measuring): EnvironmentFacts['config'] {
  const { configFiles, envFile } = place.settings;
  const room = { bytes: CONFIG_BYTES };
  const first = configFiles.slice(0, CONFIG_FILES).map((one) => configFact(place, one, room));
  const more = configFiles.slice(CONFIG_FILES);
  const { problem } = wanted.rules.variables === null ? { problem: null } : variablesOf(place);
  return [
    ...first,
    ...(more.length === 0 ? [] : [unread(more[0]!.path, `only the first ${CONFIG_FILES} of configFiles are read, and ${more.length} more are not`)]),
    ...(problem === null ? [] : [unread(envFile!, problem)]),
  ];
}

/** Takes what it reads from the room that is left. */
function configFact(place: Measuring['place'], { path, format }: Measuring['place']['settings']['configFiles'][number], room: { bytes: number }): ConfigFact {
  try {
    const file = projectFile(place, path);
    if (file === null) return { path, exists: false, problem: null, pythonVersion: null };
    if (file.stat.size <= LARGEST.settings && file.stat.size > room.bytes) return unread(path, `with the files before it, configFiles have more than ${CONFIG_BYTES} bytes`);
    const bytes = file.read(LARGEST.settings);
    room.bytes -= bytes.length;
    const raw = CONFIG_FORMATS[format].read(bytes.toString('utf8'), 'python_version');
    return { path, exists: true, problem: null, pythonVersion: raw === null ? null : plain(raw) || null };
  } catch (error) {
    return unread(path, (error as Error).message);
  }
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
    const report: unknown = JSON.parse(file.read(LARGEST.report).toString('utf8'));
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
