/** A page as Markdown. Foreign words can't break its structure. */
import { markdownCode, markdownText, multiLine } from '../text.js';
import { partsOf } from './page.js';
import type { Block, Page, Words } from './page.js';

/** Longest text of one part outside tables, in characters. */
const LONG = 2_000;

export function toMarkdown({ title, lead, sections }: Page): string {
  return [
    `# ${markdownText(title)}`,
    '',
    inline(lead),
    ...sections.flatMap((section) => ['', `## ${markdownText(section.title)}`, ...section.blocks.flatMap((block) => ['', ...blockLines(block)])]),
    '',
  ].join('\n');
}

function blockLines(block: Block): string[] {
  switch (block.kind) {
    case 'words':
      return [inline(block.words)];
    case 'fields':
      return block.fields.map(([name, text]) => `- ${markdownText(name)}: ${inline(text)}`);
    case 'list':
      return block.items.map((item, at) => `${block.ordered ? `${at + 1}.` : '-'} ${inline(item)}`);
    case 'table':
      return [row(block.columns.map(({ name }) => name)), row(block.columns.map(({ align }) => (align ? { raw: '---:' } : { raw: '---' }))), ...block.rows.map(row)];
    case 'text':
      return fenced(block.text, block.language);
  }
}

const row = (cells: (Words | { raw: string })[]): string => `| ${cells.map((cell) => (typeof cell === 'object' && 'raw' in cell ? cell.raw : inline(cell, 400))).join(' | ')} |`;

function inline(text: Words, limit = LONG): string {
  return partsOf(text)
    .map((part) => {
      if (typeof part !== 'string') return 'code' in part ? markdownCode(part.code) : `**${markdownText(part.strong)}**`;
      // The space between two parts is ours and stays.
      const [, before, after] = /^( ?)[^]*?( ?)$/.exec(part)!;
      return `${before}${markdownText(part, limit)}${after}`;
    })
    .join('');
}

/** A fence longer than any within the text. */
function fenced(text: string, language: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, multiLine(text), fence];
}
