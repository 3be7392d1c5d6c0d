/** The Python helpers: their text is handed to an interpreter with `-I -c`, so that nothing of ours has to lie where a user can reach it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const texts = new Map<string, string>();

/** Text of `activities/host/python/NAME`. */
export function pythonText(name: 'probe.py' | 'manifest.py' | 'imports.py' | 'packages.py' | 'version.py' | 'bytecode.py' | 'remove.py' | 'clean.py' | 'exchange.py' | 'wheel.py' | 'build_tools.py' | 'python_facts.py' | 'measure.py' | 'measure_tree.py' | 'check_environment.py' | 'check_records.py'): string {
  let text = texts.get(name);
  if (text === undefined) {
    // From the package root: the compiled file lies one folder deeper than its source.
    text = readFileSync(resolve(import.meta.dirname, '../../../activities/host/python', name), 'utf8');
    texts.set(name, text);
  }
  return text;
}
