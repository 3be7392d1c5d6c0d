/** Workflow bundles for tests, made once per change and shared by all test files. */
import path from 'node:path';
import { bundleIfChanged } from '../../worker/bundle.js';

const out = path.resolve(import.meta.dirname, '../..');

/** Path of a bundle of `workflowsPath` (default: the product's own), with the transcript's interceptor when asked. */
export async function testBundle({ workflowsPath = path.join(out, 'workflows/index.js'), transcript = false } = {}): Promise<string> {
  const isProduct = workflowsPath === path.join(out, 'workflows/index.js');
  const name = path.relative(out, workflowsPath).replaceAll(path.sep, '-').replace(/\.js$/, transcript ? '-transcript.js' : '-bundle.js');
  const outFile = isProduct && !transcript ? path.join(out, 'workflow-bundle.js') : path.join(out, '.bundles', name);
  const interceptorModules = transcript ? [path.join(import.meta.dirname, 'transcript-interceptor.js')] : [];
  const inputs = isProduct ? [path.join(out, 'workflows'), path.join(out, 'policy')] : [path.dirname(workflowsPath)];
  await bundleIfChanged({ workflowsPath, interceptorModules, inputs: transcript ? [...inputs, import.meta.dirname] : inputs, outFile });
  return outFile;
}
