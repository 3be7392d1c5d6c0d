/** Process entry of the control worker. */
import { runAsChild } from './child-process.js';
import { controlProcess } from './wire-control.js';

await runAsChild(controlProcess);
