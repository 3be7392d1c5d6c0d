/** A host with the role `builder` for tests, with source releases to build and an index that has nothing. */
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildWheels } from '../../activities/host/build-wheels.js';
import type { WheelBuild } from '../../policy/model.js';
import { someInterpreter, testHost, testScope } from './host.js';
import type { AgentFields, TestHost } from './host.js';
import { writeSdists } from './sdists.js';
import type { Sdist, SdistSpec } from './sdists.js';

export interface Builder {
  on: TestHost;
  house: string;
  sources: string;
  sdists: Sdist[];
  build(pins: (string | { project: string; version: string; hashes?: string[]; native?: boolean })[], how?: { mode?: 'one' | 'all'; scope?: ReturnType<typeof testScope>; path?: string; run?: string }): Promise<WheelBuild>;
  log(run: string): string;
}

let runs = 0;

/** Makes one; `close` its host when done. `indexUrl` null: the installer's default index. */
export async function testBuilder(indexUrl: string | null, specs: SdistSpec[], fields: AgentFields = {}): Promise<Builder> {
  const base = testHost();
  const [house, sources] = [join(base.folder, 'wheelhouse'), join(base.folder, 'sources')];
  mkdirSync(house);
  mkdirSync(sources);
  const sdists = writeSdists(sources, specs);
  const { agentFile } = base.ctx;
  const on: TestHost = { ...base, ctx: { ...base.ctx, agentFile: { ...agentFile, index: { ...(indexUrl === null ? {} : { url: indexUrl }), findLinks: sources }, roles: ['builder'], wheelhouse: house, ...fields, limits: { ...agentFile.limits, ...(fields as { limits?: object }).limits } } as typeof agentFile } };
  const python = await someInterpreter(on.ctx);
  return {
    on, house, sources, sdists,
    build: (pins, { mode = 'one', scope = testScope(), path, run = `fb-${++runs}` } = {}) =>
      buildWheels(on.ctx, scope, { run, interpreter: python.version, mode, pins: pins.map((pin) => (typeof pin === 'string' ? { project: pin.split('==')[0]!, version: pin.split('==')[1]! } : pin)) }, path),
    log: (run) => readdirSync(join(on.ctx.stateDir, 'runs', run)).filter((name) => name.endsWith('.log')).map((name) => readFileSync(join(on.ctx.stateDir, 'runs', run, name), 'utf8')).join(''),
  };
}

