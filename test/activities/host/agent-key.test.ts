import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { agentKey, signVerdict } from '../../../activities/host/agent-key.js';
import { prepare } from '../../../activities/host/prepare.js';
import { verifyTree } from '../../../activities/host/verify.js';
import { nextEvent } from '../../../activities/host/watch.js';
import { planDigest } from '../../../policy/plan.js';
import { verdictText } from '../../../policy/signed-texts.js';
import { fingerprintOf } from '../../../policy/ssh-key.js';
import { stockSshKeygen } from '../../support/people.js';
import { someInterpreter, testHost, testScope, type TestHost } from '../../support/host.js';

function aHost(t: TestContext): TestHost {
  const host = testHost();
  t.after(() => host.close());
  return host;
}

test('decision 9: the key is made once, for the agent alone to read, and told in every event', async (t) => {
  const { ctx } = aHost(t);
  const [line, again] = await Promise.all([agentKey(ctx), agentKey(ctx)]);
  assert.match(line!, /^ssh-ed25519 [A-Za-z0-9+/=]+ agent@test-host$/);
  assert.equal(again, line);
  assert.equal(await agentKey({ ...ctx }), line, 'another process of the agent has the same');
  const folder = join(ctx.stateDir, 'key');
  assert.deepEqual([lstatSync(folder).mode & 0o777, lstatSync(join(folder, 'agent_ed25519')).mode & 0o777], [0o700, 0o600]);
  assert.deepEqual(readdirSync(ctx.stateDir).filter((name) => name.startsWith('key')), ['key'], 'no draft is left');
  assert.match(stockSshKeygen(['-lf', join(folder, 'agent_ed25519.pub')]).out, new RegExp(fingerprintOf(line!).replaceAll('+', '\\+')));
  assert.equal((await nextEvent(ctx, testScope(), { cursor: 0 })).key, line);
});

test('decision 9: two processes that make it at once end with one key', async (t) => {
  const { ctx } = aHost(t);
  const lines = await Promise.all([1, 2, 3].map(() => agentKey({ ...ctx })));
  assert.equal(new Set(lines).size, 1);
  assert.match(lines[0]!, /^ssh-ed25519 /);
});

test('decision 9: what was verified is signed: stock ssh-keygen verifies it with the told key, and only that text', async (t) => {
  const host = aHost(t);
  const { ctx } = host;
  const project = host.project('spoken', { 'requirements.txt': '' });
  const orders = await host.orders(project, 'ch-said');
  const plan = host.plan(project, await someInterpreter(ctx, '3.12'), [], { installer: 'pip' });
  const { id: tree } = await prepare(ctx, testScope(), orders('prepare'), plan);
  const order = orders('verify');
  const verdict = await verifyTree(ctx, testScope(), order, { plan, tree, seal: true });
  assert.equal(verdict.ok, true);
  const { text, signature } = verdict.signed!;
  assert.equal(text, verdictText('test-host', order.chain, tree, planDigest(plan), verdict.manifestDigest, true));
  assert.deepEqual(await verifyTree(ctx, testScope(), order, { plan, tree, seal: true }), verdict, 'given again, it says the same');
  const signers = join(host.folder, 'allowed_signers');
  const signed = join(host.folder, 'verdict.sig');
  writeFileSync(signers, `test-host namespaces="runbook.verdict" ${(await agentKey(ctx))!}\n`);
  writeFileSync(signed, signature);
  const verify = (said: string, namespace = 'runbook.verdict') => stockSshKeygen(['-Y', 'verify', '-f', signers, '-I', 'test-host', '-n', namespace, '-s', signed], said).code;
  assert.equal(verify(text), 0);
  assert.notEqual(verify(text.replace('says yes', 'says no ')), 0);
  assert.notEqual(verify(text, 'runbook.approval'), 0);

  const no = await verifyTree(ctx, testScope(), orders('verify'), { plan: { ...plan, interpreter: { ...plan.interpreter, version: '3.9.1' } }, tree, seal: false });
  assert.equal(no.ok, false);
  assert.match(no.signed!.text, /test-host says no to ch-said-1\n/);
});

test('decision 9: without a key nothing is signed, the step goes on, and it is said once', async (t) => {
  const { ctx: base } = aHost(t);
  const said: string[] = [];
  const ctx = { ...base, warn: (line: string) => void said.push(line) };
  // In the way of the key's folder: as without ssh-keygen, none can be made.
  writeFileSync(join(ctx.stateDir, 'key'), '');
  const order = { chain: 'c' };
  const plan = {} as never;
  for (let i = 0; i < 2; i++) assert.equal(await signVerdict(ctx, order, plan, 't', { ok: true, manifestDigest: 'm' }), undefined);
  assert.equal('key' in (await nextEvent(ctx, testScope(), { cursor: 0 })), false);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /verdicts of this host are not signed/);
});

test('decision 9: a key whose private half was lost signs nothing, and fails no step', async (t) => {
  const { ctx: base } = aHost(t);
  const said: string[] = [];
  const ctx = { ...base, warn: (line: string) => void said.push(line) };
  await agentKey(ctx);
  rmSync(join(ctx.stateDir, 'key/agent_ed25519'));
  assert.equal(existsSync(join(ctx.stateDir, 'key/agent_ed25519.pub')), true);
  assert.equal(await signVerdict(ctx, { chain: 'c' }, { settings: {} } as never, 't', { ok: true, manifestDigest: 'm' }), undefined);
  assert.match(said[0]!, /the verdict on t is not signed/);
});
