/** uv as the installer: the default. */
import { join } from 'node:path';
import { throwIfFailed } from '../command-failed.js';
import { uvEnvironment, uvIndexArgs } from '../index-flags.js';
import type { UvTool } from '../tools.js';
import type { Installer, InstallInput } from './installer.js';

/** The installer that uses this uv. */
export function uvInstaller(uv: UvTool): Installer {
  const start = (input: InstallInput, ...args: string[]) => input.start({ file: uv.file, args, env: uvEnvironment(input.ctx, join(input.cacheDir, 'uv')) });
  return {
    name: 'uv',
    async createEnvironment(input) {
      const result = await start(input, 'venv', '--python', input.plan.interpreter.realpath, '--no-project', input.tree);
      throwIfFailed('making the environment', 'uv', result, input.step);
    },
    async install(input) {
      const python = join(input.tree, 'bin/python');
      const result = await start(input, 'pip', 'install', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--python', python, ...uvIndexArgs(input.ctx), '-r', input.lockFile);
      throwIfFailed('installing the lock', 'uv', result, input.step);
    },
  };
}
