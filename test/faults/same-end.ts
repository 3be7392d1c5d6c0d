/** What must hold after a case of the matrix: the end, the effects and the records of a fallback that nobody disturbed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Outcome, RunResult } from '../../policy/model.js';
import type { TestInstance } from '../support/instance.js';

/** What a run leaves, apart from times: the same for every run that ends alike. */
export interface Footprint {
  outcome: Outcome;
  version: string;
  /** Attempts in `.venvs`. */
  trees: number;
  /** Whether the link leads to the run's own. */
  isLinked: boolean;
  /** How often the service was started since the run began. */
  serviceStarts: number;
  /** Lists of what had been installed, written since. */
  frozenLists: number;
  /** The record's entries in their order, steps named. */
  events: string[];
  /** File of the project -> how often the run is named in it. */
  documents: Record<string, number>;
  /** Lines of the edited configuration. */
  configuration: Record<string, number>;
}

/** What is counted from the beginning of a run on. */
export interface Counts {
  serviceStarts: number;
  frozenLists: number;
}

/** Counts so far. */
export function countsNow(it: TestInstance): Counts {
  return {
    serviceStarts: lines(path.join(it.project, 'unit.json.starts')),
    frozenLists: readdirSync(it.project).filter((name) => name.startsWith('requirements.frozen.')).length,
  };
}

const lines = (file: string): number => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);

/** Looks at everything the run left. */
export function footprintOf(it: TestInstance, { run, outcome }: RunResult, before: Counts): Footprint {
  const trees = readdirSync(path.join(it.project, '.venvs')).filter((name) => name.startsWith(`${run}-`));
  const files = readdirSync(it.project).filter((name) => statSync(path.join(it.project, name)).isFile() && !name.startsWith('unit.json'));
  const now = countsNow(it);
  const named = (name: string): number => readFileSync(path.join(it.project, name), 'utf8').split(run).length - 1;
  return {
    outcome,
    version: it.version(),
    trees: trees.length,
    isLinked: trees.includes(path.basename(readlinkSync(it.link))),
    serviceStarts: now.serviceStarts - before.serviceStarts,
    frozenLists: now.frozenLists - before.frozenLists,
    events: eventsOf(it, run),
    documents: Object.fromEntries(files.map((name) => [name, named(name)] as const).filter(([, times]) => times > 0)),
    configuration: Object.fromEntries(['.env', '.svc_config'].map((name) => [name, lines(path.join(it.project, name))])),
  };
}

/** Waiting is told too, and a run that was disturbed may have waited. */
function eventsOf(it: TestInstance, run: string): string[] {
  const records = it.records();
  try {
    const entries = records.entriesOf(run).map(({ entry }) => entry).filter(({ event }) => event !== 'phase');
    assert.equal(new Set(entries.map(({ key }) => key)).size, entries.length, 'an entry stands twice on record');
    return entries.map(({ event, data }) => (data['step'] === undefined ? event : `${event} ${String(data['step'])}`));
  } finally {
    records.close();
  }
}

/** Audit chain whole, nobody on a mix of two environments, the service's Python and its import never gone. */
export function assertWhole(it: TestInstance, imports: { starts: number; failed: string[] }): void {
  assert.deepEqual(imports.failed, [], '.venv/bin/python -c \'import alpha\' failed');
  assert.ok(imports.starts > 0);
  assert.equal(it.mixed(), '', 'a process was on a mix of two environments');
  const records = it.records();
  try {
    const verdict = records.verify();
    assert.equal(verdict.ok, true, JSON.stringify(verdict));
  } finally {
    records.close();
  }
}
