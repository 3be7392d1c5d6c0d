/** The runbooks that people decide, in words: the emergency exception and the interpreter change (PV-14). */
import type { Runbook, RunbookStep } from './runbook-steps.js';

const DECIDED = 'a rejection or an unreachable quorum: denied; nobody in time: expired, which is no yes. Nothing was changed';
const SIGN_BY_HAND = ['runbook show RUN --to-sign > vote.txt', 'ssh-keygen -Y sign -n runbook.approval -f KEY vote.txt', 'runbook vote vote.txt vote.txt.sig     # anybody may carry it back'];

/** Of a change or fallback whose class of hosts asks for it. */
export const APPROVE_STEP: RunbookStep = {
  name: 'approve', does: 'Asks whoever the policy names, each with a signature of their own, on exactly this plan. Nobody holds the environment meanwhile.', otherwise: DECIDED,
  limit: "timers.cabApprovalHours of the policy, 72 hours unless it says otherwise", byHand: SIGN_BY_HAND, only: 'where the class of the host asks for approvals',
};

const EXCEPTION_BEFORE: RunbookStep[] = [
  { name: 'declare', does: 'Checks ground, hours, version and who declares it, by their signature, against the policy; grants of before count.', otherwise: 'refused, with what, expected, got and the way out', limit: 'seconds', byHand: ['write down: what, where, on which ground, by whom, when'] },
];

const EXCEPTION_GRANT: RunbookStep[] = [
  { name: 'grant', does: 'Pages the CAB, which convenes within 2 hours with its first vote, and grants a life of at most 72 hours from the deciding one. Who is overdue is told, and the next ones are, and the wait goes on.', otherwise: DECIDED, limit: 'timers.emergencyConveneHours to convene, timers.cabApprovalHours to decide', byHand: SIGN_BY_HAND },
];

const EXCEPTION_AFTER: RunbookStep[] = [
  { name: 'rehearse', does: 'Proves the way back once more, 24 hours before the end, and asks whether today\'s policy would still have it.', otherwise: 'pages; the end does not move', limit: '30 minutes', byHand: ['cat .venvs/README', '.venvs/PREVIOUS/bin/python -V'], only: 'at half time where the exception is shorter than 48 hours' },
  { name: 'make permanent', does: 'Takes the end away from the host\'s disk, because the final review approved the version.', otherwise: 'goes back at its end all the same', limit: '2 hours; a host that does not answer within 30 s is waited for, without limit', byHand: [], only: 'where the final review approved it in time' },
];

const DOCUMENT: RunbookStep = { name: 'document', does: 'Writes the incident report, whatever happened.', otherwise: 'told in the record', limit: '10 minutes', byHand: ['write the incident report: ground, times, votes, root cause, how it ended'] };

/** `change`: the steps of the change that an exception orders. */
export function exceptionRunbook(change: RunbookStep[], follow: Runbook['commands']): Runbook {
  const own = change.filter(({ name }) => name !== 'approve' && name !== 'measure' && name !== 'clean');
  const plan = own.filter(({ name }) => name === 'plan');
  return {
    kind: 'exception', title: 'Emergency exception', when: 'A security vulnerability, a blocking incompatibility or a vendor asks for an interpreter the policy does not approve, now, for a while.',
    steps: [...EXCEPTION_BEFORE, ...plan, ...EXCEPTION_GRANT, ...own.filter(({ name }) => name !== 'plan'), ...EXCEPTION_AFTER, DOCUMENT],
    asks: ['To sign the request, as somebody who may declare an emergency.', 'The CAB: to sign, each with a key of their own.', 'Engineering: the root cause, before the end (runbook exception root-cause RUN FILE).', 'The final review, which is the whole interpreter change.'],
    commands: [
      { command: 'runbook plan exception PATH --to VERSION --hours N --ground GROUND', what: 'what would be done; changes nothing' },
      { command: 'runbook run exception PATH --to VERSION --hours N --ground GROUND --reason …', what: 'plan, sign, ask, and carry it out once it is granted' },
      { command: 'runbook exception list', what: 'what is granted now, and until when' },
      { command: 'runbook exception root-cause RUN FILE', what: 'hand in the root cause; the final review begins' },
      ...follow,
    ],
  };
}

const REVIEW: [name: string, does: string, evidence: string][] = [
  ['technical-review', 'Engineering judges what the interpreter breaks.', 'technical-review'],
  ['ci-validation', 'All tests pass in CI on the new interpreter.', 'ci-validation'],
  ['integration', 'What depends on the project was tried with it.', 'integration'],
  ['security-review', 'Security judges the interpreter.', 'security-review'],
  ['document-update', 'The policy in force is a newer revision, signed where the policy asks for that, that approves the version.', 'document-update'],
  ['cab', 'The CAB decides on all of it; last.', ''],
];

export function reviewRunbook(follow: Runbook['commands']): Runbook {
  return {
    kind: 'interpreter-change', title: 'Interpreter change', when: 'Another interpreter version is to be approved, for good; also the final review of an exception.',
    steps: REVIEW.map(([name, does, evidence]) => ({
      name, does: `${does}${evidence === '' ? '' : ' Its document comes first; whoever decides signs its digest.'}`, otherwise: DECIDED, limit: 'timers.cabApprovalHours of the policy for each step, its documents included',
      byHand: [...(evidence === '' ? [] : [`runbook evidence RUN ${name} FILE`]), 'runbook approve RUN'],
    })),
    asks: ['For each step its document, and the signatures of whoever the policy names for it.'],
    commands: [{ command: 'runbook run interpreter-change HOST:PATH… --from VERSION --to VERSION --reason …', what: 'begin the review' }, { command: 'runbook evidence RUN STEP FILE', what: 'hand in a document' }, { command: 'runbook approve RUN', what: 'sign what the open step asks' }, ...follow],
  };
}
