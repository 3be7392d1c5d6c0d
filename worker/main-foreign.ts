/** Process entry of `runbook host interpreters`: what is in use on this host that the policy does not approve, as one line of JSON. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { HostContext } from '../activities/host/context.js';
import { findForeign } from '../activities/host/foreign.js';
import { discoverInterpreters } from '../activities/host/interpreters.js';
import { openAgentStore } from '../activities/host/store.js';
import { checkPolicyOf } from '../policy/checks/rules.js';
import { agentFileSchema } from '../policy/files/agent-file.js';
import { parsePolicy } from '../policy/files/load.js';
import { loadAgentFile } from './load-agent-file.js';
import { runbookPaths } from './paths.js';
import { packageVersion } from './version.js';

const { values } = parseArgs({ options: { policy: { type: 'string' } } });
const paths = runbookPaths();
const loaded = parsePolicy(values.policy !== undefined && existsSync(values.policy) ? readFileSync(values.policy, 'utf8') : '', values.policy ?? '');
if ('objections' in loaded) throw new Error(loaded.objections.map(({ what, expected, got }) => `${what}: expected ${expected}, got ${got}`).join('\n'));
// Without an agent file the widest reading, for looking only.
const agentFile = existsSync(paths.agentFile) ? loadAgentFile(paths.agentFile) : agentFileSchema.parse({ roots: ['/'] });
mkdirSync(paths.agentDir, { recursive: true, mode: 0o700 });
const host = agentFile.host ?? hostname();
const context: HostContext = { host, agentVersion: packageVersion(), agentFile, stateDir: paths.agentDir, store: openAgentStore(path.join(paths.agentDir, 'agent.db')), now: () => new Date(), barrier: async () => undefined };
// First, because what was probed as installed is not asked again.
const interpreters = await discoverInterpreters(context);
const { found } = await findForeign(context, checkPolicyOf(loaded.policy, host), {}, new AbortController().signal);
context.store.close();
process.stdout.write(`${JSON.stringify({ host, interpreters, foreign: found })}\n`);
process.exit(0);
