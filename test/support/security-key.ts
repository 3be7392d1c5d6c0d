/** A security key in software: signatures as an `sk-ssh-ed25519@openssh.com` key makes them, put together by PROTOCOL.u2f and PROTOCOL.sshsig. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';

const TYPE = 'sk-ssh-ed25519@openssh.com';
const APPLICATION = 'ssh:';
/** The key was touched. */
const USER_PRESENT = 1;

const str = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const sha = (name: 'sha256' | 'sha512', value: Buffer | string): Buffer => createHash(name).update(value).digest();

export interface SecurityKey {
  /** Line of a `.pub` file. */
  line: string;
  /** Armoured. */
  sign(namespace: string, text: string): string;
}

export function makeSecurityKey(): SecurityKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const blob = Buffer.concat([str(TYPE), str(raw), str(APPLICATION)]);
  return {
    line: `${TYPE} ${blob.toString('base64')} touch`,
    sign(namespace, text) {
      const message = Buffer.concat([Buffer.from('SSHSIG'), str(namespace), str(''), str('sha512'), str(sha('sha512', text))]);
      const tail = Buffer.from([USER_PRESENT, 0, 0, 0, 7]);
      const signature = sign(null, Buffer.concat([sha('sha256', APPLICATION), tail, sha('sha256', message)]), privateKey);
      const whole = Buffer.concat([Buffer.from('SSHSIG'), Buffer.from([0, 0, 0, 1]), str(blob), str(namespace), str(''), str('sha512'), str(Buffer.concat([str(TYPE), str(signature), tail]))]);
      return `-----BEGIN SSH SIGNATURE-----\n${whole.toString('base64').replace(/(.{70})(?=.)/g, '$1\n')}\n-----END SSH SIGNATURE-----\n`;
    },
  };
}
