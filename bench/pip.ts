/** Asking pip for one package after the other, in its cheapest form that answers. */
import { run } from './run.js';

/** Names pip's own dry run finds no wheel for, and the milliseconds of each call. Wheels only and no dependencies. */
export async function askPip(python: string, asked: string[]): Promise<{ missing: string[]; times: number[] }> {
  const missing: string[] = [];
  const times: number[] = [];
  for (const pin of asked) {
    const args = ['-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '-q', pin];
    const ran = await run(python, args, { allow: [0, 1] });
    times.push(ran.ms);
    if (ran.code === 1) missing.push(pin.split('==')[0]!);
  }
  return { missing, times };
}

/** `count` of the pins, evenly taken. */
export const evenly = (pins: string[], count: number): string[] => Array.from({ length: count }, (_, i) => pins[Math.floor((i * pins.length) / count)]!);
