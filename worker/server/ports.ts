/** Ports on the loopback address: free ones, and who holds a taken one. */
import { createServer, connect } from 'node:net';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** All servers of this project listen here and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/** Binds a port (0: any) for an instant. Returns the port, or null when it is taken. */
async function bindOnce(port: number): Promise<number | null> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const bound = (server.address() as { port: number }).port;
      server.close(() => resolve(bound));
    });
  });
}

/** A port that nobody holds now. */
export async function freePort(): Promise<number> {
  return (await bindOnce(0))!;
}

/** Inodes of sockets that listen on `port`, from the kernel's tables (state 0A is LISTEN). Where IPv6 is off, there is one. */
function listeningInodes(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].filter((file) => existsSync(file)).flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return new Set(fields.filter((f) => f[1]?.endsWith(suffix) && f[3] === '0A').map((f) => `socket:[${f[9]}]`));
}

function holdsOneOf(pid: string, inodes: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

/** The process that listens on a port, as far as /proc lets this user see it; null otherwise. */
export function portHolder(port: number): { pid: number; command: string } | null {
  try {
    const inodes = listeningInodes(port);
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holdsOneOf(name, inodes));
    if (pid === undefined) return null;
    return { pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 120) };
  } catch {
    return null;
  }
}

/** Refuses a taken port by name. `choose`: the words that tell how another one is chosen. */
export async function assertPortFree(port: number, what: string, choose: string): Promise<void> {
  if ((await bindOnce(port)) !== null) return;
  const holder = portHolder(port);
  const by = holder === null ? 'another process (of another user, or not visible)' : `process ${holder.pid}: ${holder.command}`;
  throw new Error(`${what}: expected port ${port} on ${LOOPBACK} to be free, it is held by ${by}. Stop that process, or choose another port with ${choose}.`);
}

/** Host and port of `HOST[:PORT]`; Temporal's own port when none is given. */
export function splitAddress(address: string): { host: string; port: number } {
  const url = new URL(`tcp://${address}`);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 7233) };
}

/** True when something accepts connections at the address. */
export async function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (answer: boolean): void => (socket.destroy(), resolve(answer));
    socket.setTimeout(1_000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
