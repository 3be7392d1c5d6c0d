/** Files by which Linux tells what it is: the distribution, its family, and its memory. */

export interface Distribution {
  /** `PRETTY_NAME`, for people; empty where the file has none. */
  name: string;
  /** `ID`, then the words of `ID_LIKE`. */
  ids: string[];
}

/** Reads the file's text; a line that is no assignment is skipped. */
export function parseOsRelease(text: string): Distribution {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, raw = ''] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined) fields.set(key, raw.replace(/^(["'])(.*)\1$/, '$2').replace(/\\(["'$`\\])/g, '$1'));
  }
  const ids = [fields.get('ID') ?? '', ...(fields.get('ID_LIKE') ?? '').split(/\s+/)];
  return { name: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? '', ids: ids.filter((id) => id !== '') };
}

/** Total memory in bytes by the text of `/proc/meminfo`; null where it has no such line. */
export function memoryBytesOf(meminfo: string): number | null {
  const kibibytes = /^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
