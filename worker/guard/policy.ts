/** What the policy of this host says of an interpreter; parsed once for as long as its file stays as it is. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { JudgedInterpreter } from '../../policy/checks/guard.js';
import { plainHost } from '../../policy/files/agent-host.js';
import { runbookPaths } from '../paths.js';
import { isSettled, problemOf, readPlain, stampAt, stampOf, type PlainText } from './files.js';
import type { KnownInterpreter, Memory } from './memory.js';
import { couldNotTell, GuardRefusal } from './refusal.js';

/** Where the rules come from: the same instance that every other command of this user takes. */
export interface PolicyPlace {
  policyFile: string;
  /** This host's name, by which the policy gives it a class. */
  host: string;
}

/** Throws `GuardRefusal` 69 where this host's own file can't be read. */
export async function findPolicy(env: NodeJS.ProcessEnv): Promise<PolicyPlace> {
  const own = runbookPaths(env);
  const current = existsSync(own.currentFile) ? (await import('../current.js')).readCurrent(own.currentFile) : null;
  const paths = own.home === null && current?.home ? runbookPaths({ ...env, RUNBOOK_HOME: current.home }) : own;
  return { policyFile: paths.policyFile, host: current?.host ?? (await agentHost(paths.agentFile)) ?? hostname() };
}

async function agentHost(file: string): Promise<string | null> {
  try {
    const text = readPlain(file)?.text ?? '';
    const host = plainHost(text);
    return host === undefined ? (await import('./parse.js')).hostOf(text) : host;
  } catch (error) {
    throw couldNotTell(file, 'the file that names this host', problemOf(error), 'make it right, and readable for this user: the policy gives hosts their class by name');
  }
}

/** Always this user's own, also where RUNBOOK_HOME is somebody else's. */
export const memoryFolder = ({ RUNBOOK_HOME: _home, ...env }: NodeJS.ProcessEnv): string => runbookPaths(env).cacheDir;

/** Throws `GuardRefusal` 69 for a policy that can't be read or is wrong: what it allows can't be told. */
export async function judgeByPolicy({ policyFile, host }: PolicyPlace, interpreter: Pick<KnownInterpreter, 'version' | 'implementation'>, memory: Memory, now: number): Promise<JudgedInterpreter> {
  const [key, name] = [`${policyFile}\0${host}`, `${interpreter.implementation} ${interpreter.version}`];
  const program = programStamp();
  const known = memory.get('policies', key);
  const verdicts = known?.stamp === `${program}\0${readStamp(policyFile)}` && typeof known.verdicts === 'object' ? (known.verdicts ?? {}) : {};
  if (Object.hasOwn(verdicts, name) && isJudged(verdicts[name])) return verdicts[name]!;
  const read = readPolicy(policyFile);
  const { judgeInterpreter } = await import('./parse.js');
  const judged = judgeInterpreter(read?.text ?? '', policyFile, host, interpreter);
  if ('objections' in judged) throw new GuardRefusal(69, judged.objections);
  const stamp = `${program}\0${read === null ? 'none' : stampOf(read.stat)}`;
  const others = known?.stamp === stamp ? verdicts : {};
  if (read === null || isSettled(read.stat, now)) memory.put('policies', key, { stamp, verdicts: { ...others, [name]: judged } });
  return judged;
}

const isJudged = (judged: Partial<JudgedInterpreter> | undefined): boolean => [judged?.status, judged?.text, judged?.to].every((word) => typeof word === 'string');

const unreadable = (file: string, error: unknown): GuardRefusal => couldNotTell(file, 'a policy that this user can read', problemOf(error), `make it readable, or look at it with runbook policy check ${file}`);

function readStamp(file: string): string {
  try {
    return stampAt(file) ?? 'none';
  } catch (error) {
    throw unreadable(file, error);
  }
}

function readPolicy(file: string): PlainText | null {
  try {
    return readPlain(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Of the code that knows the defaults: a new version of it may judge otherwise. */
function programStamp(): string {
  const folder = path.join(import.meta.dirname, '../../policy');
  return ['files/policy-file.js', 'checks/python-status.js', 'versions.js'].map((name) => stampAt(path.join(folder, name))).join(' ');
}
