/** The host's name out of `agent.yaml`, without a parser where it is written the usual way: `guard` has no time to load one. */

const NAME = '[A-Za-z0-9][A-Za-z0-9_.-]*';
const LINE = new RegExp(`^host:[ \\t]+(?:(${NAME})|"(${NAME})"|'(${NAME})')[ \\t]*(?:[ \\t]#.*)?\\r?$`, 'm');
/** A key of that name anywhere but in a comment: as JSON, over two lines, or part of another one. */
const ANY = /^[^#\n]*\bhost["']?[ \t]*:/m;

/** Null: the file names none. Undefined: only a parser can tell. */
export function plainHost(text: string): string | null | undefined {
  const found = LINE.exec(text);
  if (found) return found[1] ?? found[2] ?? found[3]!;
  return ANY.test(text) ? undefined : null;
}

/** Any form of YAML, by its parser's answer; null where that is no name of a host. */
export function parsedHost(value: unknown): string | null {
  const host = typeof value === 'object' && value !== null ? (value as { host?: unknown }).host : null;
  return typeof host === 'string' && new RegExp(`^${NAME}$`).test(host) ? host : null;
}
