/** Process entry of the agent. */
import { runAsChild } from './child-process.js';
import { agentProcess } from './wire-agent.js';

await runAsChild(agentProcess);
