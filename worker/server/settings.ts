/** Command line of the embedded server: a Temporal development server, set up to be quick and to keep what it was told. */
import { LOOPBACK } from './ports.js';

/** Types of search attributes as Temporal's API names them, with the CLI's word and the API's number for each. */
export const ATTRIBUTE_TYPES = {
  TEXT: { cli: 'Text', api: 1 },
  KEYWORD: { cli: 'Keyword', api: 2 },
  INT: { cli: 'Int', api: 3 },
  DOUBLE: { cli: 'Double', api: 4 },
  BOOL: { cli: 'Bool', api: 5 },
  DATETIME: { cli: 'Datetime', api: 6 },
  KEYWORD_LIST: { cli: 'KeywordList', api: 7 },
} as const;

/** Search attributes by name. */
export type SearchAttributes = Readonly<Record<string, keyof typeof ATTRIBUTE_TYPES>>;

/** What an embedded server is started with. */
export interface ServerSettings {
  port: number;
  /** Port of the Web UI; null: none. */
  uiPort: number | null;
  namespace: string;
  /** Database file; null: in memory, gone with the process. */
  dbFile: string | null;
  searchAttributes: SearchAttributes;
  /** SQLite's `synchronous`; see `SYNCHRONOUS`. */
  synchronous?: 'off' | 'normal' | 'full';
  logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

/**
 * With a write-ahead log `normal` syncs at checkpoints: a killed process loses nothing, but a power cut may lose the last
 * transitions, an accepted vote among them. `full` syncs at every commit. Its price, measured on an SSD that syncs in
 * 0.14 ms, both servers side by side: a run of one activity 27.6 ms to 30.9 ms (median of 200), 100 runs at once 15 to 40 %
 * longer. A disk that syncs in 1 ms would add some 8 ms to a step, and that is worth it.
 */
export const SYNCHRONOUS = 'full';

/**
 * Defaults of a development server that are slow for us. One shard's queues are polled at most 20 times a second by
 * default, which makes every step wait for a slot of 50 ms; several partitions a queue slow the first step on a new
 * host's queue down by a factor of 70; 1,200 long polls a namespace refuse a fleet of a thousand agents.
 */
const DYNAMIC_CONFIG: Readonly<Record<string, number | boolean>> = {
  'history.transferProcessorMaxPollRPS': 5000,
  'history.timerProcessorMaxPollRPS': 5000,
  'history.visibilityProcessorMaxPollRPS': 5000,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  'frontend.namespaceCount': 50_000,
  'frontend.namespaceRPS': 50_000,
  'frontend.rps': 50_000,
  'matching.rps': 50_000,
  'history.rps': 50_000,
  // Asks a site on the internet for newer versions otherwise.
  'frontend.enableServerVersionCheck': false,
};

/** Arguments for `temporal`. */
export function serverArguments(settings: ServerSettings): string[] {
  const { port, uiPort, namespace, dbFile, searchAttributes } = settings;
  return [
    'server', 'start-dev', '--ip', LOOPBACK, '--port', String(port), '--namespace', namespace,
    '--log-format', 'json', '--log-level', settings.logLevel ?? 'warn',
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
    // The server does not apply these to its in-memory database.
    ...(dbFile === null ? [] : ['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', `synchronous=${settings.synchronous ?? SYNCHRONOUS}`]),
    ...Object.entries(DYNAMIC_CONFIG).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    // Read for a new database only; `prepareNamespace` sees to an existing one.
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${ATTRIBUTE_TYPES[type].cli}`]),
  ];
}
