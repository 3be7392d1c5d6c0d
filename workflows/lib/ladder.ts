/** The rungs above wheels: source builds elsewhere, then other locks as proposals. None of them touches the environment. */
import type { ChangeRequest, LockProposal, WheelBuild } from '../../policy/model.js';
import { buildFacts, proposalFacts } from '../../policy/fallback-entries.js';
import { counted } from '../../policy/text.js';
import type { FallbackDecision, Ladder } from '../../activities/control/contract.js';
import { decideAgain, type Assessed } from './assessing.js';
import { failureType, rethrowMistake } from './failures.js';
import type { Findings } from './findings.js';
import { callHost, control } from './host.js';
import type { Run, StepFact } from './run.js';

/** WF-36 to WF-40: climbs until the lock can be installed as it is, or all that is left are proposals. Returns the decision then. */
export async function climb(run: Run, request: ChangeRequest, assessed: Assessed, findings: Findings): Promise<FallbackDecision> {
  const ladder = await run.step('ladder', () => control.planLadder({ request, look: assessed.look, verdicts: findings.verdicts }), ladderFact);
  for (const { rung } of ladder.rungs) {
    if (rung !== 'source-one' && rung !== 'source-all') continue;
    await build(run, ladder, rung, assessed, findings);
    const decision = await decideAgain(run, request, assessed, findings);
    if (decision.decision !== 'impossible') return decision;
  }
  if (ladder.rungs.some(({ rung }) => PROPOSED.includes(rung))) await propose(run, ladder, assessed, findings);
  return findings.decision!;
}

/** Rungs whose result is another lock, which nobody has approved yet (DIS-20). */
const PROPOSED: readonly string[] = ['verified-pins', 'known-good', 'relock', 'bump'];

const ladderFact = ({ rungs }: Ladder): StepFact => ({
  ok: rungs.length > 0,
  fact: rungs.length > 0 ? `left to try: ${rungs.map(({ rung }) => rung).join(', ')}` : 'nothing is left to try',
  data: { rungs: rungs as never },
});

/** Rungs 3 and 4, on the builder. A build that fails is an answer, not a failure of the run. */
async function build(run: Run, ladder: Ladder, mode: 'source-one' | 'source-all', { interpreters }: Assessed, findings: Findings): Promise<void> {
  const host = ladder.builder;
  if (host === null) return;
  const order = { run: run.state.run, interpreter: interpreters[1]!.version, pins: ladder.pins, mode: mode === 'source-one' ? 'one' as const : 'all' as const };
  const ask = () => callHost(run, `build ${counted(ladder.pins.length, 'wheel')} from source`, (on) => on.buildWheels(order), { host });
  findings.builds.push(await run.step(`build ${mode}`, ask, buildFact));
}

const buildFact = (build: WheelBuild): StepFact => ({
  ok: build.failed.length === 0,
  fact: `${counted(build.built.length, 'wheel')} built on ${build.host}${build.failed.length > 0 ? `; failed: ${build.failed.map((f) => `${f.project} ${f.version} (${f.class})`).join(', ')}` : ''}`,
  workMs: build.workMs,
  data: buildFacts(build),
});

/** Rung 5 and what follows: tried in a scratch tree, told with their differences, never taken. */
async function propose(run: Run, ladder: Ladder, { interpreters, decision }: Assessed, findings: Findings): Promise<void> {
  const order = { env: run.env, run: run.state.run, interpreter: interpreters[1]!, missing: ladder.missing, knownGood: ladder.knownGood };
  try {
    findings.proposals = await run.step('propose', () => callHost(run, `propose locks for ${decision.to}`, (host) => host.proposeLocks(order), { scheduleToCloseTimeout: '1 hour' }), proposalFact);
  } catch (error) {
    rethrowMistake(error);
    if (failureType(error) === 'Cancelled') throw error;
  }
}

function proposalFact(proposals: LockProposal[]): StepFact {
  const told = proposals.map(({ rung, changes, tried }) => `${rung}: ${changes.map((c) => `${c.project} ${c.from} → ${c.to}`).join(', ')}${tried.problem === '' ? '' : ` (${tried.problem})`}`);
  return { ok: proposals.length > 0, fact: told.join('; ') || 'no other lock was found', ...proposalFacts(proposals) };
}
