/** What an installer is asked to do; uv and pip each have a file of their own. */
import type { CommandInput, CommandResult } from '../command.js';
import type { HostContext, StepScope } from '../context.js';
import type { Owner, Plan } from '../../../policy/model.js';

export interface InstallInput {
  ctx: HostContext;
  step: StepScope;
  plan: Plan;
  owner: Owner;
  project: string;
  /** Where the tree is built: its final place, absolute, not there yet. */
  tree: string;
  /** File of `hashedLock`. */
  lockFile: string;
  /** Short id of the run. */
  run: string;
  /** Of `ownerCache`. */
  cacheDir: string;
  /** Starts a child under the order's guard: as the owner, in the project's place, output kept, limits set. */
  start(command: Pick<CommandInput, 'file' | 'args'> & { env?: Record<string, string> }): Promise<CommandResult>;
}

export interface Installer {
  name: 'uv' | 'pip';
  /** Makes the empty environment, without pip in it. */
  createEnvironment(input: InstallInput): Promise<void>;
  /** Installs exactly the lock's files. */
  install(input: InstallInput): Promise<void>;
}
