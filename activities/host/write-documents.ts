/** Logs and reports in the project (WF-31, WF-32). They change no environment, so they need no lease. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { EnvironmentRef } from '../../policy/model.js';
import type { HostContext, StepScope } from './context.js';
import type { DocumentWrite } from './contract.js';
import { appendText, projectFile, readText, replaceText } from './files.js';
import { asOwner } from './owner.js';
import { resolvePlace, type Place } from './paths.js';
import { requireDocumentNames } from './unsigned-input.js';

/** Replaces whole, or appends once per run; given again it adds nothing. As the owner; never outside the project, and with `trust: signatures` nothing but logs and reports. */
export async function writeDocuments(ctx: HostContext, _step: StepScope, { env, run, documents }: { env: EnvironmentRef; run: string; documents: DocumentWrite[] }): Promise<{ written: string[] }> {
  const place = resolvePlace(ctx, env);
  requireDocumentNames(ctx, documents);
  const files = documents.map((document) => ({ ...document, file: projectFile(place, document.path) }));
  await ctx.barrier('document:started');
  for (const { mode, path, file, text } of files) {
    // One writer at a time: two attempts must not both find that the text is not there yet.
    if (mode === 'append') appendOnce(ctx, place, run, path, file, text);
    else if (readText(place, file) !== text) ctx.store.exclusive(() => replaceText(place, file, text));
  }
  await ctx.barrier('document:written');
  return { written: documents.map(({ path }) => path) };
}

function appendOnce(ctx: HostContext, place: Place, run: string, path: string, file: string, text: string): void {
  const digest = createHash('sha256').update(text).digest('hex');
  const size = asOwner(place.owner, () => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  // Kept and synced before the append: after a crash it says from where on the text must be looked for.
  const { offset, isFirst } = ctx.store.exclusive(() => ctx.store.edits.documentOffset(run, path, digest, size));
  ctx.store.exclusive(() => {
    if (!isFirst && isBehind(place, file, offset, text)) return;
    const lastByte = asOwner(place.owner, () => (size === 0 ? '\n' : readFileSync(file).toString('latin1').at(-1)));
    appendText(place, file, `${lastByte === '\n' ? '' : '\n'}${text}`);
  });
}

/** Whether the text stands behind the offset; a file that became shorter was rotated, and is searched from its start. */
function isBehind(place: Place, file: string, offset: number, text: string): boolean {
  const bytes = asOwner(place.owner, () => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file) : Buffer.alloc(0)));
  return bytes.indexOf(text, bytes.length < offset ? 0 : offset) >= 0;
}
