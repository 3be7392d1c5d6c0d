/** Process entry of a control worker that begins when a test lets it. */
import { mayBegin } from './late-start.js';

await mayBegin('control');
await import('../../worker/main-control.js');
