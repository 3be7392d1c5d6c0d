/** The fault matrix of what waits for people: an exception and an interpreter change, their phases and points. Data, and nothing that acts. */

/** Who dies: people's commands are no process of the instance. */
export const APPROVAL_VICTIMS = ['control', 'agent', 'server'] as const;
export type ApprovalVictim = (typeof APPROVAL_VICTIMS)[number];

/** In the order in which a run reaches them; those of a review on its own by its steps. */
export const APPROVAL_PHASES = [
  'declare', 'plan', 'asking', 'vote', 'deciding vote', 'granted', 'change', 'countdown', 'root cause', 'final review', 'make permanent', 'revert', 'close', 'document',
  'technical-review', 'ci-validation', 'integration', 'security-review', 'document-update', 'cab',
] as const;
export type ApprovalPhase = (typeof APPROVAL_PHASES)[number];

/** How a run ends: approved for good, stopped by a person, at its end; and the review alone. What each is, `approval-routes.ts` says. */
export const ROUTES = ['permanent', 'withdrawn', 'expired', 'reviewed'] as const;
export type RouteName = (typeof ROUTES)[number];

/**
 * A moment at which the run stands still: it waits for somebody; a signature can't be judged (`judging`); or the agent is at a named
 * barrier, whose name is in brackets where it is not the point's own.
 */
export interface ApprovalPoint {
  name: string;
  phase: ApprovalPhase;
  route: RouteName;
}

const points = (route: RouteName, phase: ApprovalPhase, ...moments: string[]): ApprovalPoint[] => moments.map((moment) => ({ name: `${phase}: ${moment}`, phase, route }));

/** Steps of a review by the policy's defaults; the last has no document of its own. */
export const REVIEW_STEPS = ['technical-review', 'ci-validation', 'integration', 'security-review', 'document-update', 'cab'] as const;

export const APPROVAL_POINTS: readonly ApprovalPoint[] = [
  ...points('permanent', 'declare', 'judging the request'),
  ...points('permanent', 'plan', 'plan:started'),
  ...points('permanent', 'asking', 'nobody voted'),
  ...points('permanent', 'vote', 'judging', 'counted'),
  ...points('permanent', 'deciding vote', 'judging'),
  ...points('permanent', 'granted', 'plan:started'),
  ...points('permanent', 'change', 'prepare:installed', 'switch:acted', 'restart:acted'),
  ...points('permanent', 'countdown', 'waiting'),
  ...points('permanent', 'root cause', 'judging'),
  ...points('permanent', 'final review', 'waiting for a document', 'judging', 'judging the last vote'),
  ...points('permanent', 'make permanent', 'make permanent:intent', 'make permanent:judged', 'make permanent:acted', 'make permanent:receipt'),
  ...points('permanent', 'close', 'close:acted'),
  ...points('permanent', 'document', 'document:started', 'document:written'),
  ...points('withdrawn', 'revert', 'undo:intent', 'undo:turned', 'undo:acted', 'undo:receipt'),
  ...points('expired', 'countdown', 'waiting for its end'),
  ...points('expired', 'revert', 'undo:turned'),
  ...REVIEW_STEPS.flatMap((step) => points('reviewed', step, ...(step === 'cab' ? ['waiting for votes'] : ['waiting for a document']), 'judging')),
];

export interface ApprovalCase {
  point: ApprovalPoint;
  victim: ApprovalVictim;
}

/** Every case, in the order of routes and points. */
export const approvalCases = (): ApprovalCase[] => APPROVAL_POINTS.flatMap((point) => APPROVAL_VICTIMS.map((victim) => ({ point, victim })));

const NAMES: Record<ApprovalVictim, string> = { control: 'the control worker', agent: 'the agent', server: 'the server' };

/** `SIGKILL of the agent at change: switch:acted (permanent)`. */
export const approvalCaseName = ({ point, victim }: ApprovalCase): string => `SIGKILL of ${NAMES[victim]} at ${point.name} (${point.route})`;
