/** Version variables and configuration files, edited in place by key and undone where our value still stands (WF-28 to WF-30, WF-33, DEF-12). */
import { rmSync } from 'node:fs';
import { FAILURE } from '../../policy/names.js';
import type { Guard, HostContext, StepScope } from './context.js';
import type { ConfigEdit, HostActivities, Order } from './contract.js';
import { CONFIG_FORMATS, ConfigTextError } from './config-text.js';
import { projectFile, readText, replaceText } from './files.js';
import { perform } from './order.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import { hostRefused } from './refuse.js';
import type { EditRow } from './store-edits.js';

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
    if (/[\0-\x1f\x7f]/.test(value)) throw hostRefused(`value of ${key} for ${path}`, 'one line without control characters', JSON.stringify(value), 'correct the value');
  }
}

function planEdit(place: Place, edit: ConfigEdit): EditPlan | null {
  const file = projectFile(place, edit.path);
  const text = readText(place, file);
  if (text === null && edit.format === 'yaml') return null;
  try {
    edited(edit, text ?? '');
  } catch (error) {
    if (!(error instanceof ConfigTextError)) throw error;
    throw hostRefused(file, 'YAML that can be edited by key', error.message, 'repair the file, or take it out of "configFiles" in runbook.yaml');
  }
  return { edit, file, text };
}

function edited({ format, set }: ConfigEdit, text: string): string {
  const { encode, write } = CONFIG_FORMATS[format];
  return Object.entries(set).reduce((rest, [key, value]) => write(rest, key, encode(value)), text);
}

function isDone(place: Place, { path, format, set }: ConfigEdit): boolean {
  const text = readText(place, projectFile(place, path));
  if (text === null) return format === 'yaml';
  const { encode, read } = CONFIG_FORMATS[format];
  return Object.entries(set).every(([key, value]) => read(text, key) === encode(value));
}

function carryOut(ctx: HostContext, place: Place, order: Order, { edit, file, text }: EditPlan, guard: Guard): void {
  const { encode, read } = CONFIG_FORMATS[edit.format];
  // Old values first, in a transaction of their own: a process that dies after the rename must not lose them.
  guard.commit(() => {
    for (const [key, value] of Object.entries(edit.set)) {
      ctx.store.edits.keep({ chain: order.chain, path: edit.path, key, format: edit.format, old: read(text ?? '', key), new: encode(value), madeFile: text === null });
    }
  });
  guard.commit(() => replaceText(place, file, edited(edit, readText(place, file) ?? '')));
}

/** Undoes the edits of a change, key by key, where what we wrote still stands. Returns what could not be undone, in words. */
export function undoEdits(ctx: HostContext, place: Place, chain: string, guard: Guard): string[] {
  const rows = ctx.store.edits.of(chain);
  const paths = [...new Set(rows.map((row) => row.path))];
  return paths.flatMap((path) => {
    try {
      guard.commit(() => undoFile(place, path, rows.filter((row) => row.path === path)));
      return [];
    } catch (error) {
      if ((error as { type?: string }).type === FAILURE.Fenced) throw error;
      return [`${path}: expected its old values back, got ${(error as Error).message}`];
    }
  });
}

function undoFile(place: Place, path: string, rows: EditRow[]): void {
  const file = projectFile(place, path);
  const text = readText(place, file);
  if (text === null) return;
  const back = rows.reduce((rest, { key, format, old, new: ours }) => {
    const { read, write, remove } = CONFIG_FORMATS[format];
    if (read(rest, key) !== ours) return rest;
    return old === null ? remove(rest, key) : write(rest, key, old);
  }, text);
  if (back === text) return;
  if (back.trim() === '' && rows.every((row) => row.madeFile)) return asOwner(place.owner, () => rmSync(file, { force: true }));
  replaceText(place, file, back);
}
