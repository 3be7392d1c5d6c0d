/** Which environment is checked: a project with or without `runbook.yaml`, and the link that names its environment. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseWith } from '../../../policy/files/explain.js';
import { projectFileSchema, projectSettings } from '../../../policy/files/project-file.js';
import type { Objection, Owner, ProjectSettings } from '../../../policy/model.js';
import { readPlain } from '../../plain-file.js';
import { asOwner, ownerOf } from '../owner.js';

export interface CheckPlace {
  /** Canonical. */
  project: string;
  /** Absolute, whether or not anything stands there. */
  link: string;
  /** Defaults where the project has no `runbook.yaml`. */
  settings: ProjectSettings;
  /** Who owns the project: a check that runs as root reads its files as this user, and starts things as `runnerOf` says. */
  owner: Owner;
}

/** There is nothing to check there. Not a failure of Temporal's: checks run without a server. */
export class CheckRefused extends Error {
  constructor(readonly objections: Objection[]) {
    super(objections.map(({ what, expected, got, wayOut }) => `${what}: expected ${expected}, got ${got}; ${wayOut}`).join('\n'));
  }
}

const PROJECT_FILE = 'runbook.yaml';
/** A project file is a page; what is larger is something else. */
const LARGEST_BYTES = 64 * 1024;
/** Of its YAML: hundreds of lines. */
const MAX_TOKENS = 20_000;
/** What the documents call a project's own file of settings. */
const CONFIG_FILE = '.smvm_config';
const LINK_NAME = /^[A-Za-z0-9._][A-Za-z0-9._-]{0,127}$/;

/**
 * The place of a project folder, or of an environment in one; `name`: of its link, null for the project's own. Throws
 * `CheckRefused` where there is no folder, or its `runbook.yaml` has errors.
 */
export function placeForChecks(path: string, name: string | null): CheckPlace {
  const { folder, link: named } = split(resolve(path));
  const project = realFolder(folder, path);
  const owner = ownerOf(project);
  const settings = readSettings(project, owner);
  const link = name ?? named ?? settings.link;
  if (name !== null && (!LINK_NAME.test(name) || name === '.venvs')) throw refused('--name', 'the name of a link in the project folder, like .venv', JSON.stringify(name), 'runbook env list names the environments of this host');
  return { project, link: join(project, link), settings, owner };
}

/** A path that is an environment, or a link to one or to nothing, stands for the folder it lies in. A link to a project is that project. */
function split(path: string): { folder: string; link: string | null } {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  const isEnvironment = isThere(join(path, 'pyvenv.cfg')) || (isLink && !isThere(path));
  return isEnvironment && !isThere(join(path, PROJECT_FILE)) ? { folder: dirname(path), link: basename(path) } : { folder: path, link: null };
}

const isThere = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
};

function realFolder(folder: string, asked: string): string {
  const wayOut = 'name the folder of the project, or go there';
  try {
    if (!statSync(folder).isDirectory()) throw refused(asked, 'the folder of a project', 'a file', wayOut);
    return realpathSync(folder);
  } catch (error) {
    if (error instanceof CheckRefused) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw refused(asked, 'the folder of a project', code === 'ENOENT' ? 'nothing there' : (code ?? String(error)), wayOut);
  }
}

const refused = (what: string, expected: string, got: string, wayOut: string): CheckRefused => new CheckRefused([{ what, expected, got, wayOut }]);

/** Unlike for a change, a lock need not be there: that it is missing is a finding. */
function readSettings(project: string, owner: Owner): ProjectSettings {
  const file = join(project, PROJECT_FILE);
  return asOwner(owner, () => {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat) return withoutFile(project);
    if (!stat.isFile() || stat.size > LARGEST_BYTES) throw refused(file, `a file of at most ${LARGEST_BYTES} bytes`, stat.isFile() ? `${stat.size} bytes` : 'something else', 'see examples/pricer/runbook.yaml');
    const read = readPlain(file, 0, LARGEST_BYTES);
    if (read === null) return withoutFile(project);
    const parsed = parseWith(projectFileSchema, read.text, { file, format: 'yaml', maxTokens: MAX_TOKENS });
    if (!parsed.ok) throw new CheckRefused(parsed.objections);
    return projectSettings(parsed.value);
  });
}

/** The documents' names where they are there: `requirements.lock`, else `requirements.txt`; `.smvm_config`. */
function withoutFile(project: string): ProjectSettings {
  const lock = isThere(join(project, 'requirements.lock')) ? 'requirements.lock' : 'requirements.txt';
  const configFiles = isThere(join(project, CONFIG_FILE)) ? [{ path: CONFIG_FILE, format: 'keyvalue' as const }] : [];
  return projectSettings(projectFileSchema.parse({ name: basename(project) || 'project', lock, configFiles }));
}
