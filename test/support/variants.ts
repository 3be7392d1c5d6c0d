/** Workflow code as a bad release would have it: a copy of today's with one thing replaced, bundled for replay. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleIfChanged } from '../../worker/bundle.js';

const out = path.resolve(import.meta.dirname, '../..');

export interface Variant {
  /** File below `workflows/`, compiled. */
  file: string;
  /** Text that stands there exactly once, and what stands there instead. */
  from: string;
  to: string;
}

/** Path of the bundle of the variant, with the transcript's interceptor. Throws where the text to replace is not there. */
export async function variantBundle(name: string, { file, from, to }: Variant): Promise<string> {
  const folder = path.join(out, '.variants', name);
  // Inside the package, so that what the code imports is found.
  for (const part of ['workflows', 'policy']) cpSync(path.join(out, part), path.join(folder, part), { recursive: true });
  const target = path.join(folder, 'workflows', file);
  const parts = readFileSync(target, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`workflows/${file}: expected once ${JSON.stringify(from)}, got it ${parts.length - 1} times: the variant "${name}" proves nothing any more; adapt it`);
  writeFileSync(target, parts.join(to));
  const bundle = path.join(folder, 'bundle.js');
  await bundleIfChanged({ workflowsPath: path.join(folder, 'workflows/index.js'), interceptorModules: [path.join(import.meta.dirname, 'transcript-interceptor.js')], inputs: ['workflows', 'policy'].map((part) => path.join(folder, part)), outFile: bundle });
  return bundle;
}

/** Removes all variants. */
export function removeVariants(): void {
  rmSync(path.join(out, '.variants'), { recursive: true, force: true });
}
