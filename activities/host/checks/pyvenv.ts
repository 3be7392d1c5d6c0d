/** `pyvenv.cfg` as Python reads it. */

/** Keys in lower case, values as they stand. */
export function readConfig(text: string): Map<string, string> {
  return new Map(text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [[line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()]];
  }));
}
