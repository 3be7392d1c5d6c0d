/** Imports, each in a process of its own, and the timed probes: one start of Python that forks, never more at once than there are cores. */
import { availableParallelism } from 'node:os';
import type { ImportFacts, Measured, TimedFacts } from '../../../policy/checks/facts.js';
import { pythonText } from '../python-text.js';
import { lastJson, limitSeconds, startPython, whyFailed, type Measuring } from './context.js';

export interface Imported {
  imports: Measured<ImportFacts[]>;
  probe: Measured<TimedFacts> | null;
  importTime: Measured<TimedFacts> | null;
}

interface Item {
  name: string;
  folder?: string;
  timed?: { modules: string[]; statement: string };
}

interface Answer extends ImportFacts {
  seconds?: number;
  peakMiB?: number;
}

/** PF-15. */
const FRAME_SUM = 'import numpy, pandas\npandas.DataFrame(numpy.random.randn(1000, 10)).sum().sum()';
/** The same kind of work for a project that needs neither pandas nor numpy. */
const PLAIN_SUM = 'sum(at * 0.5 for at in range(10000))';

/**
 * Everything that is imported. The timed ones go first: each has a core of its own, and what follows takes the ones that get free.
 * What the probe imports first is imported in a new process, and needs no second one where the probe came to its end.
 */
export async function measureImports(measuring: Measuring, executable: string): Promise<Imported> {
  const { rules, ...wanted } = measuring.wanted;
  const [probe, importTime] = [wanted.probe ? probeOf(measuring) : null, wanted.importTime ? timedOf(measuring, 'import time', rules.healthImports) : null];
  const first = probe?.timed?.modules[0];
  const answers = await run(measuring, executable, [probe, importTime, ...rules.required.filter((name) => name !== first).map((name) => importOf(measuring, name))]);
  if (!answers.ok) return { imports: answers, probe: probe && answers, importTime: importTime && answers };
  const rest = [...answers.value];
  const timed = [probe, importTime].map((item) => item && timedFacts(rest.shift()!));
  if (first !== undefined && rules.required.includes(first)) {
    const again = timed[0]?.ok ? { ok: true as const, value: [{ module: first, ok: true, error: '' }] } : await run(measuring, executable, [importOf(measuring, first)]);
    if (!again.ok) return { imports: again, probe: timed[0]!, importTime: timed[1]! };
    rest.splice(rules.required.indexOf(first), 0, again.value[0]!);
  }
  return { imports: importFacts(rest), probe: timed[0]!, importTime: timed[1]! };
}

const isOwn = ({ place }: Measuring, name: string): boolean => {
  const own = place.settings.importModule;
  return own !== null && (name === own || name.startsWith(`${own}.`));
};

/** The project's own module is found in its folder. */
const importOf = (measuring: Measuring, name: string): Item => (isOwn(measuring, name) ? { name, folder: measuring.place.project } : { name });

const timedOf = (measuring: Measuring, name: string, modules: string[], statement = ''): Item => ({ name, timed: { modules, statement }, ...(modules.some((one) => isOwn(measuring, one)) ? { folder: measuring.place.project } : {}) });

function probeOf(measuring: Measuring): Item {
  const { required } = measuring.wanted.rules;
  const isFrame = ['pandas', 'numpy'].every((name) => required.includes(name));
  return isFrame ? timedOf(measuring, 'probe', ['pandas', 'numpy'], FRAME_SUM) : timedOf(measuring, 'probe', required.filter((name) => !isOwn(measuring, name)), PLAIN_SUM);
}

async function run(measuring: Measuring, executable: string, wishes: (Item | null)[]): Promise<Measured<Answer[]>> {
  const modules = wishes.filter((item) => item !== null);
  if (modules.length === 0) return { ok: true, value: [] };
  const seconds = limitSeconds(measuring);
  const jobs = availableParallelism();
  const timeoutMs = (Math.ceil(modules.length / jobs) * seconds + 30) * 1000;
  const result = await startPython(measuring, executable, ['-c', pythonText('imports.py'), JSON.stringify({ modules, seconds, jobs })], timeoutMs);
  const told = result.failed ? null : lastJson<{ results: Answer[] }>(result);
  return told === null ? { ok: false, problem: whyFailed(executable, result) } : { ok: true, value: told.results };
}

/** A failed import is never a fast one (DEF-17). */
function timedFacts({ ok, error, seconds, peakMiB }: Answer): Measured<TimedFacts> {
  return ok && seconds !== undefined && peakMiB !== undefined ? { ok: true, value: { seconds, rssMiB: peakMiB } } : { ok: false, problem: error };
}

/** Words of `imports.py` for a child that SIGHUP, SIGINT, SIGKILL or SIGTERM ended: it has not said no, it could not tell. */
const ENDED_BY_OTHERS = /^the import ended by signal (1|2|9|15)$/;

function importFacts(answers: Answer[]): Measured<ImportFacts[]> {
  const ended = answers.find(({ error }) => ENDED_BY_OTHERS.test(error));
  if (ended) return { ok: false, problem: `import of ${ended.module}: ${ended.error}; look for the out-of-memory killer in the kernel log` };
  return { ok: true, value: answers.map(({ module, ok, error }) => ({ module, ok, error })) };
}
