/** The environment as it runs today: tool versions (WF-07), what is installed (WF-22) and whether the modules that matter import (WF-10). */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { freezeLines } from '../../policy/freeze.js';
import type { EnvironmentRef } from '../../policy/model.js';
import { runnerOf } from './checks/runner.js';
import type { HostContext, StepScope } from './context.js';
import type { HostActivities } from './contract.js';
import { discoverInterpreters, treeInterpreter } from './interpreters.js';
import { readLink, resolveEnvironment } from './paths.js';
import { allOf } from './parallel.js';
import { findUv } from './tools.js';
import { importModules, installedPackages, starter } from './tree-checks.js';

const PIP_TIMEOUT_MS = 30_000;

/** Asks the live environment through its link, as its owner; as another user where root's project has what that one can change. Where none stands, its imports fail and `python` is empty. */
export async function probeLive(ctx: HostContext, step: StepScope, input: { env: EnvironmentRef; modules: string[] }): ReturnType<HostActivities['probeLive']> {
  const resolved = resolveEnvironment(ctx, input.env);
  const { owner, link } = resolved;
  const python = join(link, 'bin/python');
  const stands = readLink(resolved).treePath !== null && existsSync(python);
  const runner = runnerOf(resolved.project, owner, stands ? python : null, null);
  const start = starter(ctx, runner, { scope: step });
  const [live, uv, interpreters, pip, imports, packages] = await allOf([
    stands ? treeInterpreter(ctx, link, runner) : { version: null, problem: `${python}: expected an environment, got nothing there` },
    findUv(ctx, owner),
    discoverInterpreters(ctx, owner),
    stands ? start({ file: python, args: ['-I', '-m', 'pip', '--version'], timeoutMs: PIP_TIMEOUT_MS }) : null,
    importModules(ctx, start, python, input.modules.map((name) => ({ name }))),
    stands ? installedPackages(ctx, start, realpathSync(link), runner) : [],
  ]);
  const tools: Record<string, string> = {
    python: live.version ?? live.problem,
    pip: (pip && !pip.failed && /^pip (\S+)/.exec(pip.stdout)?.[1]) || 'none in the environment',
    uv: uv ? `${uv.version} (${uv.file})` : 'none',
    interpreters: interpreters.map((one) => `${one.version} (${one.path})${one.missingModules.length > 0 ? ` without ${one.missingModules.join(', ')}` : ''}`).join(', '),
  };
  return { python: live.version ?? '', tools, imports, frozen: freezeLines(packages.map(({ name, version }) => ({ project: name, version }))) };
}
