/** Signals to `runbook gate … -- CMD` alone, as a service manager sends them: to a real process that runs a real command. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const MODULE = path.resolve(import.meta.dirname, '../../../client/cli/deployment.js');
/** Ends with a code of its own on the signal; says first that it listens. */
const COMMAND = "const held = setInterval(() => {}, 1000); for (const name of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP']) process.on(name, () => (clearInterval(held), process.exitCode = 42)); console.log('ready');";

for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`CI-11: ${signal} to the gate alone reaches the deployment, whose end is the gate's`, { timeout: 30_000 }, async () => {
    const text = `import(${JSON.stringify(MODULE)}).then(({ runDeployment }) => runDeployment(${JSON.stringify([process.execPath, '-e', COMMAND])}, false)).then((code) => (process.exitCode = code))`;
    const gate = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    try {
      const end = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => gate.once('exit', (code, by) => resolve([code, by])));
      await new Promise<void>((resolve) => gate.stdout.once('data', () => resolve()));
      gate.kill(signal);
      const limit = new Promise<'still running'>((resolve) => setTimeout(() => resolve('still running'), 10_000).unref());
      assert.deepEqual(await Promise.race([end, limit]), [42, null]);
    } finally {
      try {
        process.kill(-gate.pid!, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    }
  });
}
