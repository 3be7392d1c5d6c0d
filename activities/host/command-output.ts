/** Where a child's output goes: to a file as it comes, and only bounded pieces of it into memory. */
import { closeSync, constants, fchmodSync, openSync, writeSync } from 'node:fs';

/** Standard output kept for the caller. */
export const STDOUT_LIMIT = 4 * 1024 * 1024;
/** Last bytes of both streams, kept with results and records. */
export const TAIL_LIMIT = 8 * 1024;
/** A file of output stops growing here: a child that prints for ever must not fill the disk. */
export const FILE_LIMIT = 256 * 1024 * 1024;

/** Takes the place of a user and password in an address. */
const hideCredentials = (text: string): string => text.replace(/(\w:\/\/)[^\s/@]+@/g, '$1***@');

/** Appends to a file of mode 0600; a full disk stops the writing, never the command. */
class OutputFile {
  private fd: number | null;
  private written = 0;

  constructor(path: string) {
    this.fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o600);
    fchmodSync(this.fd, 0o600);
  }

  write(chunk: Buffer | string): void {
    if (this.fd === null) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    const room = FILE_LIMIT - this.written;
    try {
      for (let at = 0, end = Math.min(bytes.length, room); at < end; ) at += writeSync(this.fd, bytes, at, end - at);
      if (bytes.length > room && room > 0) writeSync(this.fd, `\n[output cut here at ${FILE_LIMIT} bytes]\n`);
    } catch {
      this.close();
    }
    this.written += bytes.length;
  }

  close(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }
}

/** The two streams of one command. Writing is synchronous: a fast child is slowed down by its pipe instead of filling memory. */
export class CommandOutput {
  private readonly both: OutputFile | null;
  private readonly stdoutFile: OutputFile | null;
  private kept: Buffer[] = [];
  private keptBytes = 0;
  private last = Buffer.alloc(0);
  /** All bytes of both streams. */
  bytes = 0;
  /** True when standard output was longer than what was kept. */
  truncated = false;

  constructor(paths: { outputPath?: string | undefined; stdoutPath?: string | undefined }) {
    this.both = paths.outputPath === undefined ? null : new OutputFile(paths.outputPath);
    this.stdoutFile = paths.stdoutPath === undefined ? null : new OutputFile(paths.stdoutPath);
  }

  /** A line of our own in the file: which command ran, how it ended. */
  note(line: string): void {
    this.both?.write(`${hideCredentials(line)}\n`);
  }

  stdout(chunk: Buffer): void {
    if (this.stdoutFile) {
      this.bytes += chunk.length;
      this.stdoutFile.write(chunk);
      return;
    }
    const room = STDOUT_LIMIT - this.keptBytes;
    if (room > 0) this.kept.push(chunk.subarray(0, room));
    this.keptBytes += Math.min(chunk.length, Math.max(room, 0));
    if (chunk.length > room) this.truncated = true;
    this.stderr(chunk);
  }

  stderr(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.both?.write(chunk);
    this.last = Buffer.concat([this.last, chunk.subarray(-TAIL_LIMIT)]).subarray(-TAIL_LIMIT);
  }

  close(): { stdout: string; tail: string } {
    this.both?.close();
    this.stdoutFile?.close();
    return { stdout: Buffer.concat(this.kept).toString('utf8'), tail: hideCredentials(this.last.toString('utf8')) };
  }
}
