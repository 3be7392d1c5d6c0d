/** Reads the Python versions that a repository's files state. What can't be read is a problem, never "no version". */
import { parse as parseToml } from 'smol-toml';
import { pipelineConstraints, isPipeline } from './constraint-pipelines.js';
import type { Constraint } from './constraints.js';
import { parsePolicy } from './files/load.js';

/** A file by its path in the repository. */
export interface ConstraintFile {
  path: string;
  text: string;
}

export type ReadConstraints = { constraints: Constraint[] } | { problem: { file: string; got: string } };

/** Whether a path is one that states versions; `policyPath`: where the policy is, in this repository. */
export const statesVersions = (path: string, policyPath: string): boolean => path === policyPath || isPipeline(path) || /(^|\/)(pyproject\.toml|\.python-version)$/.test(path);

/** Everything these files state. A policy that is not there is the documents' policy. */
export function readConstraints(files: readonly ConstraintFile[], policyPath: string): ReadConstraints {
  const constraints: Constraint[] = [];
  for (const file of files) {
    const read = readOne(file, policyPath);
    if ('problem' in read) return { problem: { file: file.path, got: read.problem } };
    constraints.push(...read);
  }
  return { constraints };
}

function readOne({ path, text }: ConstraintFile, policyPath: string): Constraint[] | { problem: string } {
  if (path === policyPath) return policyConstraints(path, text);
  if (isPipeline(path)) return pipelineConstraints(path, text);
  if (path.endsWith('pyproject.toml')) return projectConstraints(path, text);
  return text.split(/\r?\n/).map((line) => line.replace(/#.*$/, '').trim()).filter((line) => line !== '').map((value) => ofProject(path, 'version', value));
}

const ofProject = (file: string, place: string, value: string): Constraint => ({ file, place, kind: 'project', value, lane: null, excluded: false });

function policyConstraints(file: string, text: string): Constraint[] | { problem: string } {
  const loaded = parsePolicy(text, file);
  if ('objections' in loaded) return { problem: loaded.objections.map(({ what, got }) => `${what}: ${got}`).join('; ') };
  const { interpreters, minimum } = loaded.policy;
  const stated = { 'interpreters.primary.version': interpreters.primary.version, 'interpreters.fallback.version': interpreters.fallback.version, minimum };
  return Object.entries(stated).map(([place, value]) => ({ file, place, kind: 'policy', value, lane: null, excluded: false }));
}

/** `requires-python` clause by clause, so that `>=3.11` to `>=3.12` is from 3.11 to 3.12; and Poetry's own field. */
function projectConstraints(file: string, text: string): Constraint[] | { problem: string } {
  let parsed: Record<string, unknown>;
  try {
    parsed = parseToml(text);
  } catch (error) {
    return { problem: (error as Error).message.split('\n')[0]! };
  }
  const at = (...keys: string[]): unknown => keys.reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined), parsed);
  const stated = { 'requires-python': at('project', 'requires-python'), 'tool.poetry.dependencies.python': at('tool', 'poetry', 'dependencies', 'python') };
  return Object.entries(stated).flatMap(([place, value]) => (typeof value === 'string' ? clauses(value).map(([operator, version]) => ofProject(file, `${place} ${operator}`.trim(), version)) : []));
}

function clauses(specifier: string): [string, string][] {
  return specifier.split(',').map((it) => it.trim()).filter((it) => it !== '').map((clause) => {
    const [, operator, version] = /^([<>=!~^]*)\s*(.*)$/.exec(clause)!;
    return [operator!, version!.replace(/\.\*$/, '.x')];
  });
}
