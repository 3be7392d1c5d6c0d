import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { bundleIfChanged } from '../../worker/bundle.js';

/** A folder below the output folder, where the SDK is found from. */
function room(t: TestContext, name: string): { workflowsPath: string; policy: string; outFile: string; inputs: string[] } {
  const dir = path.resolve(import.meta.dirname, '../../.bundles', `${name}-${process.pid}`);
  mkdirSync(path.join(dir, 'policy'), { recursive: true });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const workflowsPath = path.join(dir, 'w.js');
  return { workflowsPath, policy: path.join(dir, 'policy/p.js'), outFile: path.join(dir, 'out.js'), inputs: [workflowsPath, path.join(dir, 'policy')] };
}

test('workflows are bundled once, and again when something of them changed', async (t) => {
  const { policy, ...request } = room(t, 'changed');
  writeFileSync(request.workflowsPath, "export { answer } from './policy/p.js';\n");
  writeFileSync(policy, "export async function answer() { return 'first'; }\n");
  assert.equal(await bundleIfChanged(request), true);
  assert.match(readFileSync(request.outFile, 'utf8'), /first/);
  assert.equal(await bundleIfChanged(request), false);
  writeFileSync(policy, "export async function answer() { return 'second'; }\n");
  assert.equal(await bundleIfChanged(request), true);
  assert.match(readFileSync(request.outFile, 'utf8'), /second/);
});

test('workflow code that reaches for Node is refused while bundling, with the module\'s name, and the old bundle stays', async (t) => {
  const { policy, ...request } = room(t, 'refused');
  writeFileSync(request.workflowsPath, "export { answer } from './policy/p.js';\n");
  writeFileSync(policy, "export async function answer() { return 'good'; }\n");
  await bundleIfChanged(request);
  writeFileSync(policy, "import { readFileSync } from 'node:fs';\nexport async function answer() { return readFileSync('/x'); }\n");
  await assert.rejects(bundleIfChanged(request), /expected code that runs in the workflow sandbox[^]*node:fs/);
  assert.match(readFileSync(request.outFile, 'utf8'), /good/);
  await assert.rejects(bundleIfChanged(request), 'a failed bundling is not remembered as done');
  assert.ok(existsSync(request.outFile));
});
