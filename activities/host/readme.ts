/** `.venvs/README`: how to go back with two stock commands when nothing of this product runs any more; and the same for programs, `.venvs/state.json`. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { StateEntry } from '../../policy/checks/guard.js';
import { shellWord } from '../../policy/text.js';
import type { HostContext } from './context.js';
import { replaceText } from './files.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import type { ArmedRow } from './store-armed.js';
import { neighbours, treeAt } from './trees.js';

/** What `runbook guard` reads before every start: ends must be known where nothing of this product runs. */
const STATE_FILE = 'state.json';

/** Writes both for every environment of the project; nothing where there are no trees. */
export function writeReadme(ctx: HostContext, place: Place): void {
  if (!asOwner(place.owner, () => existsSync(place.venvsDir))) return;
  writeState(place, statesNow(ctx, place));
  const parts = neighbours(ctx, place).flatMap((each) => environmentText(ctx, each));
  replaceText(place, join(place.venvsDir, 'README'), [...HEAD, ...parts, ''].join('\n'));
}

/**
 * Right before the link is turned: names the tree that will stand there, and its end. Whoever starts something from that moment on
 * finds either the old tree, which nothing is said of, or this one.
 */
export function announceTree(ctx: HostContext, place: Place, { run, end }: ArmedRow, tree: string): void {
  writeState(place, { ...statesNow(ctx, place), [basename(place.link)]: { tree, run, end } });
}

/** For environments that an earlier version made, which wrote no such file: once, when the agent starts. */
export function writeMissingStates(ctx: HostContext): void {
  for (const { link } of ctx.store.leases.all()) {
    try {
      const place = resolvePlace(ctx, { host: ctx.host, link });
      if (!asOwner(place.owner, () => existsSync(join(place.venvsDir, STATE_FILE)))) writeReadme(ctx, place);
    } catch {
      // A project that went away meanwhile needs none.
    }
  }
}

function writeState(place: Place, environments: Record<string, StateEntry>): void {
  replaceText(place, join(place.venvsDir, STATE_FILE), `${JSON.stringify({ version: 1, environments }, null, 2)}\n`);
}

/** By name of the link; those that lead to no tree of ours are left out. */
function statesNow(ctx: HostContext, place: Place): Record<string, StateEntry> {
  const entries = neighbours(ctx, place).flatMap((each): [string, StateEntry][] => {
    const treeId = treeAt(each);
    const row = treeId === null ? undefined : changeThatStands(ctx, each, treeId);
    return treeId === null ? [] : [[basename(each.link), { tree: treeId, run: row?.run ?? null, end: row?.end ?? null }]];
  });
  return Object.fromEntries(entries);
}

const changeThatStands = (ctx: HostContext, { link }: Place, treeId: string): ArmedRow | undefined => ctx.store.armed.of(link).find((row) => !row.undone && row.switchingTo === treeId);

const HEAD = [
  'Python environments of this project, kept by interpreter-runbooks.',
  'The link outside this folder names the current one. Do not edit or move what lies here.',
  'state.json says for programs what stands here, and when it ends.',
];

function environmentText(ctx: HostContext, place: Place): string[] {
  const treeId = treeAt(place);
  if (treeId === null) return [];
  const previous = changeThatStands(ctx, place, treeId);
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
