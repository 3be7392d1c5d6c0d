/** The demo's own place: a copy of the example service, a policy and an agent file for it, all below one folder. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Interpreter } from '../../../policy/model.js';
import { refusal } from '../io.js';

const EXAMPLE = path.resolve(import.meta.dirname, '../../../../examples/pricer');
/** Says that a folder is a demo's and may be made anew. */
const MARKER = '.interpreter-runbooks-demo';

/** Two interpreters and the locks that tell their story: the new one has no wheels for the primary. */
export interface Cast {
  primary: Interpreter;
  fallback: Interpreter;
  firstLock: string;
  newLock: string;
}

export interface Site {
  dir: string;
  /** RUNBOOK_HOME of the demo. */
  home: string;
  project: string;
  /** Port of the service. */
  port: number;
  /** Starts, stops and asks the service: an absolute argument array without its verb. */
  control(verb: string): string[];
}

const PAIRS = [
  { primary: '3.12', fallback: '3.11', firstLock: 'requirements-primary.lock', newLock: 'requirements-new.lock' },
  { primary: '3.13', fallback: '3.12', firstLock: 'requirements-primary-3.13.lock', newLock: 'requirements-new-3.13.lock' },
];

/** The first pair that this machine has both of; null when none is whole. */
export function chooseCast(interpreters: Interpreter[]): Cast | null {
  const usable = interpreters.filter((i) => i.implementation.toLowerCase() === 'cpython' && !i.freeThreaded && i.missingModules.length === 0);
  const newest = (line: string) => usable.filter((i) => i.version.startsWith(`${line}.`)).sort((a, b) => patch(b) - patch(a))[0];
  for (const pair of PAIRS) {
    const [primary, fallback] = [newest(pair.primary), newest(pair.fallback)];
    if (primary && fallback) return { ...pair, primary, fallback };
  }
  return null;
}

const patch = (interpreter: Interpreter): number => Number.parseInt(interpreter.version.split('.')[2] ?? '0', 10);

/** What to install when no pair is there. */
export function missingCast(interpreters: Interpreter[]): Error {
  return refusal([{ what: 'interpreters for the demo', expected: 'Python 3.12 and 3.11, or 3.13 and 3.12', got: interpreters.map((i) => i.version).join(', ') || 'none', wayOut: 'uv python install 3.12 3.11, or pyenv install 3.12 3.11' }]);
}

/** Makes the folder anew. A folder that is not a demo's is left alone. */
export async function makeSite(dir: string, cast: Cast, host: string): Promise<Site> {
  if (existsSync(dir) && !existsSync(path.join(dir, MARKER))) throw refusal([{ what: dir, expected: 'an empty place, or the folder of an earlier demo', got: 'a folder of somebody else', wayOut: 'runbook demo --dir ELSEWHERE' }]);
  rmSync(dir, { recursive: true, force: true });
  const site = siteAt(dir, cast, await freePort());
  mkdirSync(path.join(site.home, 'config'), { recursive: true });
  writeFileSync(path.join(dir, MARKER), 'Made by `runbook demo`, and made anew by the next one.\n');
  cpSync(EXAMPLE, site.project, { recursive: true, filter: (source) => !/(__pycache__|\.venvs?|\/run)$/.test(source) });
  arrive(site, cast.firstLock);
  writeFileSync(path.join(site.home, 'config', 'policy.yaml'), stringify(policyFor(cast)));
  writeFileSync(path.join(site.home, 'config', 'agent.yaml'), stringify(agentFor(site, host)));
  return site;
}

function siteAt(dir: string, cast: Cast, port: number): Site {
  const project = path.join(dir, 'pricer');
  const control = (verb: string) => [cast.fallback.realpath, path.join(project, 'pricerctl'), verb, '--project', project, '--port', String(port)];
  return { dir, home: path.join(dir, '.runbook'), project, port, control };
}

/** Puts a lock into the place the project file names: a new lock has arrived. */
export function arrive(site: Site, lock: string): void {
  cpSync(path.join(EXAMPLE, lock), path.join(site.project, 'requirements.txt'));
}

function policyFor({ primary, fallback }: Cast): object {
  const line = primary.version.split('.').slice(0, 2).join('.');
  return {
    interpreters: {
      primary: { version: `${line}.x`, justification: 'the demo\'s primary: the newest line found on this machine' },
      fallback: { version: fallback.version, justification: 'the demo\'s fallback: it has the wheels' },
    },
  };
}

function agentFor(site: Site, host: string): object {
  return {
    host,
    roots: [site.dir],
    environments: [{
      link: path.join(site.project, '.venv'),
      onSwitch: 'restart',
      units: [{ name: 'pricer', restart: site.control('restart'), health: site.control('health'), restartWindowSeconds: 20 }],
    }],
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
