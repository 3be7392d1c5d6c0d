/** Ways a fallback can go, so that each of its phases is reached: how each begins, where it is led, and how it ends undisturbed. */
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Outcome } from '../../policy/model.js';
import { heldBy, type InstanceOptions, type TestInstance } from '../support/instance.js';
import type { ScenarioName } from './matrix.js';

/** Pins of which one has a wheel for the fallback interpreter only. */
export const FALLBACK_LOCK = 'alpha==1.0\nbeta==2.0\n';

export interface Scenario {
  options?: InstanceOptions;
  /** What the project is like before each run. */
  begin(it: TestInstance): void;
  /** Where the run is stopped on its way, and what befalls it there; the point of the case comes later. */
  lead?: { point: string; act(it: TestInstance): void };
  ends: { outcome: Outcome; on: 'primary' | 'fallback'; trees: number; isLinked: boolean; serviceStarts: number };
}

const DONE: Scenario['ends'] = { outcome: 'done', on: 'fallback', trees: 1, isLinked: true, serviceStarts: 1 };

export const SCENARIOS: Record<ScenarioName, Scenario> = {
  plain: { begin: (it) => it.lock(FALLBACK_LOCK), ends: DONE },
  /** `gamma` has no wheel anywhere: it is built, each time anew. */
  built: {
    options: { builder: true },
    begin(it) {
      const house = path.join(path.dirname(it.home), 'wheelhouse');
      for (const name of readdirSync(house)) rmSync(path.join(house, name), { recursive: true });
      it.lock(`${FALLBACK_LOCK}gamma==1.0\n`);
    },
    ends: DONE,
  },
  /** No interpreter has `beta` 1.5, and nobody builds: another lock is proposed, and the run ends there. */
  proposed: { begin: (it) => it.lock('alpha==1.0\nbeta==1.5\n'), ends: { outcome: 'refused', on: 'primary', trees: 0, isLinked: false, serviceStarts: 0 } },
  /** The project has a probe of its own, which can be held. */
  measured: {
    begin(it) {
      const file = path.join(it.project, 'runbook.yaml');
      const probe = { name: 'alpha', setup: `${heldBy('"hold.measure"')}import alpha`, statement: 'alpha.VERSION' };
      if (!readFileSync(file, 'utf8').includes('performance:')) appendFileSync(file, stringify({ performance: probe }));
      it.lock(FALLBACK_LOCK);
    },
    ends: DONE,
  },
  /** Somebody edits the new tree between switch and second look: the change is undone, services included. */
  undone: {
    begin: (it) => it.lock(FALLBACK_LOCK),
    lead: { point: 'verify link:intent', act: (it) => edit(realpathSync(it.link)) },
    ends: { outcome: 'rolled-back', on: 'primary', trees: 1, isLinked: false, serviceStarts: 2 },
  },
};

function edit(tree: string): void {
  chmodSync(tree, 0o755);
  mkdirSync(path.join(tree, 'by-hand'));
  writeFileSync(path.join(tree, 'by-hand/file'), '');
  chmodSync(tree, 0o555);
}
