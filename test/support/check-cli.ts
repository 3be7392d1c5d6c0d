/** Checks at the command line, alone: a home with a policy and nothing else, and real environments beside it. */
import { mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { stringify } from 'yaml';
import { checkedBench, type Checked, type CheckedBench } from './checked-environment.js';

export interface CheckCli {
  bench: CheckedBench;
  /** The working folder: logs and results are written there. */
  cwd: string;
  /** Changes the policy of this instance; of `more` each section replaces the one of before. */
  policy(more?: object): void;
  close(): void;
}

/** Points this process at an instance of its own that no server was ever started for. */
export function checkCli(): CheckCli {
  const bench = checkedBench();
  const folder = realpathSync(bench.host.folder);
  const [home, cwd] = [path.join(folder, 'home'), path.join(folder, 'cwd')];
  for (const each of [path.join(home, 'config'), cwd]) mkdirSync(each, { recursive: true });
  Object.assign(process.env, { RUNBOOK_HOME: home, XDG_STATE_HOME: path.join(folder, 'xdg') });
  for (const name of ['TEMPORAL_ADDRESS', 'VIRTUAL_ENV', 'RUNBOOK_KEY']) delete process.env[name];
  const before = process.cwd();
  process.chdir(cwd);
  const policy = (more: object = {}): void => writeFileSync(path.join(home, 'config', 'policy.yaml'), stringify({ ...bench.policy, ...more }));
  policy();
  return {
    bench, cwd, policy,
    close() {
      process.chdir(before);
      bench.close();
    },
  };
}

/** One for all tests of a file, with an environment that is right; an empty working folder and the first policy before each. Filled before the first test. */
export function useCheckCli(): CheckCli & { right: Checked } {
  const it = {} as CheckCli & { right: Checked };
  before(async () => {
    Object.assign(it, checkCli());
    it.right = await it.bench.environment();
  }, { timeout: 120_000 });
  beforeEach(() => {
    for (const name of readdirSync(it.cwd)) rmSync(path.join(it.cwd, name), { recursive: true });
    it.policy();
  });
  after(() => it.close());
  return it;
}
