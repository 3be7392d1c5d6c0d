/** Leaving a run that goes on. */
import { EXIT, type Io } from './io.js';

/** `--detach`: its short id is the result. */
export function detached(io: Io, run: string, json: boolean): number {
  io.out(json ? JSON.stringify({ run }) : run);
  return EXIT.waiting;
}

/** Ctrl-C leaves the run alone, and says so. */
export function detachOnInterrupt(io: Io, run: string): () => void {
  const leave = () => {
    io.talk(`\ndetached; ${run} goes on`);
    io.talk(`next: runbook watch ${run} · runbook abort ${run} --reason …`);
    process.exit(EXIT.waiting);
  };
  process.once('SIGINT', leave);
  return () => void process.removeListener('SIGINT', leave);
}
