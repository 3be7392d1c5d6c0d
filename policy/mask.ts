/** Text that was read from outside, made safe to show (invariant 13: secrets appear in no record or error). */

/** Up to the last `@` of the word: a password may hold any sign, and a tag hidden with it does no harm. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"<>]*@/gi;
const BARE_CREDENTIALS = /(^|[\s'"=(])[^\s'"/:@=(]+:[^\s'"/@]+@/g;
const SECRET_VALUE = /((?:password|passwd|secret|token|api[-_]?key|credentials?)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&,;}]+)/gi;

/** Hides credentials in addresses (`https://***@host/`) and values of keys that name a secret. */
export function maskSecrets(text: string): string {
  return text.replace(URL_CREDENTIALS, '$1***@').replace(BARE_CREDENTIALS, '$1***@').replace(SECRET_VALUE, '$1***');
}

/** What is longer is cut before it is masked: masking takes the square of a text's length. */
const MASKED = 4096;

/** A short, one-line, masked form of what was read; control characters are written out. */
export function shown(text: string, limit = 120): string {
  const isCut = text.length > MASKED;
  // The `@` hides credentials whose own one was cut off.
  const safe = maskSecrets(isCut ? `${text.slice(0, MASKED)}@` : text).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g, (it) => `\\x${it.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return isCut || safe.length > limit ? `${safe.slice(0, limit)}…` : safe;
}
