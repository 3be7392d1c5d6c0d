/** What one delivery came to, and why not: words by code, never a server's own text, which may hold what it was sent. */

export interface Delivery {
  taken: boolean;
  /** Beside `taken`: what did not get through all the same. */
  problem: string | null;
}

export interface DeliveryContext {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Aborts at the time limit. */
  signal: AbortSignal;
  limitMs: number;
}

export const TAKEN: Delivery = { taken: true, problem: null };
export const refused = (problem: string): Delivery => ({ taken: false, problem });

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection lost',
  ECONNECTION: 'connection lost',
  EPIPE: 'connection lost',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name could not be looked up',
  EDNS: 'name could not be looked up',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETLS: 'no encrypted connection: STARTTLS failed or is not offered',
  EAUTH: 'log-in refused',
  EENVELOPE: 'sender or recipients refused',
  EMESSAGE: 'message refused',
  EPROTOCOL: 'no SMTP server, or one that does not keep to it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  CERT_HAS_EXPIRED: 'the certificate has expired',
};

const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)\w*|CERT_\w+)$/;

/** Of an error of a socket, TLS, HTTP or nodemailer, by its code and an SMTP answer's numbers. */
export function problemOf(error: unknown, { signal, limitMs }: Pick<DeliveryContext, 'signal' | 'limitMs'>): string {
  if (signal.aborted) return `no answer within ${limitMs / 1000} s`;
  const { code, originalCode, responseCode, response } = error as { code?: unknown; originalCode?: unknown; responseCode?: unknown; response?: unknown };
  const name = [originalCode, code].find((it): it is string => typeof it === 'string' && /^[A-Z0-9_]{1,60}$/.test(it)) ?? 'an error without a code';
  const words = WORDS[name] ?? (UNTRUSTED.test(name) ? 'the certificate is signed by nobody trusted here; name its CA as caFile' : 'could not be sent');
  const numbers = typeof responseCode === 'number' ? [String(responseCode), /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(String(response))?.[1]] : [];
  return `${words} (${[name, ...numbers].filter((it) => it !== undefined).join(' ')})`;
}
