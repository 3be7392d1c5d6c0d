/** Process entry that looks at this host for `runbook doctor`, `init` and `demo`: interpreters and installer, as JSON. */
import type { HostContext } from '../activities/host/context.js';
import { discoverInterpreters } from '../activities/host/interpreters.js';
import { objectionText } from '../activities/host/refuse.js';
import { readSigners } from '../activities/host/signers.js';
import { indexLabel, installerOf } from '../activities/host/tools.js';
import { loadAgentFile } from './load-agent-file.js';
import { lookContext } from './look-context.js';
import { widestAgentFile } from './look.js';
import { runbookPaths } from './paths.js';

/** The agent file where there is one; else the widest reading, for looking only. */
function fileOrDefaults(file: string): { agentFile: HostContext['agentFile']; problem: string | null } {
  try {
    return { agentFile: loadAgentFile(file), problem: null };
  } catch (error) {
    return { agentFile: widestAgentFile(), problem: (error as Error).message };
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
const { agentFile, problem } = fileOrDefaults(paths.agentFile);
const context = lookContext(agentFile, paths.agentDir);
const interpreters = await discoverInterpreters(context);
const installer = process.argv.includes('--installer') ? await installerOf(context) : null;
context.store.close();
process.stdout.write(`${JSON.stringify({ host: context.host, agentFile: paths.agentFile, agentFileProblem: problem, index: indexLabel(context), publicIndex: agentFile.index.url === undefined, installer, interpreters, trust: trustOf() })}\n`);
process.exit(0);
