/**
 * Decisions 1 and 3 on a real instance: the control worker is away across a decision's deadline. A vote counts by when it reaches the
 * decision; one that did in time counts even if its signature is judged after the deadline; no timer approves (invariant 5).
 */
import assert from 'node:assert/strict';
import { readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { EXIT } from '../../client/cli/io.js';
import type { Started } from '../../client/cli/runs.js';
import type { DecisionState } from '../../policy/model-approval.js';
import { Cab, type Open } from '../support/cab.js';
import { poll, type CliAnswer } from '../support/instance.js';
import { startOutageInstance, type OutageInstance } from '../support/outage.js';

/** Long enough for two votes beside other work, short enough to be waited for. */
const DECIDE_SECONDS = 25;

let it: OutageInstance;
let cab: Cab;
before(async () => {
  it = await startOutageInstance();
  cab = new Cab(it, { defaultClass: { approvals: { change: 2 } }, timers: { cabApprovalHours: DECIDE_SECONDS / 3600 } });
}, { timeout: 240_000 });
after(() => it?.stop());

/** A change that asks two of the CAB. */
async function asked(): Promise<{ started: Started; open: Open; deadline: number }> {
  const started = await cab.begin(await cab.change('change', { to: it.version() === it.primary.version ? it.fallback.version : it.primary.version }));
  const open = await cab.decision(started.workflowId, 'change');
  return { started, open, deadline: Date.parse(open.state.request.deadline) };
}

const passed = (instant: number): Promise<unknown> => poll(() => Date.now() > instant);

function assertInTime(deadline: number): void {
  assert.ok(Date.now() < deadline, `this machine needs more than ${DECIDE_SECONDS} s for two votes`);
}

/** `runbook vote`, with text and signature as somebody sent them. */
function carriedByHand({ text, signature }: { text: string; signature: string }): Promise<CliAnswer> {
  const file = path.join(path.dirname(it.home), 'vote.txt');
  writeFileSync(file, text);
  writeFileSync(`${file}.sig`, signature);
  return it.cli('vote', file, `${file}.sig`);
}

const votesOf = ({ counted, refused }: DecisionState): unknown => ({ counted: counted.map(({ person }) => person), refused: refused.length });

function eventsOf(run: string): string[] {
  const records = it.records();
  try {
    assert.equal(records.verify().ok, true);
    return records.entriesOf(run).map(({ entry }) => entry.event);
  } finally {
    records.close();
  }
}

test('decision 1, invariant 5: control worker away across the deadline: the vote before it counts, those sent meanwhile are late, and it expires', { timeout: 180_000 }, async () => {
  const stands = readlinkSync(it.link);
  const { started, open, deadline } = await asked();
  const [alices, carols, bobs] = await Promise.all([cab.voteOf(open, 'alice'), cab.voteOf(open, 'carol'), cab.voteOf(open, 'bob')]);
  const first = await cab.send(open, alices);
  assert.deepEqual([first.outcome, first.message], [null, 'counted: 1 of 2 of cab']);
  await it.takeAway('control');
  assertInTime(deadline);
  // Sent in time; nobody is there to take it.
  const carol = cab.send(open, carols);
  await passed(deadline);
  const bob = cab.send(open, bobs);
  assert.equal((await carriedByHand(alices)).code, EXIT.couldNotTell, 'a command says that nobody answers');
  it.letBegin('control');
  const casts = await Promise.all([carol, bob]);
  for (const { counted, outcome, message } of casts) {
    assert.deepEqual([counted, outcome], [false, null]);
    assert.match(message, /too late: votes counted until|the decision has ended .*expired|decided already: expired/);
  }
  const result = await it.result(started);
  assert.equal(result.outcome, 'expired', result.message);
  assert.match(result.message, /expired with 1 of 2 of cab; nothing was changed/);
  const again = await carriedByHand(carols);
  assert.equal(again.code, EXIT.no);
  assert.match(again.stdout, /^not counted: the decision has ended .*expired with 1 of 2 of cab/);
  assert.deepEqual(votesOf(await cab.look(open.workflowId)), { counted: ['alice'], refused: 0 });
  assert.equal(readlinkSync(it.link), stands);
  const events = eventsOf(started.run);
  assert.equal(events.filter((event) => event === 'vote').length, 1);
  assert.equal(events.filter((event) => event === 'decided').length, 1);
  assert.ok(!events.includes('vote-refused'), 'what the decision did not take leaves no record (decision 2)');
});

test('decision 3: taken before the deadline, judged after it, the control worker away between: it counts, and the change goes through', { timeout: 180_000 }, async () => {
  const was = it.version();
  const { started, open, deadline } = await asked();
  const carols = await cab.voteOf(open, 'carol');
  await cab.vote(open, 'alice');
  const mend = cab.breakPolicy();
  try {
    const carol = cab.send(open, carols);
    await poll(async () => (await cab.look(open.workflowId)).inFlight.length === 1);
    await it.takeAway('control');
    assertInTime(deadline);
    await passed(deadline);
    mend();
    it.letBegin('control');
    const cast = await carol;
    assert.deepEqual([cast.counted, cast.outcome], [true, 'approved'], cast.message);
  } finally {
    mend();
    it.letBegin('control');
  }
  const result = await it.result(started);
  assert.equal(result.outcome, 'done', result.message);
  assert.notEqual(it.version(), was);
  const { decidedAt } = await cab.look(open.workflowId);
  assert.ok(Date.parse(decidedAt!) < deadline, 'it was decided when the vote came in');
  assert.equal(eventsOf(started.run).filter((event) => event === 'vote').length, 2);
});
