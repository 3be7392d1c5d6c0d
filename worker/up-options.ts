/** What `up` can be told. */

/** Options of `up`. */
export interface UpOptions {
  /** Running as root is refused without it. */
  allowRoot: boolean;
  /** Port of the embedded server; 0: any free one. */
  port: number;
  /** Port of its Web UI; 0: any free one; null: no Web UI. */
  uiPort: number | null;
  /** A Temporal service that runs already; no server is started then. Default: TEMPORAL_ADDRESS. */
  address?: string;
  namespace?: string;
  /** Keeps the whole instance below this folder instead of the XDG folders. */
  home?: string;
  /** Told one line at a time, for people. */
  log?: (line: string) => void;
  /** False: the caller sees to SIGINT, SIGTERM and SIGHUP itself. */
  handleSignals?: boolean;
  /** Other process entries, for tests of the supervisor. */
  entries?: { control?: string; agent?: string };
}

/** Default ports: Temporal's own. */
export const DEFAULT_PORTS = { port: 7233, uiPort: 8233 } as const;

/** Refuses root before anything is started. Every local user can reach the embedded server's port, and its agent would act as root. */
export function assertMayRunAs({ allowRoot }: Pick<UpOptions, 'allowRoot'>): void {
  if (process.geteuid?.() !== 0 || allowRoot) return;
  throw new Error('up: expected an ordinary user, got root; every local user can reach the embedded server, whose agent could then change any project as root. Run it as the owner of the projects, or pass --allow-root.');
}
