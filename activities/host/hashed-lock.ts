/** The lock an installer is given: exactly the plan's files, by hash, and no word that could be read as an option. */
import { ApplicationFailure } from '@temporalio/common';
import { isProjectName } from '../../policy/project-name.js';
import { isVersion } from '../../policy/pep440.js';
import type { PlannedFile } from '../../policy/model.js';
import { FAILURE } from '../../policy/names.js';

/** One `NAME==VERSION --hash=sha256:HEX` a line. Throws `BadInput` for a file that is not name, version and hash. */
export function hashedLock(files: readonly PlannedFile[]): string {
  return files.map((file) => `${pinText(file)} --hash=sha256:${file.sha256}\n`).join('');
}

/** `NAME==VERSION`, checked; for argument arrays and requirement lines alike. */
export function pinText({ project, version, sha256 }: { project: string; version: string; sha256?: string }): string {
  const isPin = isProjectName(project) && isVersion(version) && /^[0-9A-Za-z.!+_-]+$/.test(version);
  if (isPin && (sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256))) return `${project}==${version}`;
  const got = JSON.stringify([project, version, sha256].filter((one) => one !== undefined).map((one) => one.slice(0, 80)));
  throw ApplicationFailure.nonRetryable(`a pin: expected a project name, a version and a sha256, got ${got}; write the lock again with "uv pip compile --generate-hashes"`, FAILURE.BadInput);
}
