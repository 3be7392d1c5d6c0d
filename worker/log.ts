/** One JSON object a line, for every process of the project. */
import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';

/** bigint (Temporal's time stamps) and errors do not survive JSON.stringify as they are. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
  return value;
}

/** Installs Temporal's runtime for this process: JSON logs to `out`, and no signal handling of its own (the process entry decides when to stop). Once per process, before any connection. */
export function installRuntime(processName: string, level: LogLevel = 'INFO', out: NodeJS.WritableStream = process.stdout): void {
  const logger = new DefaultLogger(level, (entry) => {
    const line = { time: new Date(Number(entry.timestampNanos / 1_000_000n)).toISOString(), level: entry.level, process: processName, message: entry.message, ...entry.meta };
    out.write(`${JSON.stringify(line, plain)}\n`);
  });
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging: { filter: { core: level === 'ERROR' ? 'ERROR' : 'INFO', other: 'WARN' }, forward: {} } } });
}
