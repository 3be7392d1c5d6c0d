/** The fault matrix of a change under a fallback: its phases, what may die in them and how. Data, and nothing that acts. */

/** Processes of an instance, and the installer's own: what the agent starts to build, to judge and to restart. */
export const VICTIMS = ['agent', 'control', 'server', 'cli', 'child'] as const;
export type Victim = (typeof VICTIMS)[number];

/** SIGKILL, and SIGSTOP past the heartbeat with SIGCONT after it. */
export const SIGNALS = ['SIGKILL', 'SIGSTOP'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Phases of a fallback, in the order in which it reaches them. */
export const PHASES = ['assess', 'plan', 'arm', 'prepare', 'verify', 'switch', 'configure', 'restart', 'verify link', 'close', 'document'] as const;
export type Phase = (typeof PHASES)[number];

/** A moment at which the run stands still: at a named barrier in the agent, or while a child of the agent waits. */
export interface Point {
  /** As in test titles and barrier files. */
  name: string;
  phase: Phase;
  /** The child that waits, where one does: uv asking the index or with half a file, the imports, the project's tests, the unit's command. */
  child?: 'question' | 'uv' | 'imports' | 'tests' | 'restart';
}

const barriers = (phase: Phase, ...moments: string[]): Point[] => moments.map((moment) => ({ name: `${phase}:${moment}`, phase }));

/** Decision 26: named points of the engine, not sleeps. `intent`, `acted` and `receipt` are those of every order. */
export const POINTS: readonly Point[] = [
  ...barriers('assess', 'started'),
  { name: 'assess:asking', phase: 'assess', child: 'question' },
  // The change that the fallback starts as a run of its own begins here.
  ...barriers('plan', 'started'),
  { name: 'plan:asking', phase: 'plan', child: 'question' },
  ...barriers('arm', 'intent', 'acted', 'receipt'),
  ...barriers('prepare', 'started'),
  { name: 'prepare:installing', phase: 'prepare', child: 'uv' },
  ...barriers('prepare', 'installed', 'receipt'),
  { name: 'verify:importing', phase: 'verify', child: 'imports' },
  { name: 'verify:testing', phase: 'verify', child: 'tests' },
  ...barriers('verify', 'sealed', 'receipt'),
  ...barriers('switch', 'intent', 'turning', 'acted', 'receipt'),
  ...barriers('configure', 'acted'),
  ...barriers('restart', 'intent'),
  { name: 'restart:restarting', phase: 'restart', child: 'restart' },
  ...barriers('restart', 'acted'),
  ...barriers('verify link', 'intent'),
  ...barriers('close', 'intent', 'acted'),
  ...barriers('document', 'started', 'written'),
];

export interface Case {
  point: Point;
  victim: Victim;
  signal: Signal;
}

/** `SIGSTOP of the agent at switch:turning`. */
export const caseName = ({ point, victim, signal }: Case): string => `${signal} of ${nameOf(point, victim)} at ${point.name}`;

const CHILD_NAMES = { question: 'uv\'s question to the index', uv: 'uv and its group', imports: 'the imports', tests: 'the project\'s tests', restart: 'the restart command' } as const;

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
  // In the order of the change, as a full run has them.
  return cases.filter((one) => drawn.includes(one));
}
