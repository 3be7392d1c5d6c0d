/** See `decision-unverified-cases.ts`: it hides a program, so it needs mounts of its own. */
import { withOwnMounts } from '../support/own-mounts.js';

await withOwnMounts(new URL('./decision-unverified-cases.js', import.meta.url).pathname);
