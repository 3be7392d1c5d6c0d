/** Names of runs and environments, each with its inverse. */
import type { EnvironmentRef, RunKind } from './model.js';

const PREFIX: Record<RunKind, string> = { change: 'ch', fallback: 'fb', rollback: 'rb', exception: 'ex', 'interpreter-change': 'ic' };

/** `fallback/web-01/%2Fsrv%2Fpricer%2F.venv/01J…`: decision 10. */
export function workflowIdOf(kind: RunKind, env: EnvironmentRef, ulid: string): string {
  return `${kind}/${env.host}/${encodeURIComponent(env.link)}/${ulid}`;
}

/** Inverse of {@link workflowIdOf}; null for ids of other shapes. */
export function parseWorkflowId(id: string): { kind: RunKind; env: EnvironmentRef; ulid: string } | null {
  const match = /^(change|fallback|rollback|exception|interpreter-change)\/([^/]+)\/([^/]+)\/([0-9A-Z]{26})$/.exec(id);
  if (!match) return null;
  return { kind: match[1] as RunKind, env: { host: match[2]!, link: decodeURIComponent(match[3]!) }, ulid: match[4]! };
}

/** The short id people use: kind and the last four characters of the ULID's random part. */
export function shortId(kind: RunKind, ulid: string): string {
  return `${PREFIX[kind]}-${ulid.slice(-4).toLowerCase()}`;
}

/** The short id of a workflow id, or null. */
export function shortIdOf(workflowId: string): string | null {
  const parsed = parseWorkflowId(workflowId);
  return parsed && shortId(parsed.kind, parsed.ulid);
}

export const isShortId = (text: string): boolean => /^[a-z]{2}-[0-9a-z]{4}$/.test(text);

/** One long run per enrolled host. */
export const hostWatchId = (host: string): string => `watch/${host}`;

/** `HOST:PATH`, as people write and read it. */
export function formatEnvironment(env: EnvironmentRef): string {
  return `${env.host}:${env.link.replace(/\/\.venv$/, '')}`;
}

export interface TargetText {
  /** null: this host. */
  host: string | null;
  path: string;
  /** Link name within the project, when one was named by `#NAME`. */
  name: string | null;
}

/**
 * Reads `HOST:PATH#NAME`, `HOST:PATH` or a bare path. Only the shape is judged here; whether the path exists is the
 * host's to say. Returns a refusal's words for what can't be a target.
 */
export function parseTarget(raw: string): TargetText | { problem: string } {
  // Names go into argument arrays and task queues: what could be read as an option or a second command is no target.
  if (raw === '' || /[\0-\x1f\x7f]/.test(raw)) return { problem: 'control characters or nothing at all' };
  if (raw.startsWith('-')) return { problem: 'a name that begins with "-"' };
  const [place, name, more] = raw.split('#');
  if (more !== undefined || name === '') return { problem: 'an unreadable #NAME' };
  if (name !== undefined && !/^[A-Za-z0-9._][A-Za-z0-9._-]*$/.test(name)) return { problem: `a link name "${name}"` };
  const remote = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/.exec(place!);
  if (remote) {
    if (!remote[2]!.startsWith('/')) return { problem: `the relative path "${remote[2]}" on another host` };
    return { host: remote[1]!, path: remote[2]!, name: name ?? null };
  }
  if (/[;&|`$<>"'\\*?(){}]/.test(place!)) return { problem: 'characters that only a shell would want' };
  return { host: null, path: place!, name: name ?? null };
}
