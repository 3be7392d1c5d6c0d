/** Full disks and unfit mounts, for real: see `health-log-cases.ts`. */
import { join } from 'node:path';
import { withOwnMounts } from '../../support/own-mounts.js';

await withOwnMounts(join(import.meta.dirname, 'health-log-cases.js'));
