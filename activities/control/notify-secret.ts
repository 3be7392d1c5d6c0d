/** Secrets of channels, read from their files at each delivery: who may read the file, what it holds, said in words without it. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

export type Secret = { secret: string } | { problem: string };

/** Bytes; addresses, passwords and keys are far shorter. */
const SECRET_BYTES = 4096;
const CA_BYTES = 1024 * 1024;

/** First line of a file that nobody but its owner may read; the owner is this process's user, or root. */
export function readSecret(file: string, what: string): Promise<Secret> {
  return reading(file, what, async (handle) => {
    const { mode, uid } = await handle.stat();
    if ((mode & 0o077) !== 0) return { problem: `${file}: expected a file that only its owner may read, got mode ${(mode & 0o7777).toString(8).padStart(4, '0')}; chmod 600 ${file}, and change the ${what} if others may have seen it` };
    const self = process.geteuid?.() ?? uid;
    if (uid !== 0 && uid !== self) return { problem: `${file}: expected a file of user ${self} or root, got one of user ${uid}; chown it` };
    const text = await textOf(handle, SECRET_BYTES);
    if (text === null) return { problem: `${file}: expected the ${what} in at most ${SECRET_BYTES} bytes, got more` };
    const secret = text.replace(/\r?\n$/, '');
    if (!/^[^\u0000-\u001f\u007f]+$/.test(secret)) return { problem: `${file}: expected the ${what} on one line, got ${secret === '' ? 'an empty file' : 'several lines or control characters'}` };
    return { secret };
  });
}

/** A CA bundle: anybody may read it. */
export function readCa(file: string): Promise<Secret> {
  return reading(file, 'CA bundle', async (handle) => {
    const secret = await textOf(handle, CA_BYTES);
    return secret?.includes('-----BEGIN CERTIFICATE-----') ? { secret } : { problem: `${file}: expected certificates in PEM form` };
  });
}

async function reading(file: string, what: string, read: (handle: FileHandle) => Promise<Secret>): Promise<Secret> {
  let handle: FileHandle | null = null;
  try {
    // Without waiting: a FIFO in its place would hold the delivery up.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await handle.stat()).isFile()) return { problem: `${file}: expected a file with the ${what}, got something else` };
    return await read(handle);
  } catch (error) {
    return { problem: `${file}: expected a file with the ${what}, got ${(error as NodeJS.ErrnoException).code ?? 'an error'}` };
  } finally {
    await handle?.close();
  }
}

/** Null where there is more. */
async function textOf(handle: FileHandle, limit: number): Promise<string | null> {
  const buffer = Buffer.alloc(limit + 1);
  let size = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, size, buffer.length - size, null);
    size += bytesRead;
    if (bytesRead === 0 || size > limit) return size > limit ? null : buffer.toString('utf8', 0, size);
  }
}
