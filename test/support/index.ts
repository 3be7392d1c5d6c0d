/** A package index on loopback with tiny generated wheels, which can also fail in the ways real ones do. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PlannedFile } from '../../policy/model.js';

/** A release; `files` are paths below site-packages with their text. */
export interface ReleaseSpec {
  name: string;
  version: string;
  files?: Record<string, string>;
  /** Default `py3-none-any`. */
  tag?: string;
  requiresPython?: string;
  /** `Requires-Dist` of a wheel. */
  requires?: string[];
  yanked?: string;
  /** A source release instead of a wheel. */
  sdist?: boolean;
  /** What the source release holds, by path; without it, building it is a mistake and fails loudly. */
  source?: Record<string, string>;
  /** A file that is served as it stands, by its absolute path: a real wheel, or one that is none. */
  path?: string;
  /** A wheel that is no archive, under the hash of its own bytes. */
  corrupt?: boolean;
  /** Bytes of incompressible ballast. */
  bulk?: number;
}

/**
 * `drip` sends files in small pieces for ever; `hold` sends half a file, and the rest when the mode is another one; `hold-pages` answers no page until then; `wrong-hash` sends other bytes than its pages promise; `html-page` is a
 * log-in page where the index should be.
 */
export type IndexMode = 'ok' | 401 | 403 | 404 | 429 | 500 | 'hang' | 'html-page' | 'wrong-type' | 'wrong-hash' | 'truncated' | 'drip' | 'hold' | 'hold-pages';

interface Release extends ReleaseSpec {
  file: string;
  sha256: string;
  bytes: Buffer;
}

export class TestIndex {
  mode: IndexMode = 'ok';
  /** Paths asked for, in order. */
  readonly requests: string[] = [];
  /** Called at the first bytes of a dripping file. */
  onDrip: () => void = () => {};
  private readonly server = createServer((request, response) => this.answer(request, response));

  constructor(private readonly releases: Release[]) {}

  async listen(): Promise<this> {
    await new Promise<void>((ready) => this.server.listen(0, '127.0.0.1', ready));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/simple`;
  }

  /** The planned file of a release, as an assessment would name it. */
  file(name: string, version: string): PlannedFile {
    const found = this.releases.find((one) => one.name === name && one.version === version && !one.sdist)!;
    return { project: name, version, name: found.file, sha256: found.sha256 };
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://index').pathname);
    this.requests.push(path);
    if (this.mode === 'hang') return;
    if (typeof this.mode === 'number') return void response.writeHead(this.mode, this.mode === 401 ? { 'www-authenticate': 'Basic realm="index"' } : {}).end('no');
    if (this.mode === 'html-page') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body><h1>Please log in</h1></body></html>');
    if (this.mode === 'wrong-type') return void response.writeHead(200, { 'content-type': 'text/plain' }).end('hello');
    const page = /^\/simple\/([^/]+)\/$/.exec(path);
    if (page) return this.mode === 'hold-pages' ? this.afterHold(response, () => this.page(page[1]!, response)) : this.page(page[1]!, response);
    const release = this.releases.find((one) => path === `/files/${one.file}`);
    if (!release) return void response.writeHead(404).end('no such thing');
    this.send(release, request, response);
  }

  private page(project: string, response: ServerResponse): void {
    const files = this.releases.filter((one) => one.name === project);
    if (files.length === 0) return void response.writeHead(404).end('no such project');
    const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    const links = files.map((one) => {
      const requires = one.requiresPython === undefined ? '' : ` data-requires-python="${escape(one.requiresPython)}"`;
      const yanked = one.yanked === undefined ? '' : ` data-yanked="${escape(one.yanked)}"`;
      return `<a href="/files/${one.file}#sha256=${one.sha256}"${requires}${yanked}>${one.file}</a><br/>`;
    });
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
  }

  private send({ bytes }: Release, request: IncomingMessage, response: ServerResponse): void {
    if (this.mode === 'wrong-hash') {
      // Ballast behind the archive's end changes the hash and nothing else.
      return void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.concat([bytes, Buffer.from('\0')]));
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
    if (request.method === 'HEAD') return void response.end();
    if (this.mode === 'truncated') return void response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
    if (this.mode === 'hold') return this.sendHalf(bytes, response);
    if (this.mode !== 'drip') return void response.end(bytes);
    let at = 0;
    const timer = setInterval(() => {
      if (at < bytes.length - 1) response.write(bytes.subarray(at, ++at));
    }, 50);
    response.on('close', () => clearInterval(timer));
    this.onDrip();
  }

  private sendHalf(bytes: Buffer, response: ServerResponse): void {
    response.write(bytes.subarray(0, bytes.length / 2));
    this.afterHold(response, () => response.end(bytes.subarray(bytes.length / 2)));
  }

  private afterHold(response: ServerResponse, act: () => void): void {
    const timer = setInterval(() => {
      if (this.mode === 'hold' || this.mode === 'hold-pages') return;
      clearInterval(timer);
      act();
    }, 20);
    response.on('close', () => clearInterval(timer));
  }
}

/** Generates the releases and serves them; `close()` when done. */
export async function testIndex(specs: ReleaseSpec[]): Promise<TestIndex> {
  const folder = mkdtempSync(join(tmpdir(), 'index-'));
  try {
    const full = specs.map((spec) => ({ tag: 'py3-none-any', files: {}, ...spec }));
    const script = resolve(import.meta.dirname, '../../../test/support/wheels.py');
    const made = JSON.parse(execFileSync('python3', ['-I', script, folder, JSON.stringify(full)], { encoding: 'utf8' })) as { file: string; sha256: string }[];
    const releases = full.map((spec, at) => ({ ...spec, ...made[at]!, bytes: readFileSync(join(folder, made[at]!.file)) }));
    return await new TestIndex(releases).listen();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
