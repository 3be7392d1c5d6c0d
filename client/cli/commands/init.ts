import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { configuredIndex } from '../installer-config.js';
import { readAgentFile } from '../files.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, type Io } from '../io.js';

/** `runbook init [PATH]`: the project's file, and this host's agent file where there is none. */
export function initCommand(program: Command, io: Io): void {
  program
    .command('init [path]')
    .addHelpText('after', '\nExample:\n  runbook init .')
    .action(async (given = '.') => {
      const project = requireDirectory(given);
      const lock = findLock(project, given);
      writeProjectFile(io, project, lock);
      const instance = findInstance();
      await writeAgentFile(io, instance, project);
      io.talk(`next: ${instance.current ? '' : 'runbook up, then '}runbook ${existsSync(path.join(project, '.venv')) ? 'plan change' : 'env create'} ${given}`);
      process.exitCode = EXIT.yes;
    });
}

function requireDirectory(given: string): string {
  if (existsSync(given)) return realpathSync(given);
  throw refusal([{ what: given, expected: 'a project directory', got: 'nothing there', wayOut: 'runbook init PATH' }]);
}

const LOCK_NAMES = ['pylock.toml', 'requirements.lock', 'requirements.txt'];

function findLock(project: string, given: string): string {
  const names = readdirSync(project);
  const lock = LOCK_NAMES.find((name) => names.includes(name)) ?? names.find((name) => /^requirements.*\.(lock|txt)$/.test(name));
  if (lock) return lock;
  throw refusal([{ what: given, expected: `a lock: ${LOCK_NAMES.join(', ')}`, got: 'none', wayOut: 'uv pip compile --generate-hashes requirements.in -o requirements.txt' }]);
}

function writeProjectFile(io: Io, project: string, lock: string): void {
  const file = path.join(project, 'runbook.yaml');
  if (existsSync(file)) return io.out(`kept ${file}`);
  const name = path.basename(project);
  const importModule = existsSync(path.join(project, name, '__init__.py')) ? name : undefined;
  const tests = existsSync(path.join(project, 'tests')) ? ['-m', 'pytest', '-x', '--tb=short', 'tests/'] : [];
  writeFileSync(file, `# What interpreter-runbooks needs to know of this project. It may only tighten what policy and agent file say.\n${stringify({ name, lock, link: '.venv', ...(importModule ? { importModule } : {}), tests })}`);
  io.out(`wrote ${file}`);
}

async function writeAgentFile(io: Io, instance: Instance, project: string): Promise<void> {
  const { agentFile, configDir } = instance.paths;
  const existing = readAgentFile(instance.paths);
  if (existing) return tellRoots(io, agentFile, existing.roots, project);
  const { index, told } = await configuredIndex();
  const text = stringify({ roots: [path.dirname(project)], ...(index ? { index } : {}), environments: [{ link: path.join(project, '.venv'), onSwitch: 'idle' }] });
  mkdirSync(configDir, { recursive: true, mode: 0o700 });
  writeFileSync(agentFile, `# Where the agent of this host may act, with which index, and what runs there.\n${text}`, { mode: 0o600 });
  io.out(`wrote ${agentFile}`);
  io.talk(told);
}

function tellRoots(io: Io, file: string, roots: string[], project: string): void {
  const inside = roots.some((root) => project === root || project.startsWith(`${root.replace(/\/$/, '')}/`));
  io.out(`kept ${file}`);
  if (!inside) io.talk(`${project} is outside its roots (${roots.join(', ')}): add it there before a change`);
}
