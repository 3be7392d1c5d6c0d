/** The environment that both preflights judge: the example's, with its lock as pip freezes it, and everything set that either asks for. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { runbookPaths } from '../../worker/paths.js';
import { makeProject } from '../project.js';
import { fullVersion } from '../pythons.js';
import { cleanEnvironment, run } from '../run.js';

/** Modes under which the documents' own test finds nothing: it takes a file that others may read for one that they may write. */
const CLOSED = 0o640;

export interface Judged {
  project: string;
  /** Of the shell: the environment is active. */
  shell: Record<string, string>;
  /** Of the command: it is not, and a policy of this benchmark's own is in force. */
  ours: Record<string, string>;
}

/** Makes it: pandas, numpy, fastapi, sqlalchemy and pytest among 38 packages, on `python`. */
export async function makeJudged(folder: string, python: string, fallback: string, uv: string): Promise<Judged> {
  const project = path.join(folder, 'projects/ours');
  await makeProject(project, python, uv);
  const venv = path.join(project, '.venv');
  const frozen = (await run(path.join(venv, 'bin/python'), ['-m', 'pip', 'freeze'])).stdout;
  const version = await fullVersion(python);
  const files = {
    'requirements.txt': frozen,
    'requirements.lock': frozen,
    '.bench_config': `python_version=${version}\nwheel_status=healthy\n`,
    'runbook.yaml': stringify({ name: 'bench', lock: 'requirements.lock', envPrefix: 'BENCH', configFiles: [{ path: '.bench_config', format: 'keyvalue' }] }),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(project, name), text);
    chmodSync(path.join(project, name), CLOSED);
  }
  const common = cleanEnvironment({ BENCH_PYTHON_VERSION: version, BENCH_WHEEL_STATUS: 'healthy' });
  const ours = { ...common, RUNBOOK_HOME: path.join(folder, 'home'), XDG_STATE_HOME: path.join(folder, 'xdg') };
  await writePolicy(ours, python, fallback);
  return { project, shell: { ...common, VIRTUAL_ENV: venv, PATH: `${path.join(venv, 'bin')}:${common['PATH']}` }, ours };
}

async function writePolicy(env: Record<string, string>, python: string, fallback: string): Promise<void> {
  const { policyFile } = runbookPaths(env);
  const rule = (version: string): object => ({ version, justification: 'the benchmark of this machine' });
  const line = (await fullVersion(python)).split('.').slice(0, 2).join('.');
  mkdirSync(path.dirname(policyFile), { recursive: true });
  writeFileSync(policyFile, stringify({ interpreters: { primary: rule(`${line}.x`), fallback: rule(await fullVersion(fallback)) } }));
}
