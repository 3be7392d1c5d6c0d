/** Names of the files that runs write into a project beside its configuration: a host that is asked to write others refuses. */

const NAMES: readonly string[] = [
  'wheel_install.log', 'wheel_fallback.log', 'deployment.log', 'incident.log', 'performance.log', 'fallback_incidents.md', 'vendor_support.md',
  'fallback_report.md', 'exception_report.md', 'requirements.lock',
];

/** `requirements.frozen.20261121_140312`, `proposed-relock.lock`, `proposed-relock-3.12.1.lock`. */
const PATTERNS: readonly RegExp[] = [/^requirements\.frozen\.\d{8}_\d{6}$/, /^proposed-[a-z-]+(-\d[0-9a-z.]*)?\.lock$/];

/** Whether a path relative to the project is one of them. */
export const isDocumentName = (path: string): boolean => NAMES.includes(path) || PATTERNS.some((pattern) => pattern.test(path));
