/** A page as one HTML file: no script, nothing fetched, readable on a phone, in the dark, and on paper. */
import { multiLine, oneLine } from '../text.js';
import { STYLE } from './style.js';
import { partsOf } from './page.js';
import type { Block, Page, Words } from './page.js';

/** What HTML needs escaped, in text and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const HEAD = [
  '<meta charset="utf-8">',
  '<meta name="viewport" content="width=device-width, initial-scale=1">',
  '<meta name="color-scheme" content="light dark">',
  // Nothing may be loaded or run, whatever a fact holds.
  `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
].join('\n');

export function toHtml({ title, badge, lead, sections }: Page): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    HEAD,
    `<title>${line(`${title}: ${badge.word}`)}</title>`,
    `<style>\n${STYLE}</style>`,
    '</head>',
    '<body>',
    '<main>',
    `<header><h1>${line(title)} <span class="badge ${badge.tone}">${line(badge.word)}</span></h1>`,
    `<p class="lead">${inline(lead)}</p></header>`,
    ...sections.map(({ title: heading, blocks }) => `<section>\n<h2>${line(heading)}</h2>\n${blocks.map(blockHtml).join('\n')}\n</section>`),
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

const line = (text: string, limit = 2_000): string => escapeHtml(oneLine(text, limit));

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'words':
      return `<p>${inline(block.words)}</p>`;
    case 'fields':
      return `<dl>${block.fields.map(([name, text]) => `<div><dt>${line(name)}</dt><dd>${inline(text)}</dd></div>`).join('')}</dl>`;
    case 'list': {
      const tag = block.ordered ? 'ol' : 'ul';
      return `<${tag}>${block.items.map((item) => `<li>${inline(item)}</li>`).join('')}</${tag}>`;
    }
    case 'table':
      return tableHtml(block);
    case 'text':
      return `<pre>${multiLine(block.text).split('\n').map((text) => textLine(text, block.language)).join('\n')}</pre>`;
  }
}

/** Each cell names its column, because a phone shows a row as a card. */
function tableHtml({ columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const aligned = columns.map(({ align }) => (align ? ' class="right"' : ''));
  const head = columns.map(({ name }, at) => `<th scope="col"${aligned[at]}>${line(name)}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell, at) => `<td${aligned[at]} data-name="${line(columns[at]!.name)}">${inline(cell, 400)}</td>`).join('')}</tr>`);
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody>\n</table>`;
}

function textLine(text: string, language: string): string {
  const kind = language === 'diff' ? { '+': 'added', '-': 'removed' }[text.charAt(0)] : undefined;
  return kind ? `<span class="${kind}">${escapeHtml(text)}</span>` : escapeHtml(text);
}

function inline(text: Words, limit?: number): string {
  return partsOf(text)
    .map((part) => {
      if (typeof part !== 'string') return 'code' in part ? `<code>${line(part.code, limit)}</code>` : `<strong>${line(part.strong, limit)}</strong>`;
      const [, before, after] = /^( ?)[^]*?( ?)$/.exec(part)!;
      return `${before}${marked(line(part, limit))}${after}`;
    })
    .join('');
}

/** The marks of a verdict get a colour. */
const marked = (text: string): string => text.replace(/^[✓✗]/, (mark) => `<span class="${mark === '✓' ? 'yes' : 'no'}">${mark}</span>`);
