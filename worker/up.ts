/** `up`: the embedded server, a control worker and an agent of this user, kept running by one supervisor. */
import { mkdirSync } from 'node:fs';
import { readCurrent, removeCurrent, writeCurrent } from './current.js';
import { runbookPaths, type RunbookPaths } from './paths.js';
import { identify } from './process-identity.js';
import { supervise, type Running, type Supervised } from './supervise.js';
import { assertMayRunAs, type UpOptions } from './up-options.js';
import { chooseSite, PARTS, prepareService, starters, type Part, type Site } from './up-parts.js';

/** A running instance. */
export interface UpHandle {
  address: string;
  namespace: string;
  /** Web UI; null where it is not ours. */
  uiUrl: string | null;
  /** Name of the host whose agent runs here. */
  host: string;
  /** Process ids as they are now; `server` is the Temporal process. */
  pids(): { supervisor: number; server: number | null; control: number; agent: number };
  /** Stops everything in order; the same promise however often it is called. */
  stop(): Promise<void>;
  /** Resolves when everything has stopped, by `stop` or by a signal. */
  stopped: Promise<void>;
}

function refuseSecond(paths: RunbookPaths): void {
  const running = readCurrent(paths.currentFile);
  if (running === null || running.home !== paths.home) return;
  throw new Error(`An instance runs already: process ${running.pid}, Temporal at ${running.address}${running.uiUrl === null ? '' : `, Web UI ${running.uiUrl}`}. Use it, or end that process first.`);
}

/** The supervisor's state: what runs, and whether it is to end. */
class Instance {
  readonly stopped: Promise<void>;
  private readonly ending = new AbortController();
  private readonly parts = new Map<Part, Promise<Supervised | null>>();
  private readonly running: Partial<Record<Part, Supervised | null>> = {};
  private ready = false;
  private stopping: Promise<void> | null = null;
  private resolveStopped!: () => void;

  constructor(private readonly paths: RunbookPaths, private readonly site: Site, private readonly options: UpOptions) {
    this.stopped = new Promise((resolve) => (this.resolveStopped = resolve));
  }

  /** Starts all parts at once: the workers load while the server starts, and wait for it. */
  async start(): Promise<UpHandle> {
    const start = starters(this.paths, this.site, this.options);
    for (const part of PARTS) {
      const starter = start[part];
      this.parts.set(part, starter === null ? Promise.resolve(null) : supervise(starter, this.ending.signal, (now, why) => this.changed(part, now, why)));
    }
    try {
      await Promise.all(PARTS.map(async (part) => (this.running[part] = await this.parts.get(part)!)));
      if (this.stopping !== null) throw new Error('up: stopped before everything was ready');
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.ready = true;
    this.publish();
    return { ...this.site, host: this.host(), pids: () => this.pids(), stop: () => this.stop(), stopped: this.stopped };
  }

  /** Agent and control worker first: they report what they had in hand to a server that still runs. */
  stop(): Promise<void> {
    this.ending.abort();
    const end = async (part: Part): Promise<void> => (await this.parts.get(part)?.catch(() => null))?.stop();
    return (this.stopping ??= (async () => {
      await Promise.all([end('agent'), end('control')]);
      await end('server');
      removeCurrent(this.paths.currentFile, process.pid);
      this.resolveStopped();
    })());
  }

  private changed(part: Part, now: Running | null, why: string): void {
    this.options.log?.(now === null ? `${part} ended (${why}); starting it again` : `${part} runs again, process ${now.pid}`);
    if (now !== null) this.publish();
  }

  private host(): string {
    return this.running.agent?.current().facts['host'] ?? '';
  }

  private pids(): ReturnType<UpHandle['pids']> {
    const pidOf = (part: Part): number | null => this.running[part]?.current().pid ?? null;
    return { supervisor: process.pid, server: pidOf('server'), control: pidOf('control')!, agent: pidOf('agent')! };
  }

  private publish(): void {
    if (!this.ready || this.ending.signal.aborted) return;
    const { supervisor, ...children } = this.pids();
    const { address, namespace, uiUrl } = this.site;
    writeCurrent(this.paths.currentFile, { address, namespace, uiUrl, home: this.paths.home, ...identify(supervisor), host: this.host(), children });
  }
}

/** Ends the instance at the signals that end a terminal program, until it has stopped. */
function stopOnSignals(instance: Instance): void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handler = (): void => void instance.stop();
  signals.forEach((signal) => process.on(signal, handler));
  void instance.stopped.then(() => signals.forEach((signal) => process.off(signal, handler)));
}

/**
 * Starts everything and returns when all of it works. When one part can't be started, the others are stopped and its
 * reason is thrown. Each part that ends later is started again; all of them end when this process does.
 */
export async function up(options: UpOptions): Promise<UpHandle> {
  assertMayRunAs(options);
  const paths = runbookPaths(options.home === undefined ? process.env : { ...process.env, RUNBOOK_HOME: options.home });
  refuseSecond(paths);
  for (const dir of [paths.stateDir, paths.logDir, paths.agentDir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const site = await chooseSite(options);
  if (site.ports === null) await prepareService(site);
  const instance = new Instance(paths, site, options);
  if (options.handleSignals !== false) stopOnSignals(instance);
  return instance.start();
}
