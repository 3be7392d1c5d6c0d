/** PF-23: a `python3` can be called by its name. */
import type { Check } from './model.js';
import { verdictOf } from './verdict.js';
import { shellWord } from '../text.js';

export const pythonOnPath: Check = {
  name: 'python-on-path',
  title: 'Python on PATH',
  blocking: false,
  judge({ onPath, link, interpreter }) {
    const evidence = { onPath };
    if (onPath === null) return verdictOf([{ status: 'fail', line: 'PATH names no python3' }], evidence, `export PATH=${shellWord(`${link}/bin`)}:"$PATH"`);
    const isOwn = interpreter.ok && (onPath === interpreter.value.realpath || onPath === interpreter.value.executable);
    return verdictOf([{ status: 'pass', line: `python3 on PATH is ${onPath}${isOwn ? ", the project's own" : "; the project's own is called by its path"}` }], evidence, null);
  },
};
