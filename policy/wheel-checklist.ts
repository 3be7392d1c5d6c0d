/** The wheel-availability checklist (PV-13): each pin of a lock, for the primary (PV-16) and the fallback interpreter (PV-17). */
import type { LockVerdict, PinVerdict, WheelVerdict } from './model.js';
import { formatEnvironment } from './ids.js';
import type { EnvironmentRef } from './model.js';
import { code, fields, list, words } from './report/page.js';
import type { Block, Page, Words } from './report/page.js';

export interface ChecklistRow {
  project: string;
  version: string;
  /** null: not asked for that interpreter, because a marker excludes it there. */
  primary: WheelVerdict | null;
  fallback: WheelVerdict | null;
  /** Why one of them lacks it; empty where neither does. */
  why: string;
}

export interface Checklist {
  env: EnvironmentRef;
  primary: string;
  fallback: string;
  rows: ChecklistRow[];
  missing: { primary: string[]; fallback: string[] };
  /** What could not be told, in words; empty: everything was. */
  unknown: string[];
  /** `no`: the fallback lacks a wheel. A wheel known to be missing is missing, whatever else could not be asked. */
  verdict: 'yes' | 'no' | 'could-not-tell';
}

export function wheelChecklist(env: EnvironmentRef, primary: LockVerdict, fallback: LockVerdict): Checklist {
  const names = [...new Set([...primary.pins, ...fallback.pins].map(keyOf))].sort();
  const [first, second] = [primary, fallback].map(({ pins }) => new Map(pins.map((pin) => [keyOf(pin), pin]))) as [Map<string, PinVerdict>, Map<string, PinVerdict>];
  const unknown = [primary, fallback].flatMap(doubtsOf);
  return {
    env, primary: primary.version, fallback: fallback.version,
    rows: names.map((name) => rowOf(first.get(name), second.get(name))),
    missing: { primary: primary.missing, fallback: fallback.missing },
    unknown,
    verdict: fallback.missing.length > 0 ? 'no' : unknown.length > 0 ? 'could-not-tell' : 'yes',
  };
}

const keyOf = ({ project, version }: PinVerdict): string => `${project}==${version}`;

function rowOf(primary: PinVerdict | undefined, fallback: PinVerdict | undefined): ChecklistRow {
  const { project, version } = (primary ?? fallback)!;
  const lacking = [primary, fallback].find((pin) => pin !== undefined && pin.verdict !== 'wheel');
  return { project, version, primary: primary?.verdict ?? null, fallback: fallback?.verdict ?? null, why: lacking?.why ?? '' };
}

/** A verdict without an answer, or without a pin, proves nothing. */
function doubtsOf({ version, error, pins }: LockVerdict): string[] {
  if (error) return [`Python ${version}: ${error.class}, ${error.text}`];
  const unanswered = pins.filter(({ verdict }) => verdict === 'index-error').map(({ project }) => project);
  if (unanswered.length > 0) return [`Python ${version}: the index gave no answer for ${unanswered.join(', ')}`];
  return pins.length === 0 ? [`Python ${version}: no package was judged`] : [];
}

/** The word of a cell. */
export const verdictWord = (verdict: WheelVerdict | null): string => (verdict === null ? 'not for it' : verdict === 'wheel' ? '✓ wheel' : `✗ ${verdict}`);

/** One sentence for each interpreter. */
export function checklistLines({ primary, fallback, rows, missing, unknown }: Checklist): string[] {
  const line = (version: string, lacking: string[], of: 'primary' | 'fallback'): string => {
    const asked = rows.filter((row) => row[of] !== null).length;
    return `${version} (${of}): ${asked === 0 ? 'could not be told' : lacking.length === 0 ? `a wheel for each of ${asked}` : `${lacking.length} of ${asked} without a wheel: ${lacking.join(' ')}`}`;
  };
  return [line(primary, missing.primary, 'primary'), line(fallback, missing.fallback, 'fallback'), ...unknown.map((words) => `could not tell: ${words}`)];
}

export function checklistPage(checklist: Checklist): Page {
  const { env, primary, fallback, rows, verdict } = checklist;
  const columns = ['package', 'version', `Python ${primary}`, `Python ${fallback}`, 'why'].map((name) => ({ name }));
  // Every dependency, however many (PV-13).
  const all: Block = { kind: 'table', columns, rows: rows.map((row): Words[] => [row.project, row.version, verdictWord(row.primary), verdictWord(row.fallback), row.why]) };
  return {
    title: `Wheel availability of ${formatEnvironment(env)}`,
    badge: { yes: { word: 'complete', tone: 'good' } as const, no: { word: 'incomplete', tone: 'bad' } as const, 'could-not-tell': { word: 'not known', tone: 'open' } as const }[verdict],
    lead: ['Each package of the lock behind ', code(`${env.host}:${env.link}`), ', for both interpreters, on that host\'s platform.'],
    sections: [
      { title: 'Summary', blocks: [fields(['Primary Python', primary], ['Fallback Python', fallback]), list(checklistLines(checklist))] },
      { title: 'Packages', blocks: rows.length > 0 ? [all] : [words('No package was judged.')] },
    ],
  };
}
