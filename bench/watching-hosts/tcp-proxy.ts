/** A wire between an agent and its server that can be cut: nothing comes through any more, and nobody is told. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { LOOPBACK } from '../../worker/server/ports.js';

export interface Wire {
  /** `HOST:PORT` for whoever is to be cut off. */
  address: string;
  /** From now on not a byte passes. Connections stay open, and new ones are taken: no end of a connection tells of it. */
  cut(): void;
  /** What hung in the cut wire is reset; new connections pass. */
  mend(): void;
  close(): Promise<void>;
}

/** Listens on a free port and passes on to `port`, both on the loopback address. */
export async function layWire(port: number): Promise<Wire> {
  const ends = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    ends.add(socket);
    // A peer that resets its end is no error of the wire.
    return socket.setNoDelay(true).on('error', () => socket.destroy()).once('close', () => ends.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    // Never read from: the kernel takes what fits and answers for it, as a router that has lost its way back would not even do.
    if (isCut) return void near.pause();
    const far = keep(connect({ host: LOOPBACK, port }));
    near.pipe(far);
    far.pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ port: 0, host: LOOPBACK }, resolve));
  const dropAll = (): void => ends.forEach((socket) => socket.destroy());
  return {
    address: `${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      ends.forEach((socket) => socket.unpipe().pause());
    },
    mend() {
      isCut = false;
      dropAll();
    },
    async close() {
      dropAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
