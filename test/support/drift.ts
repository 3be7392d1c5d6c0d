/** A host with an index, and live environments on it, for tests of drift. */
import { agentOwner } from '../../activities/host/owner.js';
import { look } from '../../activities/host/look.js';
import type { HostLook, Interpreter, Owner } from '../../policy/model.js';
import { someInterpreter, testHost, testScope, type TestHost } from './host.js';
import { testIndex, type TestIndex } from './index.js';
import { commonUv, goLive, type Live } from './live.js';

export const isRoot = process.getuid?.() === 0;
/** Whose project it is: as root, another user's. */
export const user: Owner = isRoot ? { uid: 65534, gid: 65534, name: 'nobody' } : agentOwner();

export type Drifting = Live & { python: Interpreter };

export interface DriftBench {
  index: TestIndex;
  host: TestHost;
  uv: string;
  /** A host of its own, with its own cache: files of trees are hard links into it, and what is edited in one is in the next. */
  another(): TestHost;
  live(owner: Owner, on?: TestHost): Promise<Drifting>;
  look(at: Live, on?: TestHost): Promise<HostLook>;
  /** A short id nobody else has. */
  run(): string;
  /** Commands people really give, with the link in them. */
  commands(at: Drifting): Record<'uv pip install' | 'uv pip uninstall' | 'uv venv --clear' | 'python -m venv --clear' | 'pip install' | 'rm -rf .venv/', [file: string, ...args: string[]]>;
  close(): void;
}

export async function driftBench(): Promise<DriftBench> {
  const index = await testIndex([
    { name: 'alpha', version: '1.0', files: { 'alpha/__init__.py': 'VALUE = 1\n', 'alpha/other.py': 'VALUE = 1\n', 'alpha/deep/inner.py': '' } },
    { name: 'extra', version: '1.0', files: { 'extra.py': '' } },
  ]);
  const host = testHost({ index: { url: index.url } });
  const uv = await commonUv(host);
  host.ctx.agentFile.uv = uv;
  let runs = 0;
  const run = (): string => `ch-d${++runs}`;
  return {
    index, host, uv, run,
    another: () => testHost({ index: { url: index.url }, uv }),
    async live(owner, on = host) {
      const id = run();
      const python = await someInterpreter(on.ctx, undefined, owner);
      const project = on.project(id, { 'requirements.txt': 'alpha==1.0\n' }, isRoot && owner.uid !== 0 ? owner : undefined);
      on.ctx.agentFile.environments.push({ link: project.env.link, onSwitch: 'idle', units: [] });
      return { ...(await goLive({ host: on, project, run: id, python, files: [index.file('alpha', '1.0')] })), python };
    },
    look: (at, on = host) => look(on.ctx, testScope(), { env: at.project.env, to: null, manifest: true, create: false }),
    commands: ({ python }) => ({
      'uv pip install': [uv, 'pip', 'install', '--default-index', index.url, 'extra', '--python', '.venv/bin/python'],
      'uv pip uninstall': [uv, 'pip', 'uninstall', 'alpha', '--python', '.venv/bin/python'],
      'uv venv --clear': [uv, 'venv', '--clear', '--no-project', '--python', python.realpath, '.venv'],
      'python -m venv --clear': [python.realpath, '-m', 'venv', '--without-pip', '--clear', '.venv'],
      'pip install': [python.realpath, '-I', '-m', 'pip', '--python', '.venv/bin/python', 'install', '--disable-pip-version-check', '--no-cache-dir', '--index-url', index.url, 'extra'],
      'rm -rf .venv/': ['/bin/rm', '-rf', '.venv/'],
    }),
    close() {
      index.close();
      host.close();
    },
  };
}
