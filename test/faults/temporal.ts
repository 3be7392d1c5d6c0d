/** Temporal's own command line, as an operator who knows nothing of this product would use it on a run. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { testCli } from '../support/servers.js';
import type { TestInstance } from '../support/instance.js';

const run = promisify(execFile);

/** `temporal WORDS --address …`; its standard output. Throws with its standard error. */
export async function temporal({ handle }: TestInstance, ...words: string[]): Promise<string> {
  const { file } = await testCli();
  const { stdout } = await run(file, [...words, '--address', handle.address], { env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, timeout: 30_000 });
  return stdout;
}

/** Ends a run as `temporal workflow terminate` does: none of its code runs any more. */
export async function terminate(it: TestInstance, workflowId: string): Promise<void> {
  await temporal(it, 'workflow', 'terminate', '--workflow-id', workflowId, '--reason', 'a test ends it from outside');
}

/** Goes back to an event of the history, `where` being the words of `temporal workflow reset` that name it. */
export async function reset(it: TestInstance, workflowId: string, ...where: string[]): Promise<void> {
  await temporal(it, 'workflow', 'reset', '--workflow-id', workflowId, ...where, '--reason', 'a test resets it');
}
