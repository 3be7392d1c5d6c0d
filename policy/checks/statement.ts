/**
 * What people sign about checks, under `runbook.statement`: that they accept the warnings of a gate (DIS-05), or that they
 * went through the manual preflight (PF-27). Like the other signed texts: ASCII, one fact a line, made again byte for byte.
 */
import { ascii, MAX_SIGNED_TEXT } from '../signed-texts.js';
import type { EnvironmentRef } from '../model.js';

export interface Statement {
  kind: 'manual-preflight' | 'accept-warnings';
  env: EnvironmentRef;
  /** sha256 of what is signed for: the warnings by their digest, or the form. */
  digest: string;
  /** sha256 of the document that goes with it: the verification's JSON, or the form. */
  document: string;
  /** Of Temporal: another instance's records don't take it. */
  namespace: string;
  /** ISO instant. */
  at: string;
  reason: string;
}

const SAYS = { 'manual-preflight': 'I signed off the manual preflight', 'accept-warnings': 'I accept the warnings' } as const;
const HEAD = 'interpreter-runbooks checks 1';

/** The text to sign. */
export function statementText({ kind, env, digest, document, namespace, at, reason }: Statement): string {
  return [HEAD, `${SAYS[kind]} of sha256:${digest}`, `on ${env.host}:${env.link}`, `document sha256:${document}`, `at ${at} in namespace ${namespace}`, `because ${reason}`].map((line) => `${ascii(line)}\n`).join('');
}

const FORM = /^(.+)\n(.+) of sha256:([0-9a-f]{64})\non ([A-Za-z0-9][A-Za-z0-9_.-]*):(\/.*)\ndocument sha256:([0-9a-f]{64})\nat (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) in namespace ([!-~]+)\nbecause (.*)\n$/;

/** The facts of such a text; null for every other text: also for one that says the same in another way. */
export function readStatement(text: string): Statement | null {
  if (text.length > MAX_SIGNED_TEXT) return null;
  const match = FORM.exec(text);
  if (match === null) return null;
  const [, , says, digest, host, link, document, at, namespace, reason] = match as unknown as string[];
  const kind = (Object.keys(SAYS) as Statement['kind'][]).find((one) => SAYS[one] === says);
  if (kind === undefined) return null;
  const statement: Statement = { kind, env: { host: host!, link: unescaped(link!) }, digest: digest!, document: document!, namespace: unescaped(namespace!), at: at!, reason: unescaped(reason!) };
  return isInstant(at!) && statementText(statement) === text ? statement : null;
}

/** There is such a day and hour. */
const isInstant = (at: string): boolean => !Number.isNaN(Date.parse(at)) && new Date(at).toISOString() === at;

/** What `ascii` wrote as `\u{HEX}`. */
const unescaped = (text: string): string => text.replace(/\\u\{([0-9a-f]{1,6})\}/g, (whole, hex: string) => (parseInt(hex, 16) <= 0x10ffff ? String.fromCodePoint(parseInt(hex, 16)) : whole));
