/** OpenSSH public keys: a `.pub` line, its blob, and what the blob says it is (RFC 4253, 6.6; RFC 5656; PROTOCOL.u2f). Pure. */
import { sha256Bytes } from './canonical.js';

/** Least bits of an RSA key; OpenSSH's own floor is 1024. */
export const MIN_RSA_BITS = 2048;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Fields of each type after its name: `point` and `bytes` by length, `mpint`, or any text. */
const FIELDS: Record<string, ('curve' | 'point' | 'ed25519' | 'mpint' | 'text')[]> = {
  'ssh-ed25519': ['ed25519'],
  'sk-ssh-ed25519@openssh.com': ['ed25519', 'text'],
  'ecdsa-sha2-nistp256': ['curve', 'point'],
  'ecdsa-sha2-nistp384': ['curve', 'point'],
  'ecdsa-sha2-nistp521': ['curve', 'point'],
  'sk-ecdsa-sha2-nistp256@openssh.com': ['curve', 'point', 'text'],
  'ssh-rsa': ['mpint', 'mpint'],
};

/** Bytes of an uncompressed point by curve. */
const POINT: Record<string, number> = { nistp256: 65, nistp384: 97, nistp521: 133 };

/** `SHA256:…` of the key in a `.pub` line, as `ssh-keygen -lf` shows it. Of the blob: type and comment are only text. */
export function fingerprintOf(publicKeyLine: string): string {
  const blob = decode64(keyPartsOf(publicKeyLine).blob) ?? new Uint8Array();
  return `SHA256:${encode64(sha256Bytes(blob)).replace(/=+$/, '')}`;
}

/** Type and base64 of a `.pub` line, without its comment. */
export function keyPartsOf(publicKeyLine: string): { type: string; blob: string } {
  const [type = '', blob = ''] = publicKeyLine.trim().split(/\s+/);
  return { type, blob };
}

/**
 * What is wrong with the key of a `.pub` line, or null. One key must have one blob, so that one fingerprint names it: nothing after its
 * fields, no field longer than it needs.
 */
export function keyProblem(publicKeyLine: string): string | null {
  const parts = keyPartsOf(publicKeyLine);
  const blob = decode64(parts.blob);
  if (blob === null) return 'its base64 can\'t be read';
  const fields = fieldsOf(blob);
  if (fields === null) return 'its blob is cut off or has bytes too many';
  const [name, ...values] = fields;
  const type = latin(name ?? new Uint8Array());
  if (type !== parts.type) return `says ${parts.type} but holds ${/^[\x21-\x7e]{1,60}$/.test(type) ? type : 'something else'}`;
  const expected = FIELDS[type];
  if (expected === undefined || expected.length !== values.length) return `is no plain ${parts.type} key`;
  const misshapen = expected.some((field, index) => !isField(field, values[index]!, type));
  if (misshapen) return `is no well-formed ${type} key`;
  return type === 'ssh-rsa' ? rsaProblem(values[1]!) : null;
}

function isField(field: 'curve' | 'point' | 'ed25519' | 'mpint' | 'text', value: Uint8Array, type: string): boolean {
  const curve = /nistp\d+/.exec(type)?.[0] ?? '';
  switch (field) {
    case 'curve':
      return latin(value) === curve;
    case 'point':
      return value.length === POINT[curve] && value[0] === 4;
    case 'ed25519':
      return value.length === 32;
    case 'mpint':
      // Positive and as short as it can be: a zero byte only before a set sign bit.
      return value.length > 0 && value[0]! < 0x80 && !(value[0] === 0 && !(value[1]! >= 0x80));
    case 'text':
      return value.length > 0;
  }
}

function rsaProblem(modulus: Uint8Array): string | null {
  const bits = bitsOf(modulus);
  return bits < MIN_RSA_BITS ? `is an RSA key of ${bits} bits, expected at least ${MIN_RSA_BITS}` : null;
}

/** Length of a positive mpint in bits. */
function bitsOf(mpint: Uint8Array): number {
  const first = mpint.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (mpint.length - first) * 8 - (Math.clz32(mpint[first]!) - 24);
}

/** Length-prefixed strings up to the exact end; null when they don't end there. */
function fieldsOf(blob: Uint8Array): Uint8Array[] | null {
  const fields: Uint8Array[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return null;
    const length = blob[at]! * 2 ** 24 + blob[at + 1]! * 2 ** 16 + blob[at + 2]! * 2 ** 8 + blob[at + 3]!;
    at += 4;
    if (at + length > blob.length) return null;
    fields.push(blob.slice(at, at + length));
    at += length;
  }
  return fields;
}

const latin = (bytes: Uint8Array): string => [...bytes].map((byte) => String.fromCharCode(byte)).join('');

/** Null for what is no base64. Bits left over at the end are dropped, as every reader does: two texts may be one blob. */
function decode64(text: string): Uint8Array | null {
  const body = text.replace(/={1,2}$/, '');
  if (body === '' || body.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(body)) return null;
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of body) {
    held = ((held << 6) | ALPHABET.indexOf(char)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (held >> bits) & 0xff;
  }
  return bytes;
}

function encode64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = bytes.slice(at, at + 3);
    const word = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += ALPHABET[word >> 18]! + ALPHABET[(word >> 12) & 63]! + (b === undefined ? '=' : ALPHABET[(word >> 6) & 63]!) + (c === undefined ? '=' : ALPHABET[word & 63]!);
  }
  return text;
}
