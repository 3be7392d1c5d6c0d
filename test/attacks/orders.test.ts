/** A hostile member of the namespace gives orders straight to a host's queue, from a workflow of their own (decisions 8, 9 and 14). */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Order, LeaseHolder } from '../../activities/host/contract.js';
import type { Warrant } from '../../policy/model-approval.js';
import { parseWorkflowId, workflowIdOf } from '../../policy/ids.js';
import type { HostLook, Performance, Plan, RunResult } from '../../policy/model.js';
import { hostQueue } from '../../policy/names.js';
import { planDigest } from '../../policy/plan.js';
import { poll } from '../support/instance.js';
import { NEEDS_ROOT, startGuarded, wordsOf, type Guarded } from './guarded.js';

describe('orders of a hostile member of the namespace to a host with trust: signatures', { skip: NEEDS_ROOT }, () => {
  let at: Guarded;
  /** What the history of an approved change shows to everybody: its plan, and the signatures that allowed it. */
  let plan: Plan;
  let warrant: Warrant;
  let run: string;
  let stood: string;
  let mark: string;
  const give = <T = unknown>(activity: string, ...args: unknown[]): Promise<T> => at.order<T>(hostQueue(at.it.handle.host), activity, ...args);

  before(async () => {
    at = await startGuarded();
    mark = path.join(path.dirname(at.it.home), 'attacked');
    // Approved, and its run ended before it built: signatures that nobody used yet.
    at.it.barrier.arm('arm:intent');
    const asked = await at.ask();
    await at.approve(asked, 'alice', 'carol');
    await at.it.barrier.reached('arm:intent');
    ({ plan, warrant } = (await at.seen(asked.started, 'checkWarrant'))[0] as { plan: Plan; warrant: Warrant });
    run = asked.started.run;
    await at.it.client.workflow.getHandle(asked.started.workflowId).terminate('stolen');
    at.it.barrier.release('arm:intent');
    stood = at.standing();
    // Any program that a lie makes this host run leaves this behind.
    writeFileSync(program(), `#!/bin/sh\ntouch ${mark}\n`);
    chmodSync(program(), 0o755);
  }, { timeout: 240_000 });
  after(() => at?.stop());
  beforeEach(() => assert.equal(at.standing(), stood));
  const program = (): string => path.join(at.folder, 'program');

  /** Takes the lease as a run that does not exist, as anybody who polls can. */
  let taken = 0;
  async function lease(name = `ch-m${String(++taken).padStart(3, '0')}`, chain = `mallory-${++taken}`): Promise<(step: string) => Order> {
    const holder: LeaseHolder = { workflowId: `change/mallory/${chain}`, chain, run: name };
    // Before it, whoever had it last is said to have ended: another lie that costs nothing but time.
    const { holder: before } = await give<{ holder: LeaseHolder | null }>('describeLease', { env: at.it.env });
    if (before) await give('holderEnded', { env: at.it.env, chain: before.chain });
    const { epoch } = await give<{ epoch: number }>('acquireLease', { env: at.it.env, holder, priority: 'forward' });
    let seq = 0;
    return (step) => ({ env: at.it.env, run: name, workflowId: holder.workflowId, chain, epoch, seq: ++seq, step, reissued: 0 });
  }
  const treesOf = (name: string): string[] => readdirSync(path.join(at.it.project, '.venvs')).filter((tree) => tree.startsWith(`${name}-`));
  const clean = (): void => assert.ok(!existsSync(mark), 'a program of the attacker was run');
  const notTold = (order: Order): void => {
    assert.deepEqual(treesOf(order.run), []);
    assert.equal(at.standing(), stood);
    clean();
  };

  test('design, "a warrant\'s request": lease and armed undo can be had; a stolen warrant builds nothing for another run, half of one or none nothing at all', { timeout: 120_000 }, async () => {
    const order = await lease();
    await give('armUndo', order('arm'), plan);
    assert.match(await at.refusedOrder('prepare', order('prepare'), plan, warrant), new RegExp(`NotApproved: .*run of the warrant: expected ch-m\\w+, which orders this, got ${run}`));
    assert.match(await at.refusedOrder('prepare', order('prepare'), plan), /NotApproved: .*expected the signatures that allow it, because this host has "trust: signatures", got none/);
    assert.match(await at.refusedOrder('prepare', order('prepare'), plan, { ...warrant, votes: warrant.votes.slice(1) }), /NotApproved: .*(quorum|time of the grant)/);
    assert.match(await at.refusedOrder('prepare', order('prepare'), plan, { ...warrant, asked: null }), /NotApproved: .*expected signed by bob, got no signature/);
    notTold(order('x'));
  });

  test('invariant 6: a plan of one\'s own under stolen signatures: another program, no files, other tests, another kind, another end', { timeout: 120_000 }, async () => {
    const order = await lease(run);
    await give('armUndo', order('arm'), plan);
    const sealed = (change: Partial<Plan>): Plan => ({ ...plan, ...change, digest: planDigest({ ...plan, ...change }) });
    const programs = { interpreter: { ...plan.interpreter, realpath: program() } };
    const tests = { settings: { ...plan.settings, tests: ['-c', `open(${JSON.stringify(mark)}, 'w')`] } };
    for (const other of [sealed(programs), { ...plan, ...programs }, sealed({ files: [] }), sealed(tests), { ...plan, ...tests }, sealed({ kind: 'fallback' }), sealed({ kind: 'exception', hours: 72 })]) {
      assert.match(await at.refusedOrder('prepare', order('prepare'), other, warrant), /NotApproved: .*: plan: expected [0-9a-f]{64}, got [0-9a-f]{64}/);
    }
    assert.match(await at.refusedOrder('prepare', order('prepare'), sealed({ kind: 'rollback' }), warrant), /NotApproved: .*the only kinds that build and switch/);
    notTold(order('x'));
  });

  test('decision 8: nothing is verified, switched to or configured without a warrant that was kept when it was built', { timeout: 120_000 }, async () => {
    const order = await lease();
    assert.match(await at.refusedOrder('switchLink', order('switch'), { plan, tree: path.basename(stood) }), /UndoNotProven: .*expected an armed undo of this run, got none/);
    await give('armUndo', order('arm'), plan);
    const sealed = 'ch-mmmm-1';
    cpSync(path.join(at.it.project, '.venvs', path.basename(stood)), path.join(at.it.project, '.venvs', sealed), { recursive: true, verbatimSymlinks: true });
    const none = /NotApproved: .*expected one that was kept when it began to build, under this lease, got none/;
    assert.match(await at.refusedOrder('switchLink', order('switch'), { plan, tree: sealed }), none);
    const hostile = { ...plan, settings: { ...plan.settings, tests: ['-c', `open(${JSON.stringify(mark)}, 'w')`] } };
    assert.match(await at.refusedOrder('verifyTree', order('verify'), { plan: hostile, tree: sealed, seal: true }), none);
    assert.match(await at.refusedOrder('configure', order('configure'), [{ path: '.env', format: 'env', set: { LD_PRELOAD: '/tmp/x.so' } }]), none);
    assert.doesNotMatch(readFileSync(path.join(at.it.project, '.env'), 'utf8'), /LD_PRELOAD/);
    assert.equal(at.standing(), stood);
    clean();
  });

  test('invariant 2: who takes the lease in the name of the run that made what stands can\'t have it cleared away', { timeout: 120_000 }, async () => {
    const made = /^(.+)-\d+$/.exec(path.basename(stood))![1]!;
    const order = await lease(made);
    assert.deepEqual(await give('holderEnded', { env: at.it.env, chain: order('x').chain }), { result: 'freed' });
    const next = await lease();
    assert.ok((await give<{ kept: string[] }>('closeChange', next('close'), { keepPin: false })).kept.includes(path.basename(stood)));
    assert.equal(at.standing(), stood);
    assert.equal(at.it.version(), at.it.primary.version);
  });

  test('decision 14: orders without the lease, under an older one, or in another run\'s name', { timeout: 120_000 }, async () => {
    const [old, now] = [await lease(), await lease()];
    assert.match(await at.refusedOrder('armUndo', old('arm'), plan), /Fenced: .*expected the lease of ch-m\w+, epoch \d+, got held by/);
    assert.match(await at.refusedOrder('prepare', { ...now('prepare'), chain: 'somebody-else' }, plan, warrant), /Fenced: /);
    assert.match(await at.refusedOrder('switchLink', { ...now('switch'), epoch: 10_000 }, { plan, tree: 'x' }), /Fenced: /);
  });

  test('invariant 7: an end that was granted is not taken away without the final review\'s signatures', { timeout: 180_000 }, async () => {
    const { request, workflowId } = await at.request({ kind: 'exception', hours: '12', ground: 'security-vulnerability' });
    const started = await at.start('emergencyException', workflowId, request);
    const asked = await at.waits(started);
    await at.approve(asked, 'alice', 'carol');
    const child = workflowIdOf('change', at.it.env, parseWorkflowId(workflowId)!.ulid);
    await poll(() => at.it.client.workflow.getHandle(child).describe().catch(() => null));
    const changed = (await at.it.client.workflow.getHandle(child).result()) as RunResult;
    assert.equal(changed.outcome, 'done', wordsOf(changed));
    const order = await lease();
    const [{ chain }] = (await at.seen({ workflowId: child }, 'prepare')) as [Order];
    for (const given of [null, warrant, asked.state.request.facts]) assert.match(await at.refusedOrder('makePermanent', order('permanent'), { chain, warrant: given }), /NotApproved: /);
    const end = (await give<{ known: boolean; end: string | null }>('rehearse', { env: at.it.env, chain })).end;
    assert.ok(end !== null && Date.parse(end) > Date.now());
    // Nor by closing in its name, nor by arming something over it.
    await give('closeChange', order('close'), { keepPin: false });
    const again = await lease();
    assert.match(await at.refusedOrder('armUndo', again('arm'), { ...plan, present: { ...plan.present, id: 'x' } }), /HostRefused|PlanChanged/);
    assert.equal((await give<{ end: string | null }>('rehearse', { env: at.it.env, chain })).end, end);
    await give('closeChange', again('close'), { keepPin: false });
    await started.handle.cancel();
    assert.equal((await at.it.result(started)).outcome, 'rolled-back');
    stood = at.standing();
  });

  test('measure: code of the attacker is not run; the project\'s own probe is', { timeout: 60_000 }, async () => {
    const [tree] = readdirSync(path.join(at.it.project, '.venvs')).filter((name) => name.startsWith('ch-'));
    const told = await give<Performance>('measure', { env: at.it.env, run: 'ch-mmmm', probe: { name: 'speed', setup: `open(${JSON.stringify(mark)}, 'w')`, statement: 'pass' }, before: null, after: tree });
    assert.match(told.summary, /does not run this code: expected the probe of the project, of the approved plan or of the signed policy/);
    clean();
    const settings = path.join(at.it.project, 'runbook.yaml');
    const text = readFileSync(settings, 'utf8');
    writeFileSync(settings, `${text}performance: { name: own, setup: import alpha, statement: alpha.VERSION }\n`);
    const own = await give<Performance>('measure', { env: at.it.env, run: 'ch-mmmm', probe: { name: 'own', setup: 'import alpha', statement: 'alpha.VERSION' }, before: null, after: tree });
    writeFileSync(settings, text);
    assert.ok(own.afterMs !== null && own.afterMs > 0, JSON.stringify(own));
  });

  test('writeDocuments: no file but a run\'s logs and reports is written', { timeout: 60_000 }, async () => {
    for (const name of ['checks.py', 'runbook.yaml', 'requirements.txt', '.venvs/README', '../outside', '.git/hooks/post-checkout', 'proposed-x.lock/../checks.py']) {
      const before = existsSync(path.join(at.it.project, name)) ? readFileSync(path.join(at.it.project, name), 'utf8') : null;
      assert.match(await at.refusedOrder('writeDocuments', { env: at.it.env, run: 'ch-mmmm', documents: [{ path: name, mode: 'replace', text: 'import os' }] }), /HostRefused: .*expected a log or report of a run, by its name/);
      assert.equal(existsSync(path.join(at.it.project, name)) ? readFileSync(path.join(at.it.project, name), 'utf8') : null, before);
    }
    await give('writeDocuments', { env: at.it.env, run: 'ch-mmmm', documents: [{ path: 'incident.log', mode: 'append', text: 'lies, and known to be\n' }] });
    assert.match(readFileSync(path.join(at.it.project, 'incident.log'), 'utf8'), /lies/);
  });

  test('assess, diagnose, proposeLocks: a program that the host did not find itself is not started as its Python', { timeout: 60_000 }, async () => {
    const { interpreters } = await give<HostLook>('look', { env: at.it.env, to: null, manifest: false, create: false });
    const interpreter = { ...interpreters[0]!, realpath: program(), path: program() };
    const input = { env: at.it.env, run: 'ch-mmmm', interpreter, suspects: [], missing: ['alpha'], knownGood: {} };
    const refused = /HostRefused: .*expected one that this host finds by itself, got another program/;
    assert.match(await at.refusedOrder('assess', { env: at.it.env, interpreters: [interpreters[0], interpreter] }), refused);
    assert.match(await at.refusedOrder('diagnose', input), refused);
    assert.match(await at.refusedOrder('proposeLocks', input), refused);
    assert.match(await at.refusedOrder('buildWheels', { run: 'ch-mmmm', interpreter: '3.12.1', pins: [{ project: 'gamma', version: '1.0' }], mode: 'one' }), /HostRefused: .*builder/);
    clean();
  });

  test('proposeLocks: a version is a version, and no second line with another index', { timeout: 60_000 }, async () => {
    const { interpreters } = await give<HostLook>('look', { env: at.it.env, to: null, manifest: false, create: false });
    const knownGood = { alpha: '1.1\n--index-url http://127.0.0.1:9/simple' };
    assert.match(await at.refusedOrder('proposeLocks', { env: at.it.env, run: 'ch-mmmm', interpreter: interpreters[0], missing: ['alpha'], knownGood }), /BadInput: a pin: expected a project name, a version/);
  });

  test('invariant 11: an environment outside the host\'s roots, another host\'s, or a name with options in it', { timeout: 60_000 }, async () => {
    for (const [env, reason] of [[{ host: at.it.env.host, link: '/usr/.venv' }, /HostRefused/], [{ host: 'web-02', link: at.it.env.link }, /HostRefused/], [{ host: at.it.env.host, link: `${at.it.project}/../../.venv` }, /HostRefused/]] as const) {
      assert.match(await at.refusedOrder('acquireLease', { env, holder: { workflowId: 'x', chain: 'x', run: 'ch-mmmm' }, priority: 'forward' }), reason);
    }
  });

  test('invariant 6: signatures that nobody used yet allow whoever has them what was signed, once, and nothing else', { timeout: 120_000 }, async () => {
    const order = await lease(run);
    await give('armUndo', order('arm'), plan);
    const { id } = await give<{ id: string }>('prepare', order('prepare'), plan, warrant);
    const tests = { settings: { ...plan.settings, tests: ['-c', `open(${JSON.stringify(mark)}, 'w')`] } };
    assert.match(await at.refusedOrder('verifyTree', order('verify'), { plan: { ...plan, ...tests }, tree: id, seal: true }), /NotApproved: plan of .*which was approved/);
    assert.match(await at.refusedOrder('switchLink', order('switch'), { plan, tree: id }), /HostRefused: .*expected a verified tree, sealed/);
    assert.match(await at.refusedOrder('configure', order('configure'), [{ path: '.env', format: 'env', set: { LD_PRELOAD: '/tmp/x.so' } }]), /NotApproved: edit of \.env: expected one that follows from the approved plan/);
    const again = await lease(run);
    await give('armUndo', again('arm'), plan);
    assert.match(await at.refusedOrder('prepare', again('prepare'), plan, warrant), new RegExp(`NotApproved: request .*expected one that was not used before: it allows one run, once, got one used by ${run}`));
    clean();
    assert.equal(at.standing(), stood);
  });

  test('invariant 15: what was tried and what was refused is on the host\'s own journal', { timeout: 60_000 }, async () => {
    const { openAgentStore } = await import('../../activities/host/store.js');
    const store = openAgentStore(path.join(at.it.home, 'state', 'agent', 'agent.db'));
    try {
      const bodies = store.journal.entries(at.it.env.link).map(({ body }) => body as { warrant?: string; taken?: boolean });
      assert.ok(bodies.filter(({ warrant: when, taken: was }) => when === 'prepare' && was === false).length >= 10, JSON.stringify(bodies));
      assert.equal(store.journal.verify().ok, true);
    } finally {
      store.close();
    }
  });
});
