/** Process entry of `runbook undo --local`: the way back with every server down, from the agent's own store. */
import { lstatSync, readlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Objection } from '../policy/model.js';
import { FAILURE } from '../policy/names.js';
import type { HostContext } from '../activities/host/context.js';
import { expireDue, tidyReadmes } from '../activities/host/expiry.js';
import { undoLocally } from '../activities/host/local-undo.js';
import { runbookPaths } from './paths.js';
import { hostContext } from './wire-agent.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { reason: { type: 'string' }, actor: { type: 'string' }, due: { type: 'boolean', default: false }, boot: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** One environment's last change. */
async function undoOne(context: HostContext): Promise<number> {
  const undone = await undoLocally(context, positionals[0] ?? '', values.reason ?? '', values.actor ?? 'local');
  const { outcome, verified, version, problem, workMs } = undone;
  if (values.json) say(JSON.stringify(undone));
  else if (outcome === 'restored') say(`${verified ? 'rolled-back' : 'rollback-incomplete'} to ${version ?? 'no environment'} in ${(workMs / 1000).toFixed(1)} s${problem ? `: ${problem}` : ', verified'}`);
  else say(`${outcome}: ${problem}`);
  return outcome === 'restored' ? (verified ? 0 : 4) : 1;
}

/** Everything on this host whose end has come. */
async function undoDue(context: HostContext): Promise<number> {
  process.umask(0o022);
  tidyReadmes(context);
  const records = await expireDue(context, new AbortController().signal, { isBoot: values.boot });
  if (values.json) say(JSON.stringify(records));
  else if (records.length === 0) say('nothing is due');
  else for (const { link, run, end, outcome, version, problem } of records) say(`${link}: ${run} ended at ${end}; ${outcome === 'restored' ? `rolled-back to ${version ?? 'no environment'}, verified` : outcome ?? 'rollback-incomplete'}${problem ? `: ${problem}` : ''}`);
  return records.every(({ outcome }) => outcome === 'restored') ? 0 : 4;
}

/** Refused before anything was touched. */
function refused(error: Error & { details?: unknown[] }): number {
  const objections = error.details?.[0];
  if (!Array.isArray(objections)) process.stderr.write(`refused: ${error.message}\n`);
  else for (const { what, expected, got, wayOut } of objections as Objection[]) process.stderr.write(`refused: ${what}: expected ${expected}, got ${got}\n  try: ${wayOut}\n`);
  process.stderr.write('nothing was changed\n');
  return 64;
}

/** It failed on its way: where the link leads now is all that is known. */
function failed(error: Error): number {
  const [link] = positionals;
  process.stderr.write(`error: ${error.message}\n`);
  if (link !== undefined) process.stderr.write(`${link}: ${lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() ? `leads to ${readlinkSync(link)} now` : 'is no link now'}\n`);
  process.stderr.write('how far it came can\'t be told; given again it goes on where it stopped\n');
  return 69;
}

let hasBegun = false;
try {
  const { agentFile, agentDir } = runbookPaths();
  const context = hostContext({ agentFile, agentDir });
  hasBegun = true;
  const code = await (values.due ? undoDue(context) : undoOne(context));
  context.store.close();
  process.exit(code);
} catch (error) {
  const isRefusal = !hasBegun || (error as { type?: string }).type === FAILURE.HostRefused;
  process.exit(isRefusal ? refused(error as Error) : failed(error as Error));
}
