/** What a target on the command line means: an environment of a host. */
import { existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { parseWith } from '../../policy/files/explain.js';
import { projectFileSchema, projectSettings } from '../../policy/files/project-file.js';
import { parseTarget } from '../../policy/ids.js';
import type { EnvironmentRef, ProjectSettings } from '../../policy/model.js';
import { readIfThere, type Instance } from './instance.js';
import { refusal } from './io.js';

/** `HOST:PATH[#NAME]` or a bare path; refuses what can't be one before anything starts. */
export function readTarget(raw: string, instance: Instance): EnvironmentRef {
  const parsed = parseTarget(raw);
  if ('problem' in parsed) throw refusal([{ what: `target ${JSON.stringify(raw)}`, expected: 'HOST:PATH[#NAME], or a path on this host', got: parsed.problem, wayOut: 'runbook env list' }]);
  const host = parsed.host ?? instance.host;
  if (host !== instance.host) return { host, link: path.posix.join(parsed.path, parsed.name ?? '.venv') };
  return { host, link: localLink(parsed.path, parsed.name) };
}

function localLink(given: string, name: string | null): string {
  const absolute = path.resolve(given);
  const isLink = path.basename(absolute).startsWith('.venv') && !existsSync(path.join(absolute, 'runbook.yaml'));
  const project = isLink ? path.dirname(absolute) : absolute;
  requireProject(project, given);
  const real = realpathSync(project);
  return path.join(real, name ?? (isLink ? path.basename(absolute) : readSettings(real)?.link ?? '.venv'));
}

/** A project is a directory with a lock file: `runbook.yaml` names it, or there is one to be seen. */
function requireProject(project: string, given: string): void {
  const got = !existsSync(project) ? 'nothing there' : !lstatSync(realpathSync(project)).isDirectory() ? 'a file' : null;
  const found = got === null && readdirSync(project).some((name) => name === 'runbook.yaml' || /^(requirements.*\.(txt|lock)|pylock.*\.toml)$/.test(name));
  if (found) return;
  throw refusal([{ what: given, expected: 'a directory with a lock file', got: got ?? 'a directory without one', wayOut: got ? 'runbook env list' : `runbook init ${given}` }]);
}

/** What the project's runbook.yaml says; null: there is none. Throws a refusal that names every mistake in it. */
export function readSettings(project: string): ProjectSettings | null {
  const file = path.join(project, 'runbook.yaml');
  const text = readIfThere(file);
  if (text === '') return null;
  const parsed = parseWith(projectFileSchema, text, { file, format: 'yaml' });
  if (!parsed.ok) throw refusal(parsed.objections);
  return projectSettings(parsed.value);
}
