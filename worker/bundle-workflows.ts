/** Build step: `workflow-bundle.js` beside the compiled workflows, in the output folder this file runs from. */
import path from 'node:path';
import { bundleIfChanged } from './bundle.js';

const out = path.resolve(import.meta.dirname, '..');
await bundleIfChanged({
  workflowsPath: path.join(out, 'workflows/index.js'),
  inputs: [path.join(out, 'workflows'), path.join(out, 'policy')],
  outFile: path.join(out, 'workflow-bundle.js'),
});
