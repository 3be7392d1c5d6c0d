import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { armUndo } from '../../../activities/host/arm.js';
import { configure } from '../../../activities/host/configure.js';
import type { Order } from '../../../activities/host/contract.js';
import { look } from '../../../activities/host/look.js';
import { readLink } from '../../../activities/host/paths.js';
import { objectionText } from '../../../activities/host/refuse.js';
import { prepare } from '../../../activities/host/prepare.js';
import { switchLink } from '../../../activities/host/switch.js';
import { verifyTree } from '../../../activities/host/verify.js';
import { canonicalJson, sha256Hex } from '../../../policy/canonical.js';
import { policyFileSchema, type PolicyFile } from '../../../policy/files/policy-file.js';
import { SIGNATURE_NAMESPACE, type Warrant } from '../../../policy/model-approval.js';
import type { Objection, Plan } from '../../../policy/model.js';
import { planDigest } from '../../../policy/plan.js';
import { board, policyWarrantOf, ROLES, type Board, type WarrantWish } from '../../support/board.js';
import { prepared, type Prepared } from '../../support/environments.js';
import { someInterpreter, testHost, testScope, type TestHost, type TestProject } from '../../support/host.js';

const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'beside an agent that is not root, the signers file must be another user\'s: only root can make one';
const HOUR = 3_600_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR).toISOString();

/** A plan as `makePlan` gives it: its digest covers it. */
const sealed = (plan: Plan, change: Partial<Plan> = {}): Plan => ({ ...plan, ...change, digest: planDigest({ ...plan, ...change }) });

/** A project without an environment, its lease taken, and a plan that makes one of no packages. */
interface Bare {
  project: TestProject;
  plan: Plan;
  run: string;
  order: (step: string) => Order;
}

async function bare(host: TestHost, name: string): Promise<Bare> {
  const project = host.project(name, { 'requirements.txt': '' });
  host.ctx.agentFile.environments.push({ link: project.env.link, onSwitch: 'tolerate', units: [] });
  const plan = host.plan(project, await someInterpreter(host.ctx, '3.12'), [], { installer: 'pip' });
  return { project, plan: sealed({ ...plan, onSwitch: 'tolerate' }), run: `ch-${name}`, order: await host.orders(project, `ch-${name}`) };
}

const treesOf = ({ venvs }: TestProject): string[] => (existsSync(venvs) ? readdirSync(venvs).sort() : []);
const lookAt = (host: TestHost, { env }: TestProject) => look(host.ctx, testScope(), { env, to: null, manifest: false, create: true });

describe('trust: signatures', { skip: NEEDS_ROOT }, () => {
  let host: TestHost;
  let people: Board;
  let at: Bare;
  let plan: Plan;

  before(async () => {
    host = testHost({ trust: 'signatures' });
    people = await board(join(host.folder, 'etc'));
    host.ctx.agentFile.signers = people.file;
    at = await bare(host, 'guarded');
    ({ plan } = at);
  });
  after(() => host.close());
  beforeEach(() => people.write());

  const trees = (): string[] => treesOf(at.project);
  const lastNote = (): { warrant: string; taken: boolean; by?: string[] } => host.ctx.store.journal.entries(at.project.env.link).filter(({ kind, op }) => kind === 'observation' && op.includes('/warrant/')).at(-1)!.body as never;
  /** The words of the refusal, which is on the journal and built nothing. */
  async function refusedWords(act: () => Promise<unknown>): Promise<string> {
    const there = trees();
    const error = await act().then(() => assert.fail('expected a refusal'), (e: unknown) => e as ApplicationFailure);
    assert.deepEqual([error.type, error.nonRetryable], ['NotApproved', true], error.message);
    const objections = error.details![0] as Objection[];
    assert.ok(objections.length > 0 && objections.every(({ what, expected, got, wayOut }) => what && expected && got && wayOut), 'four parts each');
    assert.deepEqual(trees(), there, 'nothing is built');
    assert.equal(lastNote().taken, false);
    return objections.map(objectionText).join('\n');
  }
  const give = (warrant: unknown, order: Order = at.order('prepare'), what = plan) => prepare(host.ctx, testScope(), order, what, warrant as Warrant);
  const refuse = (warrant: unknown, order?: Order, what?: Plan): Promise<string> => refusedWords(() => give(warrant, order, what));

  test('the look of a plan tells that this host checks signatures', async () => {
    assert.equal((await lookAt(host, at.project)).trust, 'signatures');
  });

  const attacks: [string, WarrantWish, RegExp][] = [
    ['a quorum too small', { voters: ['alice'] }, /quorum: expected 2 of cab, got 1 of 2 of cab/],
    ['rules inside the warrant that ask for less', { voters: [] }, /quorum: expected 2 of cab, got 0 of 2 of cab/],
    ['the requester votes', { facts: { requester: 'alice' } }, /alice, who asked for this run/],
    ['the requester asks under another name, and votes', { facts: { requester: 'dora' }, askedBy: 'alice' }, /signed by dora, got signed by alice/],
    ['nobody signed the request', { askedBy: null }, /expected signed by dora, got no signature/],
    ['the request was for something else', { asked: { reason: 'another reason' } }, /expected because wheels, got because another reason/],
    ['the same person twice', { voters: ['alice', 'alice'] }, /alice has voted already/],
    ['a role that does not decide', { voters: ['alice', 'dora'], facts: { requester: 'carol' } }, /dora has none of the roles asked: cab/],
    ['a signature for another plan', { text: (text) => text.replace(/plan sha256:./, 'plan sha256:x') }, /text of vote 1: expected exactly what approves these facts/],
    ['facts of another plan', { facts: { planDigest: 'a'.repeat(64) } }, /: plan: expected [0-9a-f]{64}, got a{64}/],
    ['facts of another host', { facts: { env: { host: 'web-02', link: '/srv/app/.venv' } } }, /environment: expected test-host:.*, got web-02:\/srv\/app\/\.venv/],
    ['another Temporal namespace', { facts: { namespace: 'staging' } }, /namespace: expected default, got staging/],
    ['another run', { facts: { run: 'ch-else' } }, /run of the warrant: expected ch-guarded, which orders this, got ch-else/],
    ['a signature for another purpose', { namespace: SIGNATURE_NAMESPACE.statement }, /signed for another purpose: expected namespace runbook\.approval, got runbook\.statement/],
    ['carriage returns', { text: (text) => text.replaceAll('\n', '\r\n') }, /carriage returns/],
    ['approved to begin by a time that has passed', { facts: { useBy: inHours(-1) } }, /time: expected to be begun before/],
    ['a rejection', { text: (text) => text.replace('I approve', 'I reject') }, /text of vote 1: expected exactly what approves these facts/],
  ];
  for (const [title, wish, reason] of attacks) {
    test(`invariant 6, decisions 4, 5, 8: ${title}: refused before anything is built`, async () => {
      assert.match(await refuse(await people.warrant(plan, at.run, wish)), reason);
    });
  }

  test('invariant 6: two keys of one person are one person', async () => {
    const second = await people.key('alice-2');
    people.write({}, { alice: { keys: [{ key: people.keys['alice']!.line }, { key: second.line }] } });
    assert.match(await refuse(await people.warrant(plan, at.run, { voters: ['alice', second] })), /alice has voted already/);
  });

  test('invariant 6, decision 4: a key that is unknown, expired, not yet valid, revoked or compromised by this host\'s clock and file', async () => {
    const warrant = await people.warrant(plan, at.run);
    const line = people.keys['alice']!.line;
    for (const [fields, reason] of [
      [{ validUntil: inHours(-1) }, /alice's key SHA256:\S+ expired at/],
      [{ validFrom: inHours(1) }, /alice's key SHA256:\S+ is not valid before/],
      [{ revoked: inHours(-1) }, /alice's key SHA256:\S+ was revoked at/],
      [{ compromised: true }, /alice's key SHA256:\S+ is marked compromised/],
    ] as const) {
      people.write({}, { alice: { keys: [{ key: line, ...fields }] } });
      assert.match(await refuse(warrant), reason);
    }
    people.write({}, { alice: { keys: [] } });
    assert.match(await refuse(warrant), /nobody here has the key SHA256:/);
    people.write({ roles: { ...ROLES, cab: ['bob', 'carol'] } });
    assert.match(await refuse(warrant), /alice has none of the roles asked: cab/);
  });

  test('invariant 6: a plan whose content was changed under an approved digest, also where it names the approved one', async () => {
    const warrant = await people.warrant(plan, at.run);
    const other = { ...plan, interpreter: { ...plan.interpreter, realpath: '/tmp/python' } };
    assert.match(await refuse(warrant, undefined, other), /plan: expected [0-9a-f]{64}/);
    assert.match(await refuse(warrant, undefined, sealed(other)), /plan: expected [0-9a-f]{64}/);
    const tests = { ...plan, settings: { ...plan.settings, tests: ['-c', 'import os'] } };
    assert.match(await refuse(warrant, undefined, tests), /plan: expected [0-9a-f]{64}/);
  });

  test('invariant 6: a warrant for one environment orders nothing on another of this host', async () => {
    const other = await bare(host, 'other');
    const order = { ...other.order('prepare'), run: at.run };
    await assert.rejects(prepare(host.ctx, testScope(), order, plan, await people.warrant(plan, at.run)), /the plan's environment: expected test-host:.*other\/\.venv, for which the order is, got test-host:.*guarded\/\.venv/);
    assert.deepEqual(treesOf(other.project), []);
  });

  test('decision 8: no warrant, half of one, or a kind that needs none and therefore builds nothing', async () => {
    assert.match(await refuse(undefined), /expected the signatures that allow it.*got none/);
    for (const raw of [{}, 'yes', { facts: {} }, { ...(await people.warrant(plan, at.run)), votes: 'two' }]) assert.match(await refuse(raw), /warrant: expected facts, votes/);
    for (const kind of ['rollback', 'interpreter-change'] as const) assert.match(await refuse(await people.warrant(sealed(plan, { kind }), at.run), undefined, sealed(plan, { kind })), /the only kinds that build and switch/);
  });

  test('design, "a warrant\'s request": replayed by another run, or by the same one under a later lease, it is refused; a forged one does not use it up', async () => {
    const warrant = await people.warrant(plan, at.run);
    const forged = { ...warrant, votes: warrant.votes.slice(0, 1) };
    assert.match(await refuse(forged), /quorum/);
    const order = at.order('prepare');
    await give(warrant, order);
    // The same order again after its tree was lost: built again.
    rmSync(join(at.project.venvs, `${at.run}-1`), { recursive: true, force: true });
    await give(warrant, order);
    const { leases } = host.ctx.store;
    const lease = leases.get(at.project.env.link);
    try {
      leases.put({ ...lease, holder: { ...lease.holder!, chain: 'another-chain' } });
      assert.match(await refuse(warrant, { ...at.order('prepare'), chain: 'another-chain' }), /request request-\d+: expected one that was not used before: it allows one run, once, got one used by ch-guarded/);
      leases.put({ ...lease, epoch: lease.epoch + 1 });
      assert.match(await refuse(warrant, { ...at.order('prepare'), epoch: lease.epoch + 1 }), /got one used by this run, under a lease it has given back/);
    } finally {
      // A later epoch has fenced this run's orders off.
      leases.put({ ...lease, epoch: lease.epoch + 2 });
      const next = at.order;
      at.order = (step) => ({ ...next(step), epoch: lease.epoch + 2 });
    }
  });

  describe('the list of people', () => {
    const cases: [string, () => void, RegExp][] = [
      ['writable by its group', () => chmodSync(people.file, 0o664), /signers\.yaml: expected to be writable by its owner alone, got mode 664; chmod go-w/],
      ['writable by everybody', () => chmodSync(people.file, 0o646), /to be writable by its owner alone, got mode 646/],
      ['another user\'s', () => chownSync(people.file, 1234, 1234), /expected to be owned by root, got user 1234; chown root/],
      ['in a folder others may write to', () => chmodSync(dirname(people.file), 0o777), /etc: expected to be writable by its owner alone, got mode 777/],
      ['in another user\'s folder', () => chownSync(dirname(people.file), 1234, 1234), /etc: expected to be owned by root, got user 1234/],
      ['a link', () => { renameSync(people.file, `${people.file}.real`); symlinkSync(`${people.file}.real`, people.file); }, /signers\.yaml: expected the signers file, got a link/],
      ['a folder', () => { rmSync(people.file); mkdirSync(people.file); }, /expected a regular file, got a folder/],
      ['not there', () => rmSync(people.file), /expected the signers file, got nothing there/],
      ['unreadable', () => writeFileSync(people.file, 'people: [alice]'), /people/],
      ['of a typo', () => people.write({ warants: {} }), /warants/],
    ];
    for (const [title, spoil, reason] of cases) {
      test(`invariant 6: ${title}: it is not believed, and nothing is approved`, async () => {
        const warrant = await people.warrant(plan, at.run);
        spoil();
        try {
          assert.match(await refuse(warrant), reason);
        } finally {
          rmSync(people.file, { recursive: true, force: true });
          chmodSync(dirname(people.file), 0o755);
          chownSync(dirname(people.file), 0, 0);
        }
      });
    }
  });

  describe('before the switch', () => {
    let kept: Prepared;
    let good: Plan;
    let warrant: Warrant;
    let built: string;
    /** Armed and built under a warrant, sealed, and not yet switched. */
    before(async () => {
      people.write();
      kept = await prepared(host, { name: 'kept', run: 'ch-kept' });
      good = sealed({ ...kept.plan, facts: { ...kept.plan.facts, installer: 'pip' } });
      warrant = await people.warrant(good, kept.run);
      // Another run's tree beside it, whole and sealed.
      renameSync(join(kept.project.venvs, kept.next), join(kept.project.venvs, 'ch-else-1'));
      await armUndo(host.ctx, testScope(), kept.order('arm'), good);
      const order = kept.order('prepare');
      const made = await prepare(host.ctx, testScope(), order, good, warrant);
      assert.deepEqual(await prepare(host.ctx, testScope(), order, good, warrant), made, 'the same order again is answered');
      built = made.id;
      assert.equal((await verifyTree(host.ctx, testScope(), kept.order('verify'), { plan: good, tree: built, seal: true })).ok, true);
    });
    const turn = (what = good, tree = built, ctx = host.ctx) => switchLink(ctx, testScope(), kept.order('switch'), { plan: what, tree });
    async function staysPut(act: () => Promise<unknown>, reason: RegExp): Promise<void> {
      const error = await act().then(() => assert.fail('expected a refusal'), (e: unknown) => e as ApplicationFailure);
      assert.deepEqual([error.type, error.nonRetryable], ['NotApproved', true], error.message);
      assert.match(error.message, reason);
      assert.equal(readLink(kept.place).treeId, kept.old, 'nothing is switched');
    }

    test('invariant 6: neither another plan nor another run\'s tree is verified or switched to under a warrant', async () => {
      const other = sealed(good, { serviceActions: ['restart x'] });
      await staysPut(() => verifyTree(host.ctx, testScope(), kept.order('verify'), { plan: other, tree: built, seal: true }), /plan of ch-kept: expected [0-9a-f]{12}, which was approved/);
      await staysPut(() => turn({ ...other, digest: good.digest }), /: plan: expected [0-9a-f]{64}, got/);
      await staysPut(() => turn(good, 'ch-else-1'), /seal of the tree to switch to: expected ch-kept, 3\.12\.\d+, lock \S+, got ch-kept, 3\.12\.\d+, lock 000000000000/);
    });

    test('invariant 6: only configuration that follows from the approved plan is edited', async () => {
      const edit = { path: '.env', format: 'env' as const, set: { LD_PRELOAD: '/tmp/x.so' } };
      await staysPut(() => configure(host.ctx, testScope(), kept.order('configure'), [edit]), /edit of \.env: expected one that follows from the approved plan, got .*LD_PRELOAD/);
      assert.deepEqual((await configure(host.ctx, testScope(), kept.order('configure'), [])).edited, []);
    });

    test('decision 8: without a kept warrant nothing is switched, whatever the kind', async () => {
      const { leases, armed } = host.ctx.store;
      const lease = leases.get(kept.place.link);
      const order = { ...kept.order('switch'), chain: 'bare-chain' };
      const rollback = sealed(good, { kind: 'rollback' });
      armed.put({ ...armed.get(kept.order('x').chain)!, chain: order.chain, planDigest: rollback.digest }, false);
      leases.put({ ...lease, holder: { ...lease.holder!, chain: order.chain } });
      try {
        await staysPut(() => switchLink(host.ctx, testScope(), order, { plan: rollback, tree: built }), /expected one that was kept when it began to build, under this lease, got none/);
      } finally {
        armed.remove(order.chain);
        leases.put(lease);
      }
    });

    test('invariant 6: a key marked compromised, a person removed, a list anybody may write to, after it was built: nothing is switched', async () => {
      people.write({}, { carol: { keys: [{ key: people.keys['carol']!.line, compromised: true }] } });
      await staysPut(turn, /carol's key SHA256:\S+ is marked compromised/);
      people.write({ roles: { ...ROLES, cab: ['alice', 'bob'] } });
      await staysPut(turn, /carol has none of the roles asked/);
      chmodSync(people.file, 0o666);
      await staysPut(turn, /to be writable by its owner alone/);
    });

    test('invariant 6, decision 8: what two of the CAB signed and what began in time is switched, also after "to be begun by"; kept with who signed, on the journal', async () => {
      const late = { ...host.ctx, now: () => new Date(Date.now() + 2 * HOUR) };
      assert.equal((await turn(good, built, late)).to, built);
      const row = host.ctx.store.warrants.get(warrant.facts.request)!;
      assert.deepEqual([row.run, row.warrant, row.link], [kept.run, warrant, kept.place.link]);
      const taken = host.ctx.store.journal.entries(kept.place.link).map(({ body }) => body as { warrant?: string; taken?: boolean; by?: string[] }).filter((body) => body.taken);
      assert.deepEqual(taken.map(({ warrant: when, by }) => [when, by]), [['prepare', ['alice', 'carol']], ['switch', ['alice', 'carol']]]);
      assert.equal(host.ctx.store.journal.verify().ok, true);
    });
  });

  describe('exceptions', () => {
    const exception = (hours: number): Plan => sealed(plan, { kind: 'exception', hours });
    async function armed(what: Plan, end: string | null): Promise<void> {
      host.ctx.store.armed.put({
        chain: at.order('arm').chain, run: at.run, link: at.project.env.link, undoTarget: null, previousState: 'missing', manifestDigest: '', manifestScope: 'all', files: 0, version: null,
        end, planDigest: what.digest, onSwitch: 'tolerate', switchingTo: null, switched: false, undone: false, keepPin: false,
      }, false);
    }
    after(() => host.ctx.store.armed.remove(at.order('arm').chain));

    test('EE-05: hours above this host\'s own limit, an end that is not armed, or one later than its hours: refused', async () => {
      people.write({ maxExceptionHours: 24 });
      await armed(exception(48), inHours(1));
      assert.match(await refuse(await people.warrant(exception(48), at.run), undefined, exception(48)), /hours of the exception: expected at most 24, this host's limit, got 48/);
      await armed(exception(12), null);
      assert.match(await refuse(await people.warrant(exception(12), at.run), undefined, exception(12)), /end of the exception.*expected one on this host's disk before anything is built, got none/);
      await armed(exception(12), inHours(12 + 6 / 60));
      assert.match(await refuse(await people.warrant(exception(12), at.run), undefined, exception(12)), /or earlier, 12 hours after it began, got/);
      assert.match(await refuse(await people.warrant(exception(12), at.run, { facts: { hours: 4 } }), undefined, exception(12)), /hours: expected 12, got 4/);
    });

    test('EE-05, invariant 6: one within its hours is built, also where this clock is some minutes behind the one of its grant', async () => {
      const what = exception(12);
      await armed(what, inHours(12 + 4 / 60));
      rmSync(join(at.project.venvs, `${at.run}-1`), { recursive: true, force: true });
      await give(await people.warrant(what, at.run), at.order('prepare'), what);
      assert.ok(trees().includes(`${at.run}-1`));
    });
  });

  describe('what the policy itself approves', () => {
    let policy: PolicyFile;
    let content: string;
    let digest: string;
    let fallback: Plan;
    before(() => {
      policy = policyFileSchema.parse({ interpreters: { primary: { version: '3.13.x', justification: 'test' }, fallback: { version: plan.interpreter.version, justification: 'test' } } });
      content = canonicalJson(policy);
      digest = sha256Hex(content);
      fallback = sealed(plan, { kind: 'fallback', policyDigest: digest });
    });

    test('DIS-19, AP-11: the policy as both boards signed it is a warrant for its own fallback', async () => {
      rmSync(join(at.project.venvs, `${at.run}-1`), { recursive: true, force: true });
      await give(await policyWarrantOf(people, fallback, at.run, content, digest), at.order('prepare'), fallback);
      assert.deepEqual(lastNote().by, ['erin', 'alice']);
    });

    test('DIS-19: changed content, too few boards, another class than this host says, a kind that is not pre-approved, a policy for a change: refused', async () => {
      const changed = canonicalJson({ ...policy, minimum: '3.9' });
      assert.match(await refuse(await policyWarrantOf(people, fallback, at.run, changed, digest), undefined, fallback), /policy: expected [0-9a-f]{64}, got [0-9a-f]{64}/);
      const under = sealed(fallback, { policyDigest: sha256Hex(changed) });
      assert.match(await refuse(await policyWarrantOf(people, under, at.run, changed, digest), undefined, under), /signatures of the policy/);
      assert.match(await refuse(await policyWarrantOf(people, fallback, at.run, content, digest, ['erin']), undefined, fallback), /quorum: expected 1 of architecture-board, 1 of cab/);
      people.write({ hostClass: 'production' });
      assert.match(await refuse(await policyWarrantOf(people, fallback, at.run, content, digest), undefined, fallback), /class of test-host: expected production/);
      people.write();
      const asks = canonicalJson({ ...policy, defaultClass: { ...policy.defaultClass, approvals: { ...policy.defaultClass.approvals, fallback: 1 } } });
      const asked = sealed(fallback, { policyDigest: sha256Hex(asks) });
      assert.match(await refuse(await policyWarrantOf(people, asked, at.run, asks, sha256Hex(asks)), undefined, asked), /approval of a fallback/);
      const change = sealed(fallback, { kind: 'change' });
      assert.match(await refuse(await policyWarrantOf(people, change, at.run, content, digest), undefined, change), /quorum: expected 2 of cab, got 0 of 2 of cab/);
    });

    test('invariant 6: a fallback that was decided by votes after all needs as many as a change', async () => {
      assert.match(await refuse(await people.warrant(fallback, at.run, { voters: ['alice'] }), undefined, fallback), /quorum: expected 2 of cab, got 1 of 2/);
    });
  });
});

test('trust: server demands nothing, and keeps what comes along; what is no warrant is passed over', async (t) => {
  const host = testHost();
  t.after(() => host.close());
  const at = await bare(host, 'open');
  const { plan } = at;
  const people = await board(join(host.folder, 'etc'));
  const warrant = await people.warrant(plan, at.run, { voters: ['alice'] });
  const build = async (given?: unknown): Promise<void> => {
    rmSync(join(at.project.venvs, `${at.run}-1`), { recursive: true, force: true });
    await prepare(host.ctx, testScope(), at.order('prepare'), plan, given as Warrant);
  };
  await build();
  await build({ votes: 1 });
  assert.equal(host.ctx.store.warrants.newest(at.order('x').chain), undefined);
  await build(warrant);
  assert.deepEqual(host.ctx.store.warrants.get(warrant.facts.request)!.warrant, warrant);
  assert.equal((await lookAt(host, at.project)).trust, 'server');
});
