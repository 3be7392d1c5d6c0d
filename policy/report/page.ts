/** A report as data: what Markdown and HTML are both written from, so that they can't say different things. */

/** Part of a line; a plain text is escaped by whoever writes it out. */
export type Inline = string | { code: string } | { strong: string };

export type Words = Inline | Inline[];

export interface Column {
  name: string;
  align?: 'right';
}

export type Block =
  | { kind: 'words'; words: Words }
  | { kind: 'fields'; fields: [name: string, words: Words][] }
  | { kind: 'list'; ordered: boolean; items: Words[] }
  | { kind: 'table'; columns: Column[]; rows: Words[][] }
  | { kind: 'text'; text: string; language: '' | 'diff' };

export interface Section {
  title: string;
  blocks: Block[];
}

export interface Page {
  title: string;
  /** How it ended, in one word, and whether that is good news. */
  badge: { word: string; tone: 'good' | 'bad' | 'open' };
  lead: Words;
  sections: Section[];
}

/** Rows and items listed one by one; the rest are counted. */
export const LISTED = 50;

export const code = (text: string): Inline => ({ code: text });
export const strong = (text: string): Inline => ({ strong: text });
export const words = (...parts: Inline[]): Block => ({ kind: 'words', words: parts });
export const fields = (...all: [string, Words][]): Block => ({ kind: 'fields', fields: all });
export const list = (items: Words[]): Block => ({ kind: 'list', ordered: false, items });
export const ordered = (items: Words[]): Block => ({ kind: 'list', ordered: true, items });
export const preformatted = (text: string, language: '' | 'diff' = ''): Block => ({ kind: 'text', text, language });

/** A table of at most `LISTED` rows, and how many more there are. `->` before a name aligns its column right. */
export function table(head: string[], rows: Words[][]): Block[] {
  const columns = head.map((name): Column => (name.startsWith('->') ? { name: name.slice(2), align: 'right' } : { name }));
  const beyond = rows.length - LISTED;
  return [{ kind: 'table', columns, rows: rows.slice(0, LISTED) }, ...(beyond > 0 ? [words(`and ${beyond} more.`)] : [])];
}

/** The parts of a line. */
export const partsOf = (text: Words): Inline[] => (Array.isArray(text) ? text : [text]);

/** A line without marks, for logs. */
export const plain = (text: Words): string => partsOf(text).map((part) => (typeof part === 'string' ? part : 'code' in part ? part.code : part.strong)).join('');
