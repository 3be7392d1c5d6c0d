/** Starts `.venv/bin/python -B -c 'import numpy'` one after the other, and counts the starts that failed. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { cleanEnvironment } from './run.js';

export interface LoopResult {
  starts: number;
  failed: number;
  /** First words of each different failure. */
  reasons: string[];
}

export interface LinkLoop {
  /** Ends after the start that is under way. */
  stop(): Promise<LoopResult>;
}

/** Runs until stopped. `-B`: what is compared must not be written to by the comparison. */
export function loopLink(link: string): LinkLoop {
  const result: LoopResult = { starts: 0, failed: 0, reasons: [] };
  let stopping = false;
  const loop = async (): Promise<void> => {
    while (!stopping) {
      const failure = await startOnce(path.join(link, 'bin/python'));
      result.starts++;
      if (failure === null) continue;
      result.failed++;
      if (!result.reasons.includes(failure)) result.reasons.push(failure);
    }
  };
  const done = loop();
  return {
    stop: async () => {
      stopping = true;
      await done;
      return result;
    },
  };
}

/** Null when it worked, else why not in a few words. */
async function startOnce(python: string): Promise<string | null> {
  const child = spawn(python, ['-B', '-c', 'import numpy'], { env: cleanEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(`could not be started: ${error.code ?? error.message}`));
    child.once('close', (code) => resolve(code === 0 ? null : (stderr.trim().split('\n').at(-1) ?? `exit code ${code}`).slice(0, 100)));
  });
}
