/** Process entry of an agent that begins when a test lets it. */
import { mayBegin } from './late-start.js';

await mayBegin('agent');
await import('../../worker/main-agent.js');
