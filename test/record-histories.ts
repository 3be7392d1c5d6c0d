/**
 * Records histories of this version from real runs: `npm run histories [-- NAME…]`. A file that exists is a promise to
 * runs that are under way and stays as it is, unless it is named.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { installRuntime } from '../worker/log.js';
import { HISTORIES, historyFile, writeHistory } from './support/history-files.js';
import { Stage } from './support/recording.js';
import { CASES, type Case } from './support/recording-cases.js';

const isMissing = (name: string): boolean => !existsSync(path.join(HISTORIES, historyFile(name)));

function chosen(words: string[]): Case[] {
  const known = CASES.flatMap(({ names }) => names);
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length > 0) throw new Error(`expected names of histories, got ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  return CASES.filter(({ names }) => names.some((name) => (words.length > 0 ? words.includes(name) : isMissing(name))));
}

async function main(words: string[]): Promise<void> {
  installRuntime('record', 'ERROR', process.stderr);
  const cases = chosen(words);
  if (cases.length === 0) return void process.stdout.write(`nothing to record: all of this version's histories are there\n`);
  const stage = await Stage.open();
  try {
    for (const one of cases) {
      for (const [name, workflowId] of Object.entries(await one.record(stage))) {
        const isWritten = writeHistory(name, await stage.history(workflowId), words.includes(name));
        process.stdout.write(`${isWritten ? 'recorded' : 'kept'} ${historyFile(name)}\n`);
      }
    }
  } finally {
    await stage.close();
  }
}

await main(process.argv.slice(2));
