/** Decision 3 on a real instance: where the control worker runs there is no ssh-keygen, across a decision's deadline. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { findSshKeygen } from '../../activities/ssh-tool.js';
import { Cab } from '../support/cab.js';
import { poll } from '../support/instance.js';
import { needsMounts, unmount } from '../support/own-mounts.js';
import { startOutageInstance, type OutageInstance } from '../support/outage.js';

const DECIDE_SECONDS = 25;
/** It takes the two minutes that a signature may be judged for. */
const skip = needsMounts !== false ? needsMounts : process.env['RUNBOOK_FAULTS'] === 'all' ? false : 'two minutes of waiting: npm run test:faults';

let it: OutageInstance;
let cab: Cab;
before(async () => {
  if (skip !== false) return;
  it = await startOutageInstance();
  cab = new Cab(it, { defaultClass: { approvals: { change: 2 } }, timers: { cabApprovalHours: DECIDE_SECONDS / 3600 } });
}, { timeout: 240_000 });
after(() => it?.stop());

test('decision 3: a vote in time that nobody can judge is not invalid: expired (verification unavailable), by no timer approved', { skip, timeout: 400_000 }, async () => {
  const stands = readlinkSync(it.link);
  const started = await cab.begin(await cab.change('change'));
  const open = await cab.decision(started.workflowId, 'change');
  const deadline = Date.parse(open.state.request.deadline);
  const carols = await cab.voteOf(open, 'carol');
  await cab.vote(open, 'alice');
  const tool = findSshKeygen();
  execFileSync('mount', ['--bind', '/dev/null', tool]);
  try {
    const carol = cab.send(open, carols);
    await poll(async () => (await cab.look(open.workflowId)).inFlight.length === 1);
    assert.ok(Date.now() < deadline, `this machine needs more than ${DECIDE_SECONDS} s for two votes`);
    await it.takeAway('control');
    await poll(() => Date.now() > deadline);
    it.letBegin('control');
    // The deadline is over, and the gate waits for the vote that came in time.
    assert.equal((await cab.look(open.workflowId)).outcome, null);
    const { counted, message } = await carol;
    assert.deepEqual([counted, message], [false, 'not counted: its signature could not be verified']);
    const result = await it.result(started);
    assert.equal(result.outcome, 'expired', result.message);
    assert.match(result.message, /^expired \(verification unavailable\); nothing was changed/);
  } finally {
    unmount(tool);
    it.letBegin('control');
  }
  assert.equal(readlinkSync(it.link), stands);
  const state = await cab.look(open.workflowId);
  assert.deepEqual(state.counted.map(({ person }) => person), ['alice']);
  assert.match((await it.cli('show', started.run)).stdout, /^expired .*verification unavailable/m);
});
