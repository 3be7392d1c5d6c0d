/** pip as the installer: where uv is absent, or forbidden by agent file or policy. The environment itself gets no pip. */
import { join } from 'node:path';
import { throwIfFailed } from '../command-failed.js';
import { PIP_ALWAYS, pipEnvironment, pipIndexArgs } from '../index-flags.js';
import type { Installer } from './installer.js';
import { pipFor, pipText, takePipLog } from './pip-command.js';

/** The installer that borrows a pip from outside the environment. */
export const pipInstaller: Installer = {
  name: 'pip',
  async createEnvironment(input) {
    const result = await input.start({ file: input.plan.interpreter.realpath, args: ['-I', '-m', 'venv', '--without-pip', input.tree] });
    throwIfFailed('making the environment', 'venv', result, input.step);
  },
  async install(input) {
    const pip = await pipFor(input.ctx, input.owner, input.plan.interpreter.realpath, join(input.tree, 'bin/python'));
    // The log holds what pip leaves out of its output: why an index could not be read. It lies in the owner's cache, because pip writes it.
    const log = join(input.cacheDir, `pip-${input.run}.log`);
    const result = await input.start({
      file: pip.file,
      args: [...pip.args, 'install', ...PIP_ALWAYS, '--no-deps', '--only-binary=:all:', '--require-hashes', '--no-compile', '--cache-dir', join(input.cacheDir, 'pip'), '--log', log, ...pipIndexArgs(input.ctx), '-r', input.lockFile],
      env: pipEnvironment(input.ctx),
    });
    throwIfFailed('installing the lock', 'pip', { ...result, tail: pipText(takePipLog(log, input.owner), result.tail) }, input.step);
  },
};
