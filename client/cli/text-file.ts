/** Files that are signed or handed in as text. */
import { readFileSync } from 'node:fs';
import { refusal } from './io.js';

export interface TextFile {
  /** Most bytes that are taken. */
  longestBytes: number;
  wayOut: string;
}

/** A file's text byte for byte: what is no UTF-8 would be another text than the one that was signed or named by digest. */
export function readTextFile(file: string, { longestBytes, wayOut }: TextFile): string {
  const refuse = (got: string): Error => refusal([{ what: file, expected: `a text of at most ${sizeText(longestBytes)}`, got, wayOut }]);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw refuse(code === 'ENOENT' ? 'nothing there' : code === 'EISDIR' ? 'a directory' : message);
  }
  const text = bytes.toString('utf8');
  if (text.trim() === '') throw refuse('an empty file');
  if (bytes.length > longestBytes) throw refuse(`${bytes.length} bytes`);
  if (!Buffer.from(text, 'utf8').equals(bytes)) throw refuse('bytes that are no text');
  return text;
}

const sizeText = (bytes: number): string => (bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`);
