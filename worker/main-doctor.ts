/** Process entry that looks at this host for `runbook doctor`, `init` and `demo`: interpreters and installer, as JSON. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { agentFileSchema } from '../policy/files/agent-file.js';
import { discoverInterpreters } from '../activities/host/interpreters.js';
import { objectionText } from '../activities/host/refuse.js';
import { readSigners } from '../activities/host/signers.js';
import { openAgentStore } from '../activities/host/store.js';
import { indexLabel, installerOf } from '../activities/host/tools.js';
import type { HostContext } from '../activities/host/context.js';
import { loadAgentFile } from './load-agent-file.js';
import { runbookPaths } from './paths.js';
import { packageVersion } from './version.js';

/** The agent file where there is one; else the widest reading, for looking only. */
function fileOrDefaults(file: string): { agentFile: HostContext['agentFile']; problem: string | null } {
  try {
    return { agentFile: loadAgentFile(file), problem: null };
  } catch (error) {
    return { agentFile: agentFileSchema.parse({ roots: ['/'] }), problem: (error as Error).message };
  }
}

/** How the host is told who may change it, and whether its list of people can be believed, seen from whoever asks. */
function trustOf(): { trust: 'server' | 'signatures'; signers: string | null; problem: string | null } {
  const { trust, signers = null } = agentFile;
  if (trust === 'server') return { trust, signers, problem: null };
  const uid = process.geteuid!();
  const read = readSigners({ file: signers, agentUid: uid, ownerUid: uid });
  return { trust, signers, problem: 'objections' in read ? read.objections.map(objectionText).join('; ') : null };
}

const paths = runbookPaths();
mkdirSync(paths.agentDir, { recursive: true, mode: 0o700 });
const { agentFile, problem } = fileOrDefaults(paths.agentFile);
const context: HostContext = { host: agentFile.host ?? hostname(), agentVersion: packageVersion(), agentFile, stateDir: paths.agentDir, store: openAgentStore(path.join(paths.agentDir, 'agent.db')), now: () => new Date(), barrier: async () => undefined };
const interpreters = await discoverInterpreters(context);
const installer = process.argv.includes('--installer') ? await installerOf(context) : null;
context.store.close();
process.stdout.write(`${JSON.stringify({ host: context.host, agentFile: paths.agentFile, agentFileProblem: problem, index: indexLabel(context), publicIndex: agentFile.index.url === undefined, installer, interpreters, trust: trustOf() })}\n`);
process.exit(0);
