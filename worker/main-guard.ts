/**
 * `runbook guard`: one command, only in an environment that is approved and has not ended (PV-19). Loaded before anything else of
 * the command line, and loads little itself: it stands before every start of a service.
 */
import type { GuardFacts } from '../policy/checks/guard.js';
import { guardObjection } from '../policy/checks/guard.js';
import { findCommand, guardedEnvironment, type Started } from './guard/command.js';
import { readStanding, type Standing } from './guard/environment.js';
import { measureInterpreter } from './guard/interpreter.js';
import { openMemory } from './guard/memory.js';
import { namedPlace, nearestPlace } from './guard/place.js';
import { findPolicy, judgeByPolicy, memoryFolder } from './guard/policy.js';
import { badInput, GuardRefusal, refusalText } from './guard/refusal.js';
import { runInPlace } from './guard/run.js';

interface Words {
  env: string | null;
  command: string[];
}

/**
 * Runs the words after `guard` and answers with the exit code: the command's own, or 1 (not compliant), 64 (bad input), 69 (could not
 * tell), 70 (our bug) with nothing started. Null: its help is asked for.
 */
export async function guard(argv: string[], env: NodeJS.ProcessEnv = process.env): Promise<number | null> {
  try {
    const words = readWords(argv);
    if (words === null) return null;
    const { started, variables } = await admit(words, env);
    return await runInPlace(started, variables);
  } catch (error) {
    if (!(error instanceof GuardRefusal)) return ourBug(error);
    process.stderr.write(refusalText(error.objections));
    return error.code;
  }
}

/** Node's own code for it would be 1, which says that the environment is not compliant. */
function ourBug(error: unknown): number {
  process.stderr.write(`our bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 70;
}

/** Options end at the first word that is none, or after `--`. */
function readWords(argv: string[]): Words | null {
  let env: string | null = null;
  let at = 0;
  for (; at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '--'; at += 1) {
    const word = argv[at]!;
    if (word === '-h' || word === '--help') return null;
    const value = word === '--env' ? argv[++at] : word.startsWith('--env=') ? word.slice('--env='.length) : undefined;
    if (value === undefined || env !== null) throw badInput(`word ${JSON.stringify(word)}`, '--env PATH once, then the command', word.startsWith('--env') ? (env === null ? 'no PATH' : 'it twice') : 'an unknown option', 'runbook guard --help');
    env = value;
  }
  const command = argv.slice(argv[at] === '--' ? at + 1 : at);
  if (command.length === 0) throw badInput('command', 'a command to run', 'none', 'runbook guard -- python -m app');
  return { env, command };
}

async function admit({ env: named, command }: Words, env: NodeJS.ProcessEnv): Promise<{ started: Started; variables: NodeJS.ProcessEnv }> {
  const now = Date.now();
  const memory = openMemory(memoryFolder(env));
  const policy = await findPolicy(env);
  const asking = { memory, now, host: policy.host };
  const standing = readStanding(named === null ? await nearestPlace(asking) : await namedPlace(named, asking));
  const variables = guardedEnvironment(standing, env);
  const started = findCommand(command, standing, variables);
  const interpreter = measureInterpreter(standing, variables, memory, now);
  const judged = await judgeByPolicy(policy, interpreter, memory, now);
  memory.keep();
  const objection = guardObjection(factsOf(standing, interpreter.version, judged));
  if (objection) throw new GuardRefusal(1, [objection]);
  return { started, variables };
}

/** By the clock of this moment: the measuring may have taken seconds. */
function factsOf({ link, target, treeId, configured, entry }: Standing, version: string, judged: GuardFacts['judged']): GuardFacts {
  return { now: Date.now(), link, target, treeId, version, configured, judged, entry };
}
