/**
 * The attempt of step 2: the whole lock from wheels alone, then what is left without the packages that have none, then each
 * of these by itself. An installer stops at the first missing wheel, so that one call names one.
 */
import { causeOfFiles } from '../../policy/assess.js';
import { branchOf, findingsOf, isOfPackage } from '../../policy/diagnosis.js';
import { remedyOf } from '../../policy/failures.js';
import type { Pin } from '../../policy/lock.js';
import type { Finding, Interpreter } from '../../policy/model.js';
import { tagRanks } from '../../policy/tags.js';
import { pageVerdict } from './assess-pip.js';
import type { DryRun, DryRunner } from './dry-run.js';
import { pinText } from './hashed-lock.js';
import { mapParallel } from './parallel.js';

/** Every dry run of the attempt, in order, and what follows from them. */
export interface Attempted {
  runs: DryRun[];
  findings: Finding[];
  /** Packages that would be installed. */
  installable: number;
}

/** What an attempt is made of. */
export interface AttemptInput {
  pins: Pin[];
  /** Projects that are known to lack a wheel. */
  suspects: string[];
  interpreter: Interpreter;
  runner: DryRunner;
  /** uv, to ask again where pip does not tell; null where none can be had, or none is allowed. */
  again: DryRunner | null;
}

/** Dry runs mostly wait for the index. */
const AT_ONCE = 2;
/** How often the rest of the lock is asked again without what the last call named. */
const MOST_ROUNDS = 20;
/** How many packages are asked about one by one. */
const MOST_SINGLES = 40;

/** Asks until the lock is known. A failure that is about no package (network, index, disk) ends it: nothing is said about wheels then. */
export async function attemptLock(input: AttemptInput): Promise<Attempted> {
  const runs: DryRun[] = [];
  const ask = async (runner: DryRunner, pins: Pin[]): Promise<DryRun> => {
    const made = await runner.run(requirementsOf(pins));
    runs.push(made);
    return made;
  };
  let { runner } = input;
  let whole = await ask(runner, input.pins);
  if (!whole.failed) return { runs, findings: [], installable: whole.packages.length };
  const [unsettled] = findingsOf(whole.text, whole.tool, whole.exitCode, input.interpreter, input.suspects);
  if (unsettled!.class === 'AMBIGUOUS' && input.again) {
    runner = input.again;
    whole = await ask(runner, input.pins);
    if (!whole.failed) return { runs, findings: [{ ...unsettled!, evidence: `${unsettled!.evidence}\nasked again through uv: all ${whole.packages.length} packages would install` }], installable: whole.packages.length };
  }
  const [first, ...named] = readRun(whole, input);
  const portal = await answersWithoutFiles(runner, whole, first!, named, runs);
  if (portal) return { runs, findings: [portal], installable: 0 };
  if (!isOfPackage(first!.class)) return { runs, findings: [first!, ...named], installable: 0 };
  const suspected = new Set([...input.suspects, ...named.map(({ project }) => project!)]);
  const oneByOne = (pins: Pin[]) => mapParallel(pins, AT_ONCE, async (pin) => ({ pin, made: await ask(runner, [pin]) }));
  const early = input.pins.filter(({ project }) => suspected.has(project)).slice(0, MOST_SINGLES);
  // Neither needs the other's answer, but for what the rest finds beside the suspects.
  const [installable, singles] = await Promise.all([restOf({ ...input, runner }, suspected, ask), oneByOne(early)]);
  const late = input.pins.filter((pin) => suspected.has(pin.project) && !early.includes(pin)).slice(0, MOST_SINGLES - early.length);
  const single = [...singles, ...(await oneByOne(late))].flatMap(({ pin, made }) => aboutOne(made, pin, input));
  const known = new Set(single.map(({ project }) => project));
  return { runs, findings: [first!, ...single, ...named.filter(({ project }) => !known.has(project))], installable };
}

/** How many of the other packages would install; what stands in their way as well joins the suspects. */
async function restOf(input: AttemptInput, suspected: Set<string>, ask: (runner: DryRunner, pins: Pin[]) => Promise<DryRun>): Promise<number> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const rest = input.pins.filter(({ project }) => !suspected.has(project));
    if (rest.length === 0) return 0;
    const made = await ask(input.runner, rest);
    if (!made.failed) return made.packages.length;
    const fresh = readRun(made, input).flatMap(({ project }) => (project !== null && rest.some((pin) => pin.project === project) ? [project] : []));
    if (fresh.length === 0) return 0;
    fresh.forEach((project) => suspected.add(project));
  }
  return 0;
}

/**
 * A log-in page has no files, and a pin is "no such version" there. Asked for any version at all, uv tells the difference.
 * Null where the index is one.
 */
async function answersWithoutFiles(runner: DryRunner, whole: DryRun, first: Finding, named: Finding[], runs: DryRun[]): Promise<Finding | null> {
  const [suspect] = named;
  if (runner.tool !== 'uv' || first.class !== 'VERSION_NOT_FOUND' || !suspect?.project) return null;
  const made = await runner.run([suspect.project]);
  runs.push(made);
  const [answer] = made.failed ? findingsOf(made.text, 'uv', made.exitCode, NOBODY) : [];
  return answer?.class === 'INDEX_NOT_AN_INDEX' ? { ...answer, evidence: `${answer.evidence}\n${first.evidence}` } : null;
}

/** The question does not depend on an interpreter. */
const NOBODY = { version: '', system: '', machine: '', soabi: '', implementation: '', libc: { name: 'none', version: '' } } as Interpreter;

const readRun = (made: DryRun, { interpreter, suspects }: AttemptInput): Finding[] => settledByLog(made, findingsOf(made.text, made.tool, made.exitCode, interpreter, suspects), interpreter);

/** A package asked about alone: its finding, or none where it would install by itself. */
function aboutOne(made: DryRun, { project }: Pin, { interpreter }: AttemptInput): Finding[] {
  if (!made.failed) return [];
  const [whole, ...named] = settledByLog(made, findingsOf(made.text, made.tool, made.exitCode, interpreter, [project]), interpreter);
  const own = named.find((one) => one.project === project);
  return [own ?? { ...whole!, project: isOfPackage(whole!.class) ? project : null }];
}

/** Without uv, pip's log tells what the page had; a page that had no file at all is no index. */
function settledByLog(made: DryRun, findings: Finding[], interpreter: Interpreter): Finding[] {
  if (made.tool !== 'pip' || findings[0]?.class !== 'AMBIGUOUS') return findings;
  return findings.map((one) => {
    const pin = /satisfies the requirement ([A-Za-z0-9._-]+)==(\S+) \(from/.exec(made.text);
    if (!pin || !/Fetched page/.test(made.output)) return one;
    const { verdict, why } = pageVerdict(made.output, { project: one.project ?? pin[1]!, version: pin[2]! });
    const kind = PAGE_CLASSES[verdict];
    if (!kind) return one;
    const files = [...why.matchAll(/[\w.+-]+\.whl/g)].map(([name]) => ({ name }));
    const cause = causeOfFiles(files, tagRanks(interpreter)) ?? null;
    return { ...one, class: kind, cause, branch: branchOf(kind, cause), remedy: remedyOf(kind), evidence: `${one.evidence}\n${why}` };
  });
}

const PAGE_CLASSES: Partial<Record<ReturnType<typeof pageVerdict>['verdict'], Finding['class']>> = {
  'sdist-only': 'WHEEL_MISSING', 'no-wheel': 'WHEEL_MISSING', 'version-not-found': 'VERSION_NOT_FOUND', 'index-error': 'INDEX_NOT_AN_INDEX',
};

/** Hashes only where every pin has one: an installer asks for all or none. */
export function requirementsOf(pins: readonly Pin[]): string[] {
  const hashed = pins.every((pin) => pin.hashes.some((hash) => hash.startsWith('sha256:')));
  return pins.map((pin) => `${pinText(pin)}${hashed ? pin.hashes.filter((hash) => hash.startsWith('sha256:')).map((hash) => ` --hash=${hash}`).join('') : ''}`);
}
