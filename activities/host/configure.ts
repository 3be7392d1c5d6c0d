/** Version variables and configuration files, edited in place by key and undone where our value still stands (WF-28 to WF-30, WF-33, DEF-12). */
import { isUtf8 } from 'node:buffer';
import { rmSync } from 'node:fs';
import { shown } from '../../policy/mask.js';
import { FAILURE } from '../../policy/names.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { ConfigEdit, HostActivities, Order } from './contract.js';
import { CONFIG_FORMATS, ConfigTextError, editText } from './config-text.js';
import { keepsOwner, projectFile, readBytes, replaceText } from './files.js';
import { perform } from './order.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import { hostRefused } from './refuse.js';
import type { EditRow } from './store-edits.js';
import { requireKeptEdits } from './warrant-kept.js';

type Configured = Awaited<ReturnType<HostActivities['configure']>>;

/**
 * Edits every configured file that exists (DIS-15). A missing `keyvalue` or `env` file is made, a missing YAML file is
 * left missing: it is some other program's, and one key is no configuration. Throws `HostRefused` before any edit when
 * a file can't be edited safely.
 */
export function configure(ctx: HostContext, step: StepScope, order: Order, edits: ConfigEdit[]): Promise<Configured> {
  const place = resolvePlace(ctx, order.env);
  return perform<Configured>(ctx, step, order, {
    intent: { configure: edits.map(({ path, format, set }) => ({ path, format, keys: Object.keys(set) })) },
    holds: () => edits.every((edit) => isDone(place, edit)),
    async act(guard) {
      const began = performance.now();
      requireKeptEdits(ctx, order, edits);
      edits.forEach(checkEdit);
      const plans = edits.map((edit) => planEdit(place, edit)).filter((plan) => plan !== null);
      for (const plan of plans) carryOut(ctx, place, order, plan, guard);
      return { edited: plans.map(({ edit }) => edit.path), workMs: performance.now() - began };
    },
  });
}

interface EditPlan {
  edit: ConfigEdit;
  file: string;
  /** null: the file is not there. */
  text: string | null;
}

function checkEdit({ path, format, set }: ConfigEdit): void {
  for (const [key, value] of Object.entries(set)) {
    if (!/^[A-Za-z_][\w.-]*$/.test(key) || (format === 'env' && !/^\w+$/.test(key))) throw hostRefused(`key ${JSON.stringify(key)} for ${path}`, 'a name of letters, digits and _', 'something else', 'correct the key');
    if (!/^[\x20-\x7e]*$/.test(value)) throw hostRefused(`value of ${key} for ${path}`, 'one line of printable ASCII', JSON.stringify(value), 'correct the value');
  }
}

function planEdit(place: Place, edit: ConfigEdit): EditPlan | null {
  const file = projectFile(place, edit.path);
  try {
    const text = readConfig(place, file)?.text ?? null;
    if (text === null && edit.format === 'yaml') return null;
    requireSmall(Buffer.byteLength(editText(text ?? '', edit.format, rawValues(edit))));
    if (!keepsOwner(place, file)) throw hostRefused(file, `a file of user ${place.owner.name} and one of its groups`, 'another user\'s or group\'s', 'give it to the project\'s owner, or take it out of runbook.yaml and edit it by hand');
    return { edit, file, text };
  } catch (error) {
    if (!(error instanceof ConfigTextError)) throw error;
    throw hostRefused(file, 'a text that can be edited by key', error.message, 'repair the file, or take it out of "configFiles" in runbook.yaml');
  }
}

const rawValues = ({ format, set }: ConfigEdit): [string, string][] => Object.entries(set).map(([key, value]) => [key, CONFIG_FORMATS[format].encode(value)]);

function isDone(place: Place, edit: ConfigEdit): boolean {
  try {
    const text = readConfig(place, projectFile(place, edit.path))?.text;
    if (text === undefined) return edit.format === 'yaml';
    return rawValues(edit).every(([key, raw]) => CONFIG_FORMATS[edit.format].read(text, key) === raw);
  } catch (error) {
    if (error instanceof ConfigTextError) return false;
    throw error;
  }
}

function carryOut(ctx: HostContext, place: Place, order: Order, { edit, file, text }: EditPlan, guard: Guard): void {
  const { path, format } = edit;
  // Old values first, in a transaction of their own: a process that dies after the rename must not lose them.
  guard.commit(() => {
    for (const [key, raw] of rawValues(edit)) {
      ctx.store.edits.keep({ chain: order.chain, path, key, format, old: CONFIG_FORMATS[format].read(text ?? '', key), new: raw, madeFile: text === null });
    }
  });
  guard.commit(() => {
    const now = readConfig(place, file);
    replaceText(place, file, Buffer.from(editText(now?.text ?? '', format, rawValues(edit)), now?.encoding));
  });
}

/** A configuration is a few pages; what is larger is something else. */
const LARGEST_BYTES = 64 * 1024;

/** Also of what an edit makes, which its undo must be able to read. */
function requireSmall(bytes: number): void {
  if (bytes > LARGEST_BYTES) throw new ConfigTextError(`a file of ${bytes} bytes, of at most ${LARGEST_BYTES} that are read`);
}

/** A configuration text with the encoding that gives its bytes back: notes in an old encoding must survive an edit of another line. */
export function readConfig(place: Place, file: string): { text: string; encoding: 'utf8' | 'latin1' } | null {
  const bytes = readBytes(place, file);
  if (bytes === null) return null;
  requireSmall(bytes.length);
  if (bytes.includes(0)) throw new ConfigTextError('a file with zero bytes (UTF-16, or no text at all)');
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  return { text: bytes.toString(encoding), encoding };
}

/** What the undo of a change's edits came to, in words. */
export interface EditsUndone {
  /** Keys that somebody else changed since, each with file, key, their value and ours. They are left as they are. */
  conflicts: string[];
  /** Files that could not be changed back now; another attempt may. */
  problems: string[];
}

/** Undoes the edits of a change, key by key, where what we wrote still stands. */
export function undoEdits(ctx: HostContext, place: Place, chain: string, guard: Guard): EditsUndone {
  const rows = ctx.store.edits.of(chain);
  const undone: EditsUndone = { conflicts: [], problems: [] };
  for (const path of new Set(rows.map((row) => row.path))) {
    try {
      undone.conflicts.push(...guard.commit(() => undoFile(place, path, rows.filter((row) => row.path === path))));
    } catch (error) {
      if ((error as { type?: string }).type === FAILURE.Fenced) throw error;
      undone.problems.push(`${path}: expected its old values back, got ${(error as Error).message}`);
    }
  }
  return undone;
}

/** Returns its conflicts. */
function undoFile(place: Place, path: string, rows: EditRow[]): string[] {
  const file = projectFile(place, path);
  try {
    const now = readConfig(place, file);
    const seen = rows.map((row) => ({ row, theirs: now && CONFIG_FORMATS[row.format].read(now.text, row.key) }));
    const ours = seen.filter(({ row, theirs }) => theirs === row.new).map(({ row }) => row);
    if (now && ours.length > 0) writeBack(place, file, now, rows, ours);
    // What is as it was before us was taken back already: by an attempt of ours that died, or by hand.
    return seen.filter(({ row, theirs }) => theirs !== row.new && theirs !== row.old).map(({ row, theirs }) => conflictText(path, row, theirs === null ? (now ? 'gone' : 'gone with its file') : shownRaw(theirs)));
  } catch (error) {
    if (!(error instanceof ConfigTextError)) throw error;
    return rows.map((row) => conflictText(path, row, `unreadable (${error.message})`));
  }
}

function writeBack(place: Place, file: string, now: { text: string; encoding: 'utf8' | 'latin1' }, rows: EditRow[], ours: EditRow[]): void {
  const back = ours.reduce((text, { format, key, old }) => editText(text, format, [[key, old]]), now.text);
  if (back.trim() === '' && rows.every((row) => row.madeFile)) return asOwner(place.owner, () => rmSync(file, { force: true }));
  replaceText(place, file, Buffer.from(back, now.encoding));
}

const shownRaw = (raw: string): string => JSON.stringify(shown(raw));

/** `FILE: KEY is "3.10", not our "3.11.7"; left as it is; before the change it was "3.12.1"`. */
const conflictText = (path: string, { key, old, new: ours }: EditRow, theirs: string): string =>
  `${path}: ${key} is ${theirs}, not our ${shownRaw(ours)}; left as it is; before the change it was ${old === null ? 'not there' : shownRaw(old)}`;
