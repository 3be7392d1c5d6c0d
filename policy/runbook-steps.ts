/**
 * The runbooks in words (PV-14, WF-54): what each step does, what a no means, how long it may take, and how a person does it
 * without this program. A test compares the names with those that recorded runs emit.
 */
import type { RunKind } from './model.js';
import { APPROVE_STEP, exceptionRunbook, reviewRunbook } from './runbook-steps-approval.js';

/** One step, by the name that runs, records and histories use. */
export interface RunbookStep {
  name: string;
  does: string;
  /** What it means when its answer is no, and what happens then. */
  otherwise: string;
  limit: string;
  /** The same by hand, in the project's folder, as its owner. Empty: there is nothing to do by hand. */
  byHand: string[];
  /** Not in every run: when. */
  only?: string;
}

export interface Runbook {
  kind: RunKind;
  title: string;
  /** When a person reaches for it. */
  when: string;
  steps: RunbookStep[];
  /** What a person is asked, and when. */
  asks: string[];
  commands: { command: string; what: string }[];
}

/** Kinds by every name that is understood. */
export const RUNBOOK_NAMES: Record<string, RunKind> = { change: 'change', fallback: 'fallback', 'wheel-fallback': 'fallback', rollback: 'rollback', undo: 'rollback', exception: 'exception', 'interpreter-change': 'interpreter-change' };

/** Words in `byHand` that stand for a fact of the policy, the project, or the moment. */
export type Placeholder = 'PRIMARY' | 'FALLBACK' | 'NEW';

const ORDER = '2 hours; a host that does not answer within 30 s is waited for, without limit';
const BUILD_LIMIT = `${ORDER}; each build as long as the builder's limits.buildSeconds`;

const UNDONE = 'the run undoes what it did and ends rolled-back';

const PREPARE_BY_HAND = [
  'umask 022',
  'NEW -m venv --without-pip .venvs/by-hand',
  'NEW -m pip --python .venvs/by-hand/bin/python install --only-binary :all: --no-deps -r requirements.txt',
];

const CHANGE_STEPS: RunbookStep[] = [
  {
    name: 'plan', does: 'Looks at the host as the user who will run it (writing, executing, disk, what runs from the environment), judges every pin for the interpreter, and says what will be done, with a digest.',
    otherwise: 'refused, with what, expected, got and the way out; nothing was changed', limit: 'a question of seconds; runbook plan gives up after 2 minutes',
    byHand: ['df -h . && ls -ld . .venv', 'NEW -m pip download --only-binary :all: --no-deps --dest "$(mktemp -d)" -r requirements.txt'],
  },
  APPROVE_STEP,
  {
    name: 'arm', does: 'Proves the way back before anything changes: the old environment is what it was recorded as, and its interpreter runs. Undo target and end are on the host\'s disk from here on.',
    otherwise: 'no armed undo, no change: the run ends', limit: ORDER,
    byHand: ['readlink .venv; .venv/bin/python -V', 'NEW -m pip --python .venv/bin/python freeze > requirements.frozen'],
  },
  { name: 'prepare', does: 'Builds the new environment beside the old one, in a fresh folder of .venvs, as the project\'s owner, from wheels by hash, and makes it read-only.', otherwise: UNDONE, limit: `${ORDER}; the installer as long as the agent file's limits.buildSeconds`, byHand: PREPARE_BY_HAND },
  {
    name: 'verify', does: 'Judges it there: files against RECORD, installed set against the lock, interpreter, each import in a process of its own, the project\'s tests. Then seals it.',
    otherwise: UNDONE, limit: `${ORDER}; tests as long as runbook.yaml's testsTimeoutSeconds`,
    byHand: ['NEW -m pip --python .venvs/by-hand/bin/python check', '.venvs/by-hand/bin/python -I -c "import MODULE"     # each that matters', '.venvs/by-hand/bin/python -m pytest             # the project\'s own tests'],
  },
  { name: 'measure', does: 'Times one statement in the old and the new environment in turns, and keeps the best as the baseline.', otherwise: 'told in the report; where runbook.yaml says maxSlowdown, a slower environment is not switched to', limit: '5 minutes', byHand: ['.venvs/by-hand/bin/python -m timeit -s "SETUP" "STATEMENT"'], only: 'here where runbook.yaml says maxSlowdown; after a fallback, where a probe of the project or the policy fits the lock' },
  {
    name: 'switch', does: 'Renames one symbolic link over the other. A .venv that is still a directory is adopted first, in one exchange.', otherwise: UNDONE, limit: 'under a millisecond on the host',
    byHand: ['ln -s .venvs/by-hand .venv.next && mv -T .venv.next .venv', '# where .venv is a directory: mv .venv .venvs/before first, and for that moment there is none'],
  },
  {
    name: 'adopt', does: 'Gives a .venv that is a directory its place in .venvs and a link before it, in one exchange; interpreter and files stay as they are, and are proven through the link.', otherwise: 'it is given back: a directory as before, and the run ends rolled-back', limit: ORDER,
    byHand: ['mv .venv .venvs/adopted && ln -s .venvs/adopted .venv     # for that moment there is none'], only: 'for runbook env adopt',
  },
  { name: 'configure', does: 'Edits version variables and configuration files in place, by key.', otherwise: UNDONE, limit: ORDER, byHand: ['edit PROJECT_PYTHON_VERSION where the project keeps it'], only: 'where runbook.yaml names files or a prefix' },
  { name: 'restart', does: 'Restarts the units that run from the environment and asks their health; nothing may be left on a mix of two environments.', otherwise: `a unit that is not healthy: ${UNDONE}, and restarts again`, limit: `${ORDER}; each unit as long as its restartWindowSeconds`, byHand: ['systemctl restart UNIT', 'ask its health address'] },
  { name: 'verify link', does: 'Looks once more through the link, as everybody will use it.', otherwise: UNDONE, limit: ORDER, byHand: ['.venv/bin/python -V'] },
  { name: 'undo', does: 'Renames the link back, restarts, and verifies against the old environment\'s manifest. Also any time later.', otherwise: 'retried, unless a file of the old tree is another one now; then rollback-incomplete, which names what a person must do', limit: '1 hour for the whole way back, restarts and health included', byHand: ['cat .venvs/README', 'ln -s .venvs/PREVIOUS .venv.back && mv -T .venv.back .venv', 'systemctl restart UNIT'], only: 'after a failure or an abort' },
  { name: 'close', does: 'Writes .venvs/README, prunes trees nothing needs, gives the lease back.', otherwise: 'retried', limit: ORDER, byHand: ['write down what you did and why: no record knows of it'] },
  { name: 'clean', does: 'Removes __pycache__, *.egg-info, *.pyc and *.pyo from the project, in no environment, and nothing that git tracks.', otherwise: 'what could not be removed is told; the change stands', limit: '10 minutes', byHand: ['find . -path ./.venvs -prune -o -path ./.venv -prune -o -name __pycache__ -print     # look first'], only: 'for runbook env reset' },
];

const FALLBACK_STEPS: RunbookStep[] = [
  {
    name: 'assess', does: 'Asks the index for every pin of the lock, for the primary and for the fallback interpreter; looks at tools, imports and the installed set of the live environment.',
    otherwise: 'nothing is missing: not-needed. The fallback lacks a wheel too: the ladder below, then refused. The index gave no answer: asked three times, 5 s and 20 s apart, then refused, because silence is not "no wheel"', limit: ORDER,
    byHand: ['PRIMARY -m pip download --only-binary :all: --no-deps --dest "$(mktemp -d)" -r requirements.txt', 'FALLBACK -m pip download --only-binary :all: --no-deps --dest "$(mktemp -d)" -r requirements.txt', '# "No matching distribution found" names a package without a wheel; a network error says nothing'],
  },
  { name: 'diagnose', does: 'Makes an attempt on the primary that installs nothing, and reads it line by line: cause, evidence, remedy and where it leads, with the facts of the host.', otherwise: 'the report says that there is no diagnosis', limit: '3 minutes', byHand: ['PRIMARY -m pip download --only-binary :all: --no-deps --dest "$(mktemp -d)" -v -r requirements.txt 2>&1 | tee wheel_install.log', 'uname -srm; free -m; PRIMARY -m pip cache info'], only: 'where a package lacks a wheel' },
  { name: 'ladder', does: 'Says what is left to try where the fallback lacks wheels too, in order, by the policy.', otherwise: 'nothing is left: refused', limit: 'milliseconds', byHand: ['read this page on'], only: 'where the fallback lacks a wheel' },
  { name: 'build source-one', does: 'Builds what lacks a wheel from source on a host with the role builder, one at a time, into a wheelhouse by hash; what a build needs comes as wheels. Then the lock is judged anew.', otherwise: 'the next rung is tried', limit: BUILD_LIMIT, byHand: ['FALLBACK -m pip wheel --no-deps --wheel-dir WHEELHOUSE PACKAGE==VERSION     # on the builder, never on the host'], only: 'where the policy allows builds and names a builder' },
  { name: 'build source-all', does: 'The same with everything from source, what the builds need included.', otherwise: 'the next rung is tried', limit: BUILD_LIMIT, byHand: ['FALLBACK -m pip wheel --no-deps --no-binary :all: --wheel-dir WHEELHOUSE PACKAGE==VERSION'], only: 'where builds one at a time were not enough' },
  { name: 'propose', does: 'Looks for another lock that would install (pins verified before, known-good pins, a minimal new lock, newer releases), tries each in a scratch tree, and writes it down. None is taken: that needs whoever approves locks.', otherwise: 'refused; vendor_support.md says what to send to the vendors', limit: '1 hour', byHand: ['uv pip compile --python FALLBACK --only-binary :all: --resolution lowest --generate-hashes requirements.in'], only: 'where no rung before it installs' },
  { name: 'document', does: 'Writes the logs, the incident, the report and, where vendors must help, vendor_support.md; for failures too.', otherwise: 'told in the record; the change stands', limit: '10 minutes', byHand: ['append to wheel_fallback.log, incident.log, deployment.log and fallback_incidents.md what you did, when, and why'] },
];

/** A change that another runbook orders: adoption by itself is no part of it. */
const ORDERED_STEPS = CHANGE_STEPS.filter(({ name }) => name !== 'adopt');

/** The change that a fallback orders stands between the ladder and the documents. */
const WHOLE_FALLBACK = [...FALLBACK_STEPS.slice(0, -1), ...ORDERED_STEPS, ...FALLBACK_STEPS.slice(-1)];

const ROLLBACK_STEPS: RunbookStep[] = [
  CHANGE_STEPS.find(({ name }) => name === 'undo')!,
  { name: 'keep', does: 'Verifies what an ended run left against its seal, restarts what runs on it, and takes it as decided.', otherwise: 'rollback-incomplete: it is not what it was sealed as', limit: ORDER, byHand: [], only: 'runbook settle RUN --keep' },
  CHANGE_STEPS.find(({ name }) => name === 'close')!,
].map((step) => (step.name === 'undo' ? { ...step, only: undefined } : step)).map(({ only, ...step }) => (only === undefined ? step : { ...step, only }));

const FOLLOW = [
  { command: 'runbook watch RUN', what: 'follow it; the exit code is its outcome' },
  { command: 'runbook abort RUN --reason …', what: 'stop it and undo what it did' },
  { command: 'runbook show RUN --report html', what: 'the whole report, from the records' },
];

const UNDO = { command: 'runbook undo PATH --reason …', what: 'go back; with --local on the host itself, without a server' };

const AGREE = 'To agree to the plan before anything starts (y, or --yes --plan DIGEST in scripts).';
const SETTLE = 'To settle what a run left behind that was terminated from outside: runbook settle RUN --keep or --undo.';

export const RUNBOOKS: Record<RunKind, Runbook> = {
  change: {
    kind: 'change', title: 'Change the interpreter of an environment', when: 'Another interpreter or another lock shall stand behind the link, and nothing is wrong.', steps: CHANGE_STEPS, asks: [AGREE, SETTLE],
    commands: [{ command: 'runbook plan change PATH --to VERSION', what: 'what would be done; changes nothing' }, { command: 'runbook run change PATH --to VERSION --reason …', what: 'plan, ask, carry out' }, ...FOLLOW, UNDO],
  },
  fallback: {
    kind: 'fallback', title: 'Wheel fallback', when: 'The lock can\'t be installed on the primary interpreter, because packages have no wheel for it.', steps: WHOLE_FALLBACK,
    asks: [AGREE, 'To look at a proposed lock, where one was found: it deviates from the pins, and whoever approves locks decides.', SETTLE],
    commands: [{ command: 'runbook wheels PATH', what: 'which packages have a wheel, for both interpreters' }, { command: 'runbook plan fallback PATH', what: 'what would be done; changes nothing' }, { command: 'runbook run fallback PATH --reason …', what: 'plan, ask, carry out' }, ...FOLLOW, UNDO],
  },
  rollback: {
    kind: 'rollback', title: 'Go back to the environment before the last change', when: 'A change or a fallback turned out wrong, or a run was ended from outside.', steps: ROLLBACK_STEPS,
    asks: ['Nothing: it was armed with the change. Only the reason.', SETTLE],
    commands: [UNDO, { command: 'runbook why PATH', what: 'which Python stands there, since when, and by which run' }, ...FOLLOW.filter(({ command }) => !command.includes('abort'))],
  },
  exception: exceptionRunbook(ORDERED_STEPS, FOLLOW),
  'interpreter-change': reviewRunbook(FOLLOW),
};
