/** What an armoured SSH signature says about itself: for words only. Whether it is one is for ssh-keygen to say. */

export interface SignatureHead {
  /** `ssh-ed25519`, `ssh-ed25519-cert-v01@openssh.com` … */
  keyType: string;
  namespace: string;
}

/** Bytes of an armoured signature that are read at all; an RSA-4096 signature with its key has about 2 KiB. */
export const MAX_SIGNATURE = 8 * 1024;

const ARMOUR = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\s*$/;

/** Namespace and key type, by OpenSSH's PROTOCOL.sshsig; words where it can't be read. */
export function readSignatureHead(armour: string): SignatureHead | { problem: string } {
  if (armour.trim() === '') return { problem: 'there is no signature' };
  if (armour.length > MAX_SIGNATURE) return { problem: `the signature has more than ${MAX_SIGNATURE} characters` };
  if (armour.includes('\r')) return { problem: 'the signature has carriage returns: it was changed on its way; send the .sig file as ssh-keygen wrote it' };
  const body = ARMOUR.exec(armour)?.[1];
  if (body === undefined) return { problem: 'the signature is not whole: expected -----BEGIN SSH SIGNATURE----- to -----END SSH SIGNATURE-----' };
  return readBlob(Buffer.from(body.replaceAll('\n', ''), 'base64')) ?? { problem: 'the signature is no SSH signature: what stands in its armour is cut off or something else' };
}

/** `SSHSIG`, version, public key, namespace, … : each a 32-bit length and its bytes but the first two. */
function readBlob(blob: Buffer): SignatureHead | null {
  if (blob.subarray(0, 6).toString('latin1') !== 'SSHSIG' || blob.length < 10 || blob.readUInt32BE(6) !== 1) return null;
  const key = field(blob, 10);
  const namespace = key && field(blob, key.next);
  const keyType = key && field(key.bytes, 0);
  return namespace && keyType ? { keyType: printable(keyType.bytes), namespace: printable(namespace.bytes) } : null;
}

function field(from: Buffer, at: number): { bytes: Buffer; next: number } | null {
  if (at + 4 > from.length) return null;
  const next = at + 4 + from.readUInt32BE(at);
  return next > from.length ? null : { bytes: from.subarray(at + 4, next), next };
}

/** It goes into messages: nothing that could break a line. */
const printable = (bytes: Buffer): string => bytes.subarray(0, 80).toString('latin1').replace(/[^\x21-\x7e]/g, '?');
