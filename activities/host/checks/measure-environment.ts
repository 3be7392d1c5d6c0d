/**
 * Everything the checks judge, measured once on one environment. Nothing is assumed: what can't be measured says why.
 *
 * The interpreter is started empty and timed, then asked what it is; then the imports and timed probes share the cores, one
 * process each; what reads whole trees or asks an index comes last, so that it disturbs no timing.
 */
import { existsSync, realpathSync } from 'node:fs';
import type { EnvironmentFacts, VirtualFacts } from '../../../policy/checks/facts.js';
import { conflictsOf } from './conflicts.js';
import { measured, type CheckContext, type Measuring, type Wanted } from './context.js';
import { measureImports, type Imported } from './imports.js';
import { askInterpreter, findInterpreter, lookAtVirtual, pythonOnPath, type Asked } from './interpreter.js';
import { lockFacts, markersOf } from './lock-facts.js';
import type { CheckPlace } from './place.js';
import { modesOf } from './project-files.js';
import { runnerOf } from './runner.js';
import { configFacts, metricsFacts, variableFacts } from './settings-facts.js';
import { standingFacts } from './standing.js';

/** Throws only when canceled. Starts nothing as root that another user could have put there. */
export async function measureEnvironment(ctx: CheckContext, place: CheckPlace, wanted: Wanted): Promise<EnvironmentFacts> {
  const found = findInterpreter({ ctx, place, wanted });
  const measuring: Measuring = { ctx, place, wanted, runner: runnerOf(place.project, place.owner, found.executable, place.settings.importModule) };
  const asked = await askInterpreter(measuring, found);
  const virtual = await lookAtVirtual(measuring, found, asked.told);
  const imported = await imports(measuring, asked);
  const [integrity, wheels] = await Promise.all([integrityOf(measuring, virtual), wheelsOf(measuring, asked, virtual)]);
  const { told, interpreter } = asked;
  return {
    at: ctx.now().toISOString(),
    host: ctx.host,
    project: place.project,
    name: place.settings.name,
    link: place.link,
    foundBy: found.foundBy,
    interpreter,
    virtual,
    onPath: realOrNull(pythonOnPath(wanted.env['PATH'])),
    virtualEnv: wanted.env['VIRTUAL_ENV'] || null,
    standing: standingFacts(measuring),
    packages: told === null ? noInterpreter(asked) : { ok: true, value: told.packages.map(({ name, version }) => ({ name, version })) },
    ...imported,
    lock: lockFacts(measuring, told),
    variables: variableFacts(measuring),
    config: configFacts(measuring),
    files: modesOf(place, wanted.rules.criticalFiles),
    integrity,
    conflicts: !wanted.manual ? null : told === null ? noInterpreter(asked) : { ok: true, value: conflictsOf(told.packages, markersOf(told)) },
    wheels,
    metrics: metricsFacts(measuring),
  };
}

const noInterpreter = ({ interpreter }: Asked): { ok: false; problem: string } => ({ ok: false, problem: interpreter.ok ? 'the interpreter did not answer' : interpreter.problem });

async function imports(measuring: Measuring, asked: Asked): Promise<Imported> {
  const { probe, importTime } = measuring.wanted;
  if (asked.interpreter.ok) return measureImports(measuring, asked.interpreter.value.executable);
  const none = noInterpreter(asked);
  return { imports: none, probe: probe ? none : null, importTime: importTime ? none : null };
}

/** Loaded when wanted: what it needs takes longer to load than a whole preflight takes to decide. */
async function integrityOf(measuring: Measuring, virtual: VirtualFacts | null): Promise<EnvironmentFacts['integrity']> {
  if (!measuring.wanted.integrity) return null;
  const { measureIntegrity } = await import('./integrity.js');
  return measured(measuring, () => measureIntegrity(measuring, virtual));
}

async function wheelsOf(measuring: Measuring, asked: Asked, virtual: VirtualFacts | null): Promise<EnvironmentFacts['wheels']> {
  if (!measuring.wanted.manual) return null;
  if (!asked.interpreter.ok) return noInterpreter(asked);
  if (virtual !== null && !virtual.base.ok) return virtual.base;
  const executable = virtual?.base.ok ? virtual.base.value.executable : asked.interpreter.value.realpath;
  const { measureWheels } = await import('./wheels.js');
  return measured(measuring, () => measureWheels(measuring, executable));
}

const realOrNull = (path: string | null): string | null => (path !== null && existsSync(path) ? realpathSync(path) : null);
