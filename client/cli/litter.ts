/** WF-71: what a reset removes from the project, in words, before anybody is asked. */
import type { ProjectLitter } from '../../policy/model.js';
import { counted } from '../../policy/text.js';
import type { Io } from './io.js';

/** `  removes 42 paths, 1.2 MiB, from the project: app/__pycache__ …`, and what a person should know about them. */
export function printLitter(io: Io, { paths, bytes, sample, sourceless, tracked, left }: ProjectLitter): void {
  const more = paths > sample.length ? ` and ${paths - sample.length} more` : '';
  io.out(paths === 0 ? '  removes nothing from the project: no __pycache__, *.egg-info, *.pyc or *.pyo is there' : `  removes ${counted(paths, 'path')}, ${sizeText(bytes)}, from the project once it is done: ${sample.join(' ')}${more}`);
  if (tracked > 0) io.out(`  ${counted(tracked, 'file')} of that kind ${tracked === 1 ? 'stays' : 'stay'}: git tracks ${tracked === 1 ? 'it' : 'them'}`);
  if (sourceless.length > 0) io.talk(`! without a source beside ${sourceless.length === 1 ? 'it' : 'them'}, so nothing compiles ${sourceless.length === 1 ? 'it' : 'them'} again: ${sourceless.join(' ')}`);
  for (const problem of left) io.talk(`! could not look into ${problem}`);
}

/** `0 B`, `12 KiB`, `1.2 MiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
