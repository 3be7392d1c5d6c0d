/** An ssh-keygen that is gone, broken or hangs, for real: see `ssh-tool-cases.ts`. */
import { join } from 'node:path';
import { withOwnMounts } from '../support/own-mounts.js';

await withOwnMounts(join(import.meta.dirname, 'ssh-tool-cases.js'));
