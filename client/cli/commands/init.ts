import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { parseWith } from '../../../policy/files/explain.js';
import type { AgentFile } from '../../../policy/files/agent-file.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';
import { projectFileSchema, type ProjectFile } from '../../../policy/files/project-file.js';
import { detectProject, findLock } from '../detect-project.js';
import { configuredIndex } from '../installer-config.js';
import { readAgentFile, readPolicy } from '../files.js';
import { findInstance, readIfThere } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';
import { policyFileText, projectFileText } from '../project-text.js';

/** What became of one file: an existing one is never touched. */
interface Written {
  file: string;
  did: 'wrote' | 'kept' | 'would write';
  /** What a person should know about it. */
  notes: string[];
}

interface InitOptions {
  dryRun?: boolean;
  policy?: boolean;
  json?: boolean;
}

/** `runbook init [PATH]`: the project's file, this host's agent file, and if asked the policy's, where they are not there yet. */
export function initCommand(program: Command, io: Io): void {
  program
    .command('init [path]')
    .option('--policy', 'also the policy\'s file, with the documents\' interpreters to be edited')
    .option('--dry-run', 'print what would be written, and write nothing')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nLooks for the lock, the tests, the environment and configuration that names python_version. A file that is\nthere is kept as it is.\n\nExamples:\n  runbook init .\n  runbook init . --dry-run')
    .action(async (given: string | undefined, options: InitOptions) => {
      process.exitCode = await init(io, given ?? '.', options);
    });
}

async function init(io: Io, given: string, options: InitOptions): Promise<number> {
  const project = requireDirectory(given);
  const instance = findInstance();
  // Before anything is written: files that are there and can't be read are told first.
  const [agent, { policy }] = [readAgentFile(instance.paths), readPolicy(instance.paths)];
  const writer = (file: string, text: string, mode?: number) => write(io, file, text, options, mode);
  const { written, link } = writeProjectFile(project, given, writer);
  const files = [written, await writeAgentFile(instance.paths.agentFile, agent, link, writer), ...(options.policy ? [writePolicyFile(instance.paths.policyFile, policy, writer)] : [])];
  const next = `${instance.current ? '' : 'runbook up, then '}runbook ${existsSync(link) ? 'plan change' : 'env create'} ${given}`;
  if (options.json) io.out(JSON.stringify({ project, files, next }, null, 2));
  else {
    for (const { file, did, notes } of files) {
      io.out(`${did} ${file}`);
      for (const note of notes) io.talk(`  ${note}`);
    }
    io.talk(`next: ${next}`);
  }
  return EXIT.yes;
}

type Writer = (file: string, text: string, mode?: number) => Written['did'];

/** Never over an existing file, also not over one that appears meanwhile. */
function write(io: Io, file: string, text: string, { dryRun, json }: InitOptions, mode = 0o644): Written['did'] {
  if (dryRun) {
    if (!json) io.talk(`--- ${file}\n${text.trimEnd()}`);
    return 'would write';
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, text, { flag: 'wx', mode });
    return 'wrote';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'kept';
    throw error;
  }
}

function requireDirectory(given: string): string {
  if (existsSync(given) && statSync(given).isDirectory()) return realpathSync(given);
  throw refusal([{ what: given, expected: 'a project directory', got: existsSync(given) ? 'a file' : 'nothing there', wayOut: 'runbook init PATH' }]);
}

function writeProjectFile(project: string, given: string, writer: Writer): { written: Written; link: string } {
  const file = path.join(project, 'runbook.yaml');
  const existing = readIfThere(file);
  if (existing !== '') return { written: { file, did: 'kept', notes: [] }, link: path.join(project, parseProject(existing, file).link) };
  const lock = findLock(project);
  if (!lock) throw refusal([{ what: given, expected: 'a lock: pylock.toml, requirements.lock, requirements.txt', got: 'none', wayOut: 'uv pip compile --generate-hashes requirements.in -o requirements.txt' }]);
  const found = detectProject(project, lock);
  const text = projectFileText(found);
  const { link } = parseProject(text, file);
  const notes = [
    `lock ${lock}; ${found.tests.length > 0 ? `tests: python ${found.tests.join(' ')}` : (found.testsHint ?? 'no tests were found')}`,
    ...found.lockProblems.slice(0, 3).map(({ what, expected, got }) => `! ${what}: expected ${expected}, got ${got}`),
  ];
  return { written: { file, did: writer(file, text), notes }, link: path.join(project, link) };
}

function parseProject(text: string, file: string): ProjectFile {
  const parsed = parseWith(projectFileSchema, text, { file, format: 'yaml' });
  if (!parsed.ok) throw refusal(parsed.objections);
  return parsed.value;
}

async function writeAgentFile(file: string, existing: AgentFile | null, link: string, writer: Writer): Promise<Written> {
  const project = path.dirname(link);
  if (existing) return { file, did: 'kept', notes: rootsNote(existing.roots, project) };
  const { index, told } = await configuredIndex();
  const text = stringify({ roots: [path.dirname(project)], ...(index ? { index } : {}), environments: [{ link, onSwitch: 'idle' }] });
  return { file, did: writer(file, `# Where the agent of this host may act, with which index, and what runs there.\n${text}`, 0o600), notes: [told] };
}

function rootsNote(roots: string[], project: string): string[] {
  const inside = roots.some((root) => project === root || project.startsWith(`${root.replace(/\/$/, '')}/`));
  return inside ? [] : [`${project} is outside its roots (${roots.join(', ')}): add it there before a change`];
}

function writePolicyFile(file: string, { interpreters, fallback }: PolicyFile, writer: Writer): Written {
  if (existsSync(file)) return { file, did: 'kept', notes: [] };
  return { file, did: writer(file, policyFileText({ interpreters, fallback: { mode: fallback.mode, criticalImports: fallback.criticalImports } })), notes: ['the documents\' interpreters: edit them, then runbook policy check'] };
}
