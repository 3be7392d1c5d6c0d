/** Removing a tree as its owner, so that no link in it can lead the agent elsewhere. */
import { runCommand } from './command.js';
import type { HostContext } from './context.js';
import { helperPython } from './interpreters.js';
import { pythonText } from './python-text.js';
import type { Owner } from '../../policy/model.js';

const REMOVE_TIMEOUT_MS = 600_000;

/** Removes `path` and all in it, read-only folders included; nothing there is no error. Throws when something is left. */
export async function removeTree(ctx: HostContext, path: string, owner: Owner): Promise<void> {
  const result = await runCommand({ file: await helperPython(ctx, owner), args: ['-I', '-S', '-c', pythonText('remove.py'), JSON.stringify({ tree: path })], cwd: '/', owner, timeoutMs: REMOVE_TIMEOUT_MS });
  if (result.failed) throw new Error(`removing ${path} as user ${owner.name}: ${result.spawnError ?? result.tail.trim().split('\n').at(-1)}`);
}
