/** Recordings that a bad release must fail: each variant breaks one promise, and the histories find it. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { installRuntime } from '../../worker/log.js';
import { historyFiles, readHistory } from '../support/history-files.js';
import { replayWithTranscript } from '../support/transcript.js';
import { removeVariants, variantBundle, type Variant } from '../support/variants.js';

installRuntime('variants', 'ERROR', process.stderr);
after(removeVariants);

/** `finder`: what tells it. `replay`: the SDK's own replay. Else the fact of the transcript that must differ. */
interface Broken extends Variant {
  title: string;
  history: string;
  finder: 'replay' | RegExp;
}

const broken = (title: string, history: string, file: string, from: string, to: string, finder: Broken['finder'] = 'replay'): Broken => ({ title, history, file, from, to, finder });

const VARIANTS: Broken[] = [
  broken('invariant 1: a change that does not arm', 'environment-change--done', 'environment-change.js', 'await steps.arm(run, plan, permit.end);', ''),
  broken('invariant 1: a change that does not wait for arming', 'environment-change--done', 'environment-change.js', 'await steps.arm(run, plan, permit.end);', 'void steps.arm(run, plan, permit.end);'),
  broken('invariant 1: arming for another plan than the one carried out', 'environment-change--done', 'lib/change-steps.js', 'host.armUndo({ ...order, reissued }, plan, ...until)', 'host.armUndo({ ...order, reissued }, { ...plan, undoTarget: null }, ...until)', /armUndo/),

  broken('invariant 1: an adoption that is not armed', 'environment-tidy--adopted', 'environment-tidy.js', 'await arm(run, plan, null);', ''),

  broken('invariant 2: a service that is ill after the switch is left so', 'environment-change--rolled-back-by-an-unhealthy-service', 'lib/change-steps.js', 'if (!settled.healthy)', 'if (false)'),
  broken('invariant 2: an undo of whatever was last, not of this change', 'environment-change--rolled-back-by-an-unhealthy-service', 'lib/undoing.js', 'host.undo({ ...order, reissued }, { chain })', 'host.undo({ ...order, reissued }, { chain: null })', /undo/),
  broken('invariant 2: an abort that stops nothing', 'environment-change--aborted-during-prepare', 'lib/run.js', 'this.forward.cancel();', ''),
  broken('invariant 2: a parent whose end takes its change along', 'wheel-fallback--done', 'lib/child-change.js', 'ParentClosePolicy.ABANDON', 'ParentClosePolicy.TERMINATE', /^child 1: [^]*whenParentEnds: 2[^]*whenParentEnds: 1/),
  broken('invariant 2: an abort of the fallback that does not reach its change', 'wheel-fallback--aborted', 'lib/child-change.js', 'run.state.aborting ?? ', 'run.state.waitsFor ?? ', /abort-change/),
  broken('invariant 2: an undo that a cancel stops half-way', 'environment-undo--cancelled-and-carried-out', 'environment-undo.js', 'CancellationScope.nonCancellable(() => carryOut(run, request))', 'carryOut(run, request)'),
  broken('invariant 2: an undo that may take two hours', 'environment-change--rolled-back-by-failing-tests', 'lib/undoing.js', "ROLLBACK_LIMIT = '1 hour'", "ROLLBACK_LIMIT = '2 hours'", /undo .*wholeMs: 3600000/),

  broken('invariant 3: a switch without a lease', 'environment-change--done', 'environment-change.js', "await takeLease(run, 'forward');", ''),
  broken('invariant 3: a pruning without a lease', 'environment-tidy--pruned', 'environment-tidy.js', "await takeLease(run, 'forward');\n    const { pruned", 'const { pruned'),
  broken('invariant 3: orders without the epoch of the lease', 'environment-change--done', 'lib/lease.js', 'run.epoch = busy;', 'run.epoch = 0;', /epoch/),
  broken('invariant 3: a dead holder is never asked after', 'environment-change--after-a-holder-that-ended', 'lib/lease.js', 'if (await control.isChainClosed(holder))', 'if (false)'),
  broken('invariant 3: an ended holder is not told to the host', 'environment-change--after-a-holder-that-ended', 'lib/lease.js', 'chain: holder.chain', "chain: ''", /holderEnded/),
  broken('invariant 3: waiting without a word about whom', 'environment-change--waited-for-another-run', 'lib/lease.js', '${holder.run} to finish', 'somebody to finish', /waitsFor/),
  broken('invariant 3: an undo that waits behind forward runs', 'environment-undo--rolled-back', 'environment-undo.js', "takeLease(run, 'undo')", "takeLease(run, 'forward')", /priority/),
  broken('decision 18: a permit of 50 minutes', 'environment-change--done', 'lib/host.js', 'scheduleToStartMs: 30_000', 'scheduleToStartMs: 3_000_000', /permitMs: 30000/),
  broken('decision 18: an order given anew that the older one could outrun', 'environment-change--waited-for-a-silent-host', 'lib/host.js', 'options), reissued)', 'options), 0)', /reissued/),
  broken('decision 13: a dead agent that is noticed after ten minutes', 'environment-change--done', 'lib/host.js', 'heartbeatMs: 10_000', 'heartbeatMs: 600_000', /heartbeatMs: 10000/),
  broken('decision 12: a host that is silent for an hour', 'host-watch--check-in-and-quiet-leases', 'host-watch.js', 'HEARTBEAT_MS = 60_000', 'HEARTBEAT_MS = 3_600_000', /heartbeatMs: 60000/),
  broken('decision 12: rules for its own checks that never reach a host', 'host-watch--health-changed', 'host-watch.js', '...(health ? { health } : {}), ', '', /nextEvent/),
  broken('decision 12: worse health that is not on record', 'host-watch--health-changed', 'lib/host-news.js', '!== (told[one.link] ?? WELL)', "=== 'ill'"),
  broken('decision 12: worse health that nobody is told of', 'host-watch--health-changed', 'host-watch.js', 'await pager.tell(health, ', 'await pager.tell([], '),
  broken('invariant 6: a statement of somebody without the role', 'record-statement--not-of-that-role', 'record-statement.js', 'acceptedBy.includes(one.role)', 'true'),
  broken('invariant 6: a statement under the name of its requester', 'record-statement--accepted', 'record-statement.js', 'actor: verdict.person', "actor: 'somebody'", /somebody/),
  broken('decision 12: news that are asked for again and again', 'host-watch--check-in-and-quiet-leases', 'host-watch.js', 'cursor = event.cursor;', '', /cursor/),

  broken('invariant 4: done without verifying the link', 'environment-change--done', 'environment-change.js', 'await steps.verifyLink(run, plan, tree, manifestDigest);', ''),
  broken('invariant 4: done although the link was found wrong', 'environment-change--rolled-back-by-a-changed-tree', 'lib/change-steps.js', 'if (!seen.ok)', 'if (false)'),
  broken('invariant 4: a link verified against nothing', 'environment-change--done', 'lib/change-steps.js', '{ plan, tree, manifestDigest })', "{ plan, tree, manifestDigest: '' })", /verifyLink/),
  broken('invariant 4: a switch to a tree that verification refused', 'environment-change--rolled-back-by-failing-tests', 'lib/change-steps.js', 'if (!verdict.ok)', 'if (false)'),
  broken('invariant 4: an undo that is not verified and said to be', 'environment-change--rollback-incomplete', 'lib/undoing.js', 'if (!undone.verified)', 'if (false)'),
  broken('invariant 4: an undo that is not given again', 'environment-change--rollback-incomplete', 'lib/undoing.js', 'VERIFY_AGAIN = 5', 'VERIFY_AGAIN = 0'),
  broken('invariant 4: an adoption that was given back, not proven to be', 'environment-tidy--given-back', 'environment-tidy.js', 'return await undoAndEnd(run, plan, error);', "return run.end('rolled-back', 'it is a directory again');"),
  broken('invariant 4: rolled back, said as done', 'environment-change--aborted-during-prepare', 'lib/undoing.js', "return run.end('rolled-back'", "return run.end('done'", /^end 1/),

  broken('invariant 5: a deadline that approves', 'decision--expired', 'decision.js', 'this.become(closeAt(this.state, now()));', "this.become({ ...this.state, outcome: 'approved', decidedAt: now(), message: 'in time' });", /approved/),
  broken('invariant 5: a deadline twice as far away', 'environment-change--expired', 'lib/deciding.js', 'openedAt + needs.decideHours * HOUR_MS', 'openedAt + 2 * needs.decideHours * HOUR_MS', /deadline/),
  broken('invariant 5: an expired decision that is carried out', 'environment-change--expired', 'lib/permitting.js', "if (result.outcome !== 'approved')", "if (result.outcome === 'denied')"),
  broken('invariant 6: a denied change that is carried out', 'environment-change--denied', 'lib/permitting.js', "if (result.outcome !== 'approved')", "if (result.outcome === 'expired')"),
  broken('invariant 6: a vote judged as of another time than its own', 'decision--approved-after-refusals', 'decision.js', 'verifyVote({ text, signature, t })', "verifyVote({ text, signature, t: '2020-01-01T00:00:00.000Z' })", /verifySignature/),
  broken('invariant 6: a vote whose signature nobody looks at', 'decision--approved-after-refusals', 'decision.js', 'const verdict = await verify(vote);', "const verdict = { valid: true, person: 'alice', roles: [{ role: 'cab', deputyFor: null }], fingerprint: 'f', signer: 's', reason: '', signersDigest: 'd' };"),
  broken('invariant 6: refused votes that leave no record', 'decision--approved-after-refusals', 'decision.js', 'if (refused)\n            this.records.note(', 'if (false)\n            this.records.note('),
  broken('invariant 6: a request that nobody signed', 'environment-change--done-with-approval', 'lib/permitting.js', 'const admitted = await admit(run, request, []);', 'const admitted = [];'),
  broken('invariant 6: votes that are not counted again before the switch', 'environment-change--done-with-approval', 'environment-change.js', 'await recheck(plan, permit);\n    await steps.switchTo', 'await steps.switchTo'),
  broken('invariant 6: a host that is not shown the warrant', 'environment-change--done-with-approval', 'environment-change.js', 'permit.warrant)', 'null)', /prepare/),
  broken('invariant 6: a verdict that nobody asks the host to have signed', 'environment-change--done-with-approval', 'lib/change-steps.js', "if (patched('check-verdict'))", "if (patched('check-verdict') && false)"),
  broken('invariant 7: an end that is not on the disk of the host', 'environment-change--done-under-an-exception', 'environment-change.js', 'await steps.arm(run, plan, permit.end);', 'await steps.arm(run, plan, null);', /armUndo/),
  broken('invariant 7: an exception of other hours than were granted', 'emergency-exception--reverted', 'lib/exception-life.js', 'Date.parse(decidedAt) + hours * HOUR_MS', 'Date.parse(decidedAt) + 2 * hours * HOUR_MS'),
  broken('invariant 7: an exception that stays when its time is over', 'emergency-exception--reverted', 'emergency-exception.js', 'revert(run, life, ended)', 'ended'),
  broken('invariant 7: a way back that waits behind forward runs', 'emergency-exception--reverted', 'lib/exception-end.js', "takeLease(run, 'expiry')", "takeLease(run, 'forward')", /priority/),
  broken('EE-08: permanent without the final review', 'emergency-exception--made-permanent', 'lib/final-review.js', 'await condition(() => life.clock.rootCause !== null);', ''),
  broken('EE-06: a grant that is not asked about again', 'emergency-exception--reverted', 'emergency-exception.js', 'if (again.refused)', 'if (!again.refused)'),
  broken('AP-09: a review whose first step may be skipped', 'interpreter-change--done', 'interpreter-change.js', 'for (const step of terms.steps)', 'for (const step of terms.steps.slice(1))'),
  broken('invariant 10: the next order before the record of the last', 'environment-change--done', 'lib/run.js', 'await (this.undoing ? this.recordOrGoOn() : this.record());', ''),
  broken('invariant 10: an undo that waits for the records', 'environment-change--aborted-during-prepare', 'lib/run.js', 'await (this.undoing ? this.recordOrGoOn() : this.record());', 'await this.record();'),
  broken('invariant 10: a step that is told twice', 'environment-change--aborted-as-a-step-ended', 'lib/run.js', "if (!isTold || !patched('step-told-once'))", 'if (true)'),
  broken('invariant 10: entries that are written twice', 'environment-change--done', 'lib/run-records.js', 'this.unrecorded = this.unrecorded.filter((entry) => !entries.includes(entry));', '', /appendRecords/),
  broken('invariant 10: entries that overwrite each other', 'environment-change--done', 'lib/run-records.js', '++this.noted', '1', /appendRecords/),
  broken('invariant 10: a fallback that begins before it is on record', 'wheel-fallback--done', 'wheel-fallback.js', 'await run.record();', ''),
  broken('who allowed it is another', 'environment-change--done', 'lib/run.js', "change: 'policy pre-approved'", "change: 'nobody'", /approval/),

  broken('invariant 14: a refused plan is carried out', 'environment-change--refused-at-plan', 'environment-change.js', 'if (planned.refused)', 'if (false)'),
  broken('invariant 14: a host that objects is not heard', 'environment-change--refused-for-a-foreign-link', 'lib/planning.js', 'if (look.objections.length > 0)', 'if (false)'),
  broken('invariant 14: another plan than the one agreed to', 'environment-change--refused-for-another-plan', 'environment-change.js', 'request.planDigest !== plan.digest', 'false'),
  broken('invariant 14: a refusal without its reasons', 'environment-change--refused-at-plan', 'environment-change.js', "join('; '), planned.refused)", "join('; '), [])", /objections/),
  broken('an index that does not answer is asked again after 20 minutes', 'wheel-fallback--could-not-tell', 'lib/assessing.js', "'20 seconds'", "'20 minutes'", /timer 2: .*20000/),

  broken('invariant 14: a plan nobody agreed to, after a build they agreed to', 'wheel-fallback--asks-again-for-the-plan', 'wheel-fallback.js', 'request.planDigest === NO_PLAN_YET', 'false'),
  broken('WF-37: sources that are built and not judged again', 'wheel-fallback--done-with-wheels-from-source', 'lib/ladder.js', 'const decision = await decideAgain(run, request, assessed, findings);', 'const decision = findings.decision;'),
  broken('WF-48: an environment slower than the project allows is switched to', 'environment-change--rolled-back-for-its-speed', 'lib/measuring.js', 'if (isTooSlow(measured))', 'if (false)'),
  broken('WF-71: a project that is cleaned unasked', 'environment-change--done', 'environment-change.js', 'if (request.cleanProject)', 'if (true)'),
  broken('WF-71: a reset that finds everything as it should be, and does nothing', 'environment-change--rebuilt-and-cleaned', 'environment-change.js', ' && !request.rebuild', ''),
  broken('a change ended before its switch is told as unfinished', 'wheel-fallback--its-change-terminated', 'lib/child-change.js', "if (result === 'freed')", 'if (false)', /rollback-incomplete/),
];

const fileOf = (name: string): string => {
  const file = historyFiles().find((one) => one.startsWith(`${name}--v`));
  if (!file) throw new Error(`expected a history ${name}, got ${historyFiles().length} others`);
  return file;
};

const replayed = async (name: string, variant: Variant, history: string): Promise<string[]> => replayWithTranscript(readHistory(fileOf(history)), await variantBundle(name, variant));

VARIANTS.forEach(({ title, history, finder, ...variant }, at) => {
  test(`${title}: found`, { timeout: 60_000 }, async () => {
    const differences = await replayed(`broken-${at}`, variant, history);
    const [first] = differences;
    if (finder === 'replay') assert.match(first ?? 'no difference', /^replay: /);
    else assert.ok(differences.some((difference) => finder.test(difference)), `expected a difference ${String(finder)}, got ${differences.join('\n') || 'none'}`);
    if (finder !== 'replay') assert.doesNotMatch(first!, /^replay: /, 'only the transcript sees this; replay sees order');
  });
});

/** Sentences for people, as a later release may word them. */
const REWORDED: Broken[] = [
  broken('the message of the end', 'environment-change--done', 'environment-change.js', 'answers from ${plan', 'is now on ${plan'),
  broken('the fact of a step', 'environment-change--done-for-a-fallback', 'lib/change-steps.js', ', as user ${built', ', owned by ${built'),
  broken('the words of a refusal', 'environment-change--refused-for-another-plan', 'lib/planning.js', "what: 'the plan agreed to'", "what: 'the agreed plan'"),
  broken('the words about a wait', 'environment-change--waited-for-another-run', 'lib/lease.js', 'to finish with this environment', 'to let go of it'),
  broken('the answer to an abort', 'environment-change--aborted-during-prepare', 'lib/run.js', 'already asked by', 'it was asked for by'),
  broken('the words about a silent host', 'host-watch--check-in-and-quiet-leases', 'lib/failures.js', 'no answer in time', 'it was silent'),
];

REWORDED.forEach(({ title, history, ...variant }, at) => {
  test(`decision 24: ${title} may be worded anew`, { timeout: 60_000 }, async () => {
    assert.deepEqual(await replayed(`reworded-${at}`, variant, history), []);
  });
});
