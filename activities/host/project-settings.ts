/** What a project says of itself: `runbook.yaml`, or its requirements lock alone. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseWith } from '../../policy/files/explain.js';
import { projectFileSchema, projectSettings } from '../../policy/files/project-file.js';
import type { Owner, ProjectSettings } from '../../policy/model.js';
import { readPlain } from '../plain-file.js';
import { asOwner } from './owner.js';
import { hostRefused, refusal } from './refuse.js';

const PROJECT_FILE = 'runbook.yaml';
/** A project file is a page; what is larger is something else. */
const LARGEST_BYTES = 64 * 1024;
/** Of its YAML: hundreds of lines. */
const MAX_TOKENS = 20_000;

/** Reads the settings as the project's owner. Throws `HostRefused` for a file with errors, or where there is neither file nor lock. */
export function readProjectSettings({ project, owner }: { project: string; owner: Owner }): ProjectSettings {
  const file = join(project, PROJECT_FILE);
  const text = asOwner(owner, () => readIfThere(file));
  const settings = text === null ? defaults(project) : parse(text, file);
  const lock = join(project, settings.lock);
  if (!asOwner(owner, () => isFile(lock))) {
    throw hostRefused(project, 'a directory with a lock file', text === null ? `neither ${PROJECT_FILE} nor ${settings.lock}` : `no ${settings.lock}, which ${PROJECT_FILE} names`, 'runbook init writes a project file; a lock is a requirements file with every version pinned');
  }
  return settings;
}

function defaults(project: string): ProjectSettings {
  return projectSettings(projectFileSchema.parse({ name: basename(project) }));
}

function parse(text: string, file: string): ProjectSettings {
  const parsed = parseWith(projectFileSchema, text, { file, format: 'yaml', maxTokens: MAX_TOKENS });
  if (!parsed.ok) throw refusal('HostRefused', ...parsed.objections);
  return projectSettings(parsed.value);
}

function readIfThere(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return null;
  if (!stat.isFile() || stat.size > LARGEST_BYTES) throw hostRefused(file, `a file of at most ${LARGEST_BYTES} bytes`, stat.isFile() ? `${stat.size} bytes` : 'something else', 'see examples/pricer/runbook.yaml');
  return readPlain(file, 0, LARGEST_BYTES)?.text ?? null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
