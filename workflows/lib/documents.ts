/** Documents people hand in: what could not be kept as evidence is refused before it is taken. */
import { patched } from '@temporalio/workflow';
import { utf8Length } from '../../policy/text.js';

/** Longest document that is taken in one message, in bytes: so evidence is measured. */
const MAX_DOCUMENT_BYTES = 200_000;

/** Why a document is not taken, or null. */
export function documentProblem(document: string): string | null {
  const bytes = utf8Length(document);
  // Older executions counted characters, and took it.
  const isTooLong = document.length > MAX_DOCUMENT_BYTES || (bytes > MAX_DOCUMENT_BYTES && patched('document-bytes'));
  return isTooLong || document.trim() === '' ? `the document: expected 1 to ${MAX_DOCUMENT_BYTES} bytes, got ${bytes}` : null;
}
