/** Environments for tests of checks: real ones with tiny wheels, built once and copied, each in a project of its own. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Wanted } from '../../activities/host/checks/context.js';
import { measureEnvironment } from '../../activities/host/checks/measure-environment.js';
import { placeForChecks } from '../../activities/host/checks/place.js';
import type { EnvironmentFacts } from '../../policy/checks/facts.js';
import type { CheckRules } from '../../policy/checks/model.js';
import { checkPolicyOf, rulesFor } from '../../policy/checks/rules.js';
import { policyFileSchema } from '../../policy/files/policy-file.js';
import type { Interpreter, Owner } from '../../policy/model.js';
import { giveTo } from './environments.js';
import { someInterpreter, testHost, type AgentFields, type TestHost } from './host.js';
import type { ReleaseSpec } from './index.js';

/** What every environment has: modules with the names and, as far as the probe asks, the work of the real ones. */
export const PACKAGES: ReleaseSpec[] = [
  {
    name: 'pandas', version: '2.10.0', requires: ['numpy>=1.24', 'beta; extra == "all"'],
    files: { 'pandas/__init__.py': 'import numpy\n\n\nclass Sums(list):\n    def sum(self):\n        return sum(self)\n\n\nclass DataFrame:\n    def __init__(self, rows):\n        self.rows = rows\n\n    def sum(self):\n        return Sums(sum(column) for column in zip(*self.rows))\n', 'pandas/deep.py': 'VALUE = 1\n' },
  },
  { name: 'numpy', version: '1.26.4', files: { 'numpy/__init__.py': 'import random as _random\n\n\nclass random:\n    @staticmethod\n    def randn(rows, columns):\n        return [[_random.random() for _ in range(columns)] for _ in range(rows)]\n' } },
  { name: 'beta', version: '0.100.0', files: { 'beta.py': '' } },
  { name: 'beta', version: '0.95', files: { 'beta.py': '' } },
  { name: 'slow', version: '1.0', files: { 'slow.py': 'import time\ntime.sleep(0.3)\n' } },
  { name: 'hang', version: '1.0', files: { 'hang.py': 'import time\ntime.sleep(3600)\n' } },
];

/** `NAME==VERSION` of what a right environment has. */
export const RIGHT = ['pandas==2.10.0', 'numpy==1.26.4', 'beta==0.100.0'];

export interface Checked {
  project: string;
  link: string;
  /** `lib/python3.N/site-packages`. */
  site: string;
  python: Interpreter;
  rules(changes?: Partial<CheckRules>): CheckRules;
  measure(changes?: Partial<Wanted>): Promise<EnvironmentFacts>;
}

export interface CheckedOptions {
  /** Line of the interpreter; default 3.12, the primary. */
  line?: '3.11' | '3.12';
  packages?: string[];
  files?: Record<string, string>;
  /** Text of runbook.yaml; null: none. */
  settings?: string | null;
  /** Another user's project, with whatever interpreter that user can run. */
  owner?: Owner;
}

export interface CheckedBench {
  host: TestHost;
  policy: ReturnType<typeof policyFileSchema.parse>;
  /** A project with an environment of its own. */
  environment(options?: CheckedOptions): Promise<Checked>;
  close(): void;
}

export const SETTINGS = 'name: app\nlock: requirements.lock\nenvPrefix: APP\nenvFile: .env\nconfigFiles:\n  - {path: .smvm_config, format: keyvalue}\n';

/** A host with tiny wheels and the documents' interpreters: any final 3.12, and exactly 3.11.13. */
export function checkedBench(fields: AgentFields = { limits: { importSeconds: 20 } }): CheckedBench {
  const host = testHost(fields);
  const wheels = join(host.folder, 'wheels');
  mkdirSync(wheels);
  execFileSync('python3', ['-I', resolve(import.meta.dirname, '../../../test/support/wheels.py'), wheels, JSON.stringify(PACKAGES.map((one) => ({ tag: 'py3-none-any', files: {}, ...one })))]);
  const policy = policyFileSchema.parse({
    checks: { required: ['pandas', 'numpy', 'beta'], minimumVersions: { pandas: '2.9.0', beta: '0.100.0' }, healthImports: ['pandas', 'numpy'], advisories: [{ project: 'pandas', versions: '<2.0', id: 'TEST-1' }] },
  });
  const templates = new Map<string, Promise<string>>();
  let made = 0;
  // One pip for all environments: an interpreter of the system need not have one.
  const pip = async (environment: string, ...args: string[]): Promise<void> => {
    const { realpath } = await someInterpreter(host.ctx, '3.12');
    execFileSync(realpath, ['-I', '-m', 'pip', '--python', join(environment, 'bin/python'), ...args], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: '/usr/bin:/bin', PIP_NO_INDEX: '1', PIP_FIND_LINKS: wheels, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_CACHE_DIR: '1', PIP_NO_INPUT: '1' } });
  };
  const template = (python: Interpreter, packages: string[]): Promise<string> => {
    const key = JSON.stringify([python.version, packages]);
    const known = templates.get(key) ?? Promise.resolve().then(async () => {
      const path = join(host.folder, `template-${key.replace(/\W+/g, '-')}`);
      execFileSync(python.realpath, ['-I', '-m', 'venv', '--without-pip', path]);
      await pip(path, 'install', '--no-deps', ...packages);
      return path;
    });
    templates.set(key, known);
    return known;
  };
  return {
    host, policy,
    async environment({ line = '3.12', packages = RIGHT, files = {}, settings = SETTINGS, owner } = {}) {
      const python = await someInterpreter(host.ctx, owner ? undefined : line, owner);
      const from = await template(python, packages);
      const texts = { 'requirements.lock': RIGHT.map((pin) => `${pin}\n`).join(''), '.smvm_config': `python_version=${python.version}\n`, '.env': `APP_PYTHON_VERSION=${python.version}\nAPP_WHEEL_STATUS=healthy\n`, ...(settings === null ? {} : { 'runbook.yaml': settings }), ...files };
      const { path: project, env } = host.project(`checked-${++made}`, texts);
      cpSync(from, env.link, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      if (owner) giveTo(project, owner);
      const place = () => placeForChecks(project, null);
      const rules = (changes: Partial<CheckRules> = {}): CheckRules => ({ ...rulesFor(checkPolicyOf(policy, host.ctx.host), place().settings), ...changes });
      const site = join(env.link, 'lib', `python${python.version.split('.').slice(0, 2).join('.')}`, 'site-packages');
      return {
        project, link: env.link, site, python, rules,
        measure: (changes = {}) => measureEnvironment(host.ctx, place(), { probe: true, importTime: true, integrity: true, manual: false, rules: rules(), env: {}, ...changes }),
      };
    },
    close: () => host.close(),
  };
}

/** Puts a program at an environment's `bin/python` that runs what it is given and says it is a release candidate. */
export function fakeInterpreter({ link, site, python }: Checked, version: { text: string; info: string }): void {
  const file = join(link, 'bin/python');
  rmSync(file);
  const lines = [
    `#!${python.realpath} -I`, 'import collections', 'import sys',
    `sys.version_info = collections.namedtuple("version_info", "major minor micro releaselevel serial")(${version.info})`,
    `sys.version = ${JSON.stringify(`${version.text} (test)`)}`, `sys.prefix = ${JSON.stringify(link)}`, `sys.path.append(${JSON.stringify(site)})`,
    'at = sys.argv.index("-c")', 'text = sys.argv[at + 1]', 'sys.argv = ["-c"] + sys.argv[at + 2:]', 'exec(compile(text, "<string>", "exec"), {"__name__": "__main__"})', '',
  ];
  writeFileSync(file, lines.join('\n'), { mode: 0o755 });
}

/** Puts other code into the bytecode of a module, under the header of the right one. `unchecked`: one by which Python never looks at the source. */
export function injectBytecode(python: string, source: string, how: 'same-header' | 'unchecked' = 'same-header'): void {
  const program = 'import importlib.util, marshal, sys\npath, unchecked = importlib.util.cache_from_source(sys.argv[1]), sys.argv[2] == "unchecked"\nhead = open(path, "rb").read(16)\nhead = head[:4] + b"\\1\\0\\0\\0" + b"\\0" * 8 if unchecked else head\nopen(path, "wb").write(head + marshal.dumps(compile("INJECTED = 1", sys.argv[1], "exec")))';
  execFileSync(python, ['-I', '-c', program, source, how]);
}

/** A link as a run of ours leaves it, to a folder below `.venvs`. */
export function linkTo({ project, link }: Pick<Checked, 'project' | 'link'>, tree: string): void {
  mkdirSync(join(project, '.venvs'), { recursive: true });
  rmSync(link, { recursive: true, force: true });
  symlinkSync(`.venvs/${tree}`, link);
}
