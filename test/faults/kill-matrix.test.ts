/**
 * Invariants 2, 3, 10: SIGKILL of any process at any phase of a change under a fallback ends as it would have ended,
 * nothing twice, and the service importable at every moment. `npm test` runs a seeded sample, `npm run test:faults` all.
 */
import { matrixTests } from './matrix-tests.js';

matrixTests('SIGKILL');
