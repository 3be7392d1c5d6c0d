/** Names of projects on a package index. */

/** PEP 508: letters, digits and `. _ -`, beginning and ending with a letter or digit. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/** PEP 503: lower case, every run of `-`, `_` and `.` one hyphen. */
export function normalizeProjectName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** True for a name an index could have; never for an option, a path or a shell word. */
export function isProjectName(text: string): boolean {
  return NAME.test(text);
}
