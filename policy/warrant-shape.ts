/** The shape of a warrant, for who is handed one by a namespace that anybody may write to: control worker and host ask it first. */
import { z } from 'zod';
import type { Warrant } from './model-approval.js';
import type { Objection } from './model.js';
import { utf8Length } from './text.js';

/** Largest warrant in bytes of JSON: a policy with its people, and every signature. */
const MAX_WARRANT_BYTES = 512 * 1024;
/** 8 stages of 20 are the most a rule can ask for. */
const MAX_VOTES = 160;

const signed = z.object({ text: z.string(), signature: z.string() });
const env = z.object({ host: z.string(), link: z.string() });
const facts = z.object({
  request: z.string().min(1), run: z.string(), kind: z.enum(['change', 'fallback', 'rollback', 'exception', 'interpreter-change']), purpose: z.string(), namespace: z.string(), env, environments: z.array(z.string()),
  from: z.string().nullable(), to: z.string(), hours: z.number().nullable(), requester: z.string(), reason: z.string(), planDigest: z.string().nullable(), policyDigest: z.string(),
  evidence: z.array(z.object({ name: z.string(), sha256: z.string() })), useBy: z.iso.datetime(), head: z.object({ seq: z.number(), hash: z.string() }),
});
/** `rules` are not looked at: who checks has rules of their own. */
const warrantSchema = z.object({
  facts,
  votes: z.array(signed.extend({ t: z.iso.datetime() })).max(MAX_VOTES),
  asked: signed.nullable(),
  grantedAt: z.iso.datetime(),
  policy: z.object({ content: z.string(), revision: z.string(), signatures: z.array(signed).max(20) }).nullable(),
});

/** Why something is no warrant at all; empty: it is one, whatever it is worth. */
export function shapeProblems(warrant: Warrant): Objection[] {
  const refuse = (expected: string, got: string): Objection[] => [{ what: 'warrant', expected, got, wayOut: 'have the run approved again; nothing was changed' }];
  const parsed = warrantSchema.safeParse(warrant);
  if (!parsed.success) return refuse('facts, votes, asked, grantedAt and policy', parsed.error.issues.slice(0, 3).map(({ path, message }) => `${path.map(String).join('.') || 'all of it'}: ${message}`).join('; '));
  const bytes = utf8Length(JSON.stringify(parsed.data));
  return bytes > MAX_WARRANT_BYTES ? refuse(`at most ${MAX_WARRANT_BYTES} bytes`, String(bytes)) : [];
}
