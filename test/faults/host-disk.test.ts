/** Full disks and unfit mounts, for real: see `host-disk-cases.ts`. */
import { join } from 'node:path';
import { withOwnMounts } from '../support/own-mounts.js';

await withOwnMounts(join(import.meta.dirname, 'host-disk-cases.js'));
