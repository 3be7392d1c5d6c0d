/** Process entry of `runbook undo --local`: the way back with every server down, from the agent's own store. */
import { parseArgs } from 'node:util';
import type { Objection } from '../policy/model.js';
import { undoLocally } from '../activities/host/local-undo.js';
import { runbookPaths } from './paths.js';
import { hostContext } from './wire-agent.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { reason: { type: 'string' }, actor: { type: 'string' }, json: { type: 'boolean', default: false } } });

try {
  const { agentFile, agentDir } = runbookPaths();
  const context = hostContext({ agentFile, agentDir });
  const undone = await undoLocally(context, positionals[0] ?? '', values.reason ?? '', values.actor ?? 'local');
  if (values.json) process.stdout.write(`${JSON.stringify(undone)}\n`);
  else if (undone.outcome === 'restored') process.stdout.write(`${undone.verified ? 'rolled-back' : 'rollback-incomplete'} to ${undone.version ?? 'no environment'} in ${(undone.workMs / 1000).toFixed(1)} s${undone.problem ? `: ${undone.problem}` : ', verified'}\n`);
  else process.stdout.write(`${undone.outcome}: ${undone.problem}\n`);
  context.store.close();
  process.exit(undone.outcome === 'restored' ? (undone.verified ? 0 : 4) : 1);
} catch (error) {
  const objections = (error as { details?: unknown[] }).details?.[0];
  if (!Array.isArray(objections)) process.stderr.write(`refused: ${(error as Error).message}\n`);
  else for (const { what, expected, got, wayOut } of objections as Objection[]) process.stderr.write(`refused: ${what}: expected ${expected}, got ${got}\n  try: ${wayOut}\n`);
  process.stderr.write('nothing was changed\n');
  process.exit(64);
}
