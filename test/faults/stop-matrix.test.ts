/**
 * The same for SIGSTOP past the heartbeat and SIGCONT once Temporal has noticed: who was stopped comes back late, and
 * must find that others went on. `npm test` runs a seeded sample, `npm run test:faults` all.
 */
import { matrixTests } from './matrix-tests.js';

matrixTests('SIGSTOP');
