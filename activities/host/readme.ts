/** `.venvs/README`: how to go back with two stock commands when nothing of this product runs any more. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostContext } from './context.js';
import { replaceText } from './files.js';
import { asOwner } from './owner.js';
import { readLink, type Place } from './paths.js';
import { neighbours } from './trees.js';

/** Writes the README for every environment of the project; nothing where there are no trees. */
export function writeReadme(ctx: HostContext, place: Place): void {
  if (!asOwner(place.owner, () => existsSync(place.venvsDir))) return;
  const parts = neighbours(ctx, place).flatMap((each) => environmentText(ctx, each));
  replaceText(place, join(place.venvsDir, 'README'), [...HEAD, ...parts, ''].join('\n'));
}

const HEAD = [
  'Python environments of this project, kept by interpreter-runbooks.',
  'The link outside this folder names the current one. Do not edit or move what lies here.',
];

function environmentText(ctx: HostContext, place: Place): string[] {
  const { treeId } = readLink(place);
  if (treeId === null) return [];
  const previous = ctx.store.armed.of(place.link).find((row) => !row.undone && row.switchingTo === treeId);
  const end = previous?.end ? [`  ends:     ${previous.end}: the host then goes back by itself, whatever became of ${previous.run}`] : [];
  const lines = ['', place.link, `  current:  .venvs/${treeId}${previous ? `, since ${previous.run}` : ''}`, ...end];
  if (!previous) return [...lines, '  previous: none'];
  if (previous.undoTarget === null) return [...lines, '  previous: none, it was made new', `  to remove it:  unlink ${shellWord(place.link)}`];
  return [
    ...lines,
    `  previous: .venvs/${previous.undoTarget}, Python ${previous.version ?? 'unknown'}`,
    `  to go back:  runbook undo ${shellWord(place.link)} --local --reason "..."`,
    '  or, with nothing of ours:',
    `    ln -s .venvs/${previous.undoTarget} ${shellWord(`${place.link}.back`)} && mv -T ${shellWord(`${place.link}.back`)} ${shellWord(place.link)}`,
    '  then restart what runs from it.',
  ];
}

/** For a person to paste; this product itself starts no shell. */
const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
