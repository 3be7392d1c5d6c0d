/** Process entry of `runbook host interpreters`: what is in use on this host that the policy does not approve, as one line of JSON. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findForeign } from '../activities/host/foreign.js';
import { discoverInterpreters } from '../activities/host/interpreters.js';
import { checkPolicyOf } from '../policy/checks/rules.js';
import { loadAgentFile } from './load-agent-file.js';
import { lookContext } from './look-context.js';
import { lookPolicy, widestAgentFile } from './look.js';
import { runbookPaths } from './paths.js';

const { values } = parseArgs({ options: { policy: { type: 'string' } } });
const paths = runbookPaths();
const loaded = lookPolicy(values.policy);
if ('objections' in loaded) throw new Error(loaded.objections.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join('\n'));
const agentFile = existsSync(paths.agentFile) ? loadAgentFile(paths.agentFile) : widestAgentFile();
const context = lookContext(agentFile, paths.agentDir);
const { host } = context;
// First, because what was probed as installed is not asked again.
const interpreters = await discoverInterpreters(context);
const { found } = await findForeign(context, checkPolicyOf(loaded.policy, host), {}, new AbortController().signal);
context.store.close();
process.stdout.write(`${JSON.stringify({ host, interpreters, foreign: found })}\n`);
process.exit(0);
