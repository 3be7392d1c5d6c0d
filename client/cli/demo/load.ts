/** Requests to the service during the whole change, and what became of them. */
import { request } from 'node:http';

export interface LoadReport {
  answered: number;
  failed: number;
  /** From the first failed request of the longest outage to the first answer after it, in milliseconds. */
  longestOutageMs: number;
  /** Python versions that answered, in order. */
  versions: string[];
}

/** Pause between requests, in milliseconds. */
const PAUSE_MS = 20;

/** Asks `/health` again and again, each on a connection of its own, until stopped. */
export function startLoad(port: number): { stop(): Promise<LoadReport> } {
  const report: LoadReport = { answered: 0, failed: 0, longestOutageMs: 0, versions: [] };
  let failingSince: number | null = null;
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      const asked = performance.now();
      const version = await askVersion(port);
      if (version === null) {
        report.failed += 1;
        failingSince ??= asked;
      } else {
        report.answered += 1;
        if (report.versions.at(-1) !== version) report.versions.push(version);
        if (failingSince !== null) report.longestOutageMs = Math.max(report.longestOutageMs, performance.now() - failingSince);
        failingSince = null;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await loop;
      return report;
    },
  };
}

/** Version of the Python that answers `/health`; null: no good answer within 2 s. */
export function askVersion(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path: '/health', agent: false, timeout: 2_000 }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('error', () => resolve(null));
      response.on('end', () => resolve(response.statusCode === 200 ? ((JSON.parse(body) as { python?: string }).python ?? null) : null));
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(null));
    call.end();
  });
}
