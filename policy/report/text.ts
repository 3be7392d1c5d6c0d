/** A page as plain text for a terminal, no wider than it. */
import { oneLine } from '../text.js';
import { plain } from './page.js';
import type { Block, Page } from './page.js';

/** Columns used at most, whatever the terminal has: longer lines read badly. */
const WIDEST = 100;

/** `columns`: of the terminal. Preformatted lines are left as they are: they are there to be pasted. */
export function toText({ title, lead, sections }: Page, columns: number): string {
  const width = Math.min(columns, WIDEST);
  return [title, ...wrap(plain(lead), width), ...sections.flatMap((section) => ['', section.title, ...section.blocks.flatMap((block) => blockLines(block, width))])].join('\n');
}

function blockLines(block: Block, width: number): string[] {
  switch (block.kind) {
    case 'words':
      return wrap(plain(block.words), width, '  ');
    case 'fields': {
      const widest = Math.max(...block.fields.map(([name]) => name.length));
      return block.fields.flatMap(([name, text]) => wrap(plain(text), width, `  ${name.padEnd(widest)}  `));
    }
    case 'list':
      return block.items.flatMap((item, at) => wrap(plain(item), width, block.ordered ? `  ${at + 1}. ` : '  - '));
    case 'table':
      return block.rows.flatMap((row) => wrap(row.map(plain).filter((cell) => cell !== '').join('  '), width, '  '));
    case 'text':
      return block.text.split('\n').map((line) => `    ${line}`);
  }
}

/** Breaks between words; further lines stand below the first one's text. */
function wrap(text: string, width: number, first = ''): string[] {
  const indent = ' '.repeat(first.length);
  const rows: string[] = [];
  let row = first;
  let begun = false;
  for (const word of oneLine(text, 10_000).split(' ')) {
    if (begun && row.length + 1 + word.length > width) {
      rows.push(row);
      row = indent + word;
    } else row += begun ? ` ${word}` : word;
    begun = true;
  }
  return [...rows, row];
}
