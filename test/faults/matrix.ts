/** The fault matrix of a fallback and the change it orders: its phases, what may die in them and how. Data, and nothing that acts. */

/** Processes of an instance, and the installer's own: what the agent starts to build, to judge and to restart. */
export const VICTIMS = ['agent', 'control', 'server', 'cli', 'child'] as const;
export type Victim = (typeof VICTIMS)[number];

/** SIGKILL, and SIGSTOP past the heartbeat with SIGCONT after it. */
export const SIGNALS = ['SIGKILL', 'SIGSTOP'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Phases of a fallback, in the order in which it reaches them. */
export const PHASES = ['assess', 'diagnose', 'build', 'propose', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'undo', 'close', 'measure', 'document'] as const;
export type Phase = (typeof PHASES)[number];

/** Ways a fallback can go; what each is, `scenarios.ts` says. */
export type ScenarioName = 'plain' | 'built' | 'proposed' | 'measured' | 'undone';

/** A moment at which the run stands still: at a named barrier in the agent, or while a child of the agent waits. */
export interface Point {
  /** As in test titles and barrier files. */
  name: string;
  phase: Phase;
  scenario: ScenarioName;
  /**
   * The child that waits, where one does: uv asking the index, trying or with half a file, the imports, the project's tests, the
   * unit's command, on the way there or back, pip with a build, the timed probe.
   */
  child?: 'question' | 'attempt' | 'uv' | 'imports' | 'tests' | 'restart' | 'restart back' | 'build' | 'probe';
}

const at = (scenario: ScenarioName, name: string, child?: Point['child']): Point => ({ name, phase: name.split(':')[0] as Phase, scenario, ...(child ? { child } : {}) });
const barriers = (phase: Phase, ...moments: string[]): Point[] => moments.map((moment) => at('plain', `${phase}:${moment}`));

/** Decision 26: named points of the engine, not sleeps. `intent`, `acted` and `receipt` are those of every order. By scenario, in its order. */
export const POINTS: readonly Point[] = [
  ...barriers('assess', 'started'),
  at('plain', 'assess:asking', 'question'),
  at('plain', 'diagnose:started'),
  at('plain', 'diagnose:trying', 'attempt'),
  at('plain', 'diagnose:attempted'),
  // The change that the fallback starts as a run of its own begins here.
  ...barriers('plan', 'started'),
  at('plain', 'plan:asking', 'question'),
  ...barriers('arm', 'intent', 'acted', 'receipt'),
  ...barriers('prepare', 'started'),
  at('plain', 'prepare:installing', 'uv'),
  ...barriers('prepare', 'installed', 'receipt'),
  at('plain', 'verify:importing', 'imports'),
  at('plain', 'verify:testing', 'tests'),
  ...barriers('verify', 'sealed', 'receipt'),
  ...barriers('switch', 'intent', 'turning', 'acted', 'receipt'),
  ...barriers('configure', 'acted'),
  ...barriers('restart', 'intent'),
  at('plain', 'restart:restarting', 'restart'),
  ...barriers('restart', 'acted'),
  ...barriers('verify link', 'intent'),
  ...barriers('close', 'intent', 'acted'),
  ...barriers('document', 'started', 'written'),
  at('built', 'build:started'),
  at('built', 'build:building', 'build'),
  at('built', 'build:built'),
  at('proposed', 'propose:started'),
  at('proposed', 'propose:resolving', 'question'),
  at('proposed', 'propose:tried'),
  at('measured', 'measure:started'),
  at('measured', 'measure:timing', 'probe'),
  at('measured', 'measure:kept'),
  at('undone', 'undo:intent'),
  at('undone', 'undo:turned'),
  at('undone', 'undo:restarting', 'restart back'),
  at('undone', 'undo:acted'),
  at('undone', 'undo:receipt'),
];

export interface Case {
  point: Point;
  victim: Victim;
  signal: Signal;
}

/** `SIGSTOP of the agent at switch:turning`. */
export const caseName = ({ point, victim, signal }: Case): string => `${signal} of ${nameOf(point, victim)} at ${point.name}`;

const CHILD_NAMES: Record<NonNullable<Point['child']>, string> = {
  question: 'uv\'s question to the index', attempt: 'uv\'s attempt', uv: 'uv and its group', imports: 'the imports', tests: 'the project\'s tests', restart: 'the restart command',
  'restart back': 'the restart command', build: 'pip and its build', probe: 'the timed probe',
};

function nameOf({ child }: Point, victim: Victim): string {
  if (victim === 'child') return child ? CHILD_NAMES[child] : 'no child';
  return { agent: 'the agent', control: 'the control worker', server: 'the server', cli: 'the command that follows' }[victim];
}

/** Why there is no such case; null where there is one. */
export function notApplicable({ child }: Point, victim: Victim): string | null {
  return victim === 'child' && !child ? 'the agent has no child of its own that waits here' : null;
}

/** Every case of a signal. */
export function casesOf(signal: Signal): Case[] {
  return POINTS.flatMap((point) => VICTIMS.filter((victim) => notApplicable(point, victim) === null).map((victim) => ({ point, victim, signal })));
}

/** A sample that a seed decides, of as many different victims as there are: the same seed, the same cases. */
export function sampleOf(cases: readonly Case[], count: number, seed: number): Case[] {
  // Numerical Recipes' linear congruential generator is enough for a sample; neighbouring seeds are spread first (Knuth).
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const drawn: Case[] = [];
  while (drawn.length < Math.min(count, cases.length)) {
    const times = (victim: Victim): number => drawn.filter((one) => one.victim === victim).length;
    const rest = cases.filter((one) => !drawn.includes(one));
    const fewest = Math.min(...rest.map(({ victim }) => times(victim)));
    const fair = rest.filter(({ victim }) => times(victim) === fewest);
    drawn.push(fair[Math.floor(next() * fair.length)]!);
  }
  // In the order of a full run.
  return cases.filter((one) => drawn.includes(one));
}
