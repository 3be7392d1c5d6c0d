/** The steps of a change, each an order to the host with the one fact worth a line. */
import { ApplicationFailure, patched } from '@temporalio/workflow';
import { verificationFacts } from '../../policy/fallback-entries.js';
import { counted } from '../../policy/text.js';
import { formatMs } from '../../policy/describe.js';
import { FAILURE } from '../../policy/names.js';
import type { Plan, Verification } from '../../policy/model.js';
import type { Warrant } from '../../policy/model-approval.js';
import type { Armed, Closed, ConfigEdit, Prepared, RidersSettled, Switched } from '../../activities/host/contract.js';
import { rethrowMistake } from './failures.js';
import { callHost, control } from './host.js';
import type { Run, StepFact } from './run.js';

export function planFact(plan: Plan): StepFact {
  return { fact: `${counted(plan.files.length, 'wheel')} by hash; nothing is compiled`, data: { digest: plan.digest, to: plan.interpreter.version, from: plan.present?.version ?? null, files: plan.files.length, index: plan.facts.index, link: plan.env.link } };
}

/** Proves the way back; from here on there is something to undo. */
export function arm(run: Run, plan: Plan, end: string | null): Promise<Armed> {
  const order = run.order('arm');
  // An argument that is not there is none in the histories of before either.
  const until: [] | [{ end: string }] = end === null ? [] : [{ end }];
  return run.step('arm', () => callHost(run, 'prove the way back', (host, reissued) => host.armUndo({ ...order, reissued }, plan, ...until)), (armed) => ({
    fact: `${armed.undoTarget === null ? 'undo: the link is removed again' : `undo: .venvs/${armed.undoTarget}, ${armed.files} files as recorded, its Python runs`}${end === null ? '' : `; ends by itself ${end}`}`,
    workMs: armed.workMs,
    data: { undoTarget: armed.undoTarget, manifestDigest: armed.manifestDigest, ...(end === null ? {} : { end }) },
  }));
}

/** Builds beside, in a fresh directory for every attempt. */
export function prepare(run: Run, plan: Plan, warrant: Warrant | null): Promise<Prepared> {
  const order = run.order('prepare');
  const shown: [] | [Warrant] = warrant === null ? [] : [warrant];
  return run.step('prepare', () => callHost(run, `build ${plan.interpreter.version} beside`, (host, reissued) => host.prepare({ ...order, reissued }, plan, ...shown)), (built) => ({
    fact: `.venvs/${built.id}, ${counted(built.packages, 'package')} by ${built.installer}, as user ${built.asUser}`,
    workMs: built.workMs,
    data: { tree: built.id },
  }));
}

/** Four verdicts on the tree that was built; a no is the end of the forward way. */
export async function verify(run: Run, plan: Plan, tree: string): Promise<Verification> {
  const order = run.order('verify');
  const verdict = await run.step('verify', () => callHost(run, 'verify it there', (host, reissued) => host.verifyTree({ ...order, reissued }, { plan, tree, seal: true })), (v) => ({
    ok: v.ok,
    fact: verificationFact(v),
    workMs: v.durationMs,
    data: { ok: v.ok, manifestDigest: v.manifestDigest, freezeHash: v.freezeHash, ...verificationFacts(v) },
  }));
  if (patched('check-verdict')) await checkVerdict(run, plan, tree, verdict);
  if (!verdict.ok) throw ApplicationFailure.nonRetryable(`verification said no: ${verificationFact(verdict)}`, FAILURE.VerificationFailed);
  return verdict;
}

/** Whoever may poll the host's queue may answer in its name: where the host's key was accepted, only its own signature is its word. */
async function checkVerdict(run: Run, plan: Plan, tree: string, { ok, manifestDigest, signed }: Verification): Promise<void> {
  const checked = await control.checkVerdict({ host: plan.env.host, chain: run.chain, tree, planDigest: plan.digest, manifestDigest, ok, signed: signed ?? null });
  if (checked.refused) throw ApplicationFailure.create({ message: `${plan.env.host} did not say so itself: ${checked.refused[0]!.got}`, type: FAILURE.NotApproved, nonRetryable: true, details: [checked.refused] });
}

/** `files · lock 41/41 · imports 19/19 · tests 12 passed`, with what failed in words. */
export function verificationFact(v: Verification): string {
  const parts = [
    v.files.ok ? `files ${v.files.checked}` : `${v.files.bad.length} files differ: ${v.files.bad[0]}`,
    v.interpreter.ok ? v.interpreter.got : `interpreter ${v.interpreter.got}, expected ${v.interpreter.expected}`,
    v.lock.ok ? `lock ${v.lock.installed}/${v.lock.expected}` : `lock differs: ${v.lock.differences.slice(0, 3).join(', ')}`,
    v.imports.ok ? `imports ${v.imports.passed}/${v.imports.total}` : `import ${v.imports.failures[0]!.module}: ${v.imports.failures[0]!.error}`,
    v.tests.ran ? `tests ${v.tests.summary}` : 'no tests',
  ];
  return parts.join(' · ');
}

/** One rename of a symbolic link. */
export function switchTo(run: Run, plan: Plan, tree: string): Promise<Switched> {
  const order = run.order('switch');
  return run.step('switch', () => callHost(run, `switch to .venvs/${tree}`, (host, reissued) => host.switchLink({ ...order, reissued }, { plan, tree })), (switched) => ({
    fact: `renamed in ${formatMs(switched.renameMs)}${switched.adopted ? `; the directory was adopted as .venvs/${plan.undoTarget}` : ''}`,
    workMs: switched.workMs,
    data: { from: switched.from, to: switched.to, adopted: switched.adopted },
  }));
}

/** Version variables and configuration files, edited in place by key. */
export async function configure(run: Run, edits: ConfigEdit[]): Promise<void> {
  if (edits.length === 0) return;
  const order = run.order('configure');
  await run.step('configure', () => callHost(run, 'edit version variables and configuration', (host, reissued) => host.configure({ ...order, reissued }, edits)), (done) => ({ fact: done.edited.join(', ') || 'nothing to edit', workMs: done.workMs }));
}

/** What runs on it: nobody may be left on a mix of two environments. */
export async function restart(run: Run, plan: Plan, tree: string): Promise<RidersSettled> {
  const order = run.order('restart');
  const settled = await run.step('restart', () => callHost(run, 'settle what runs on it', (host, reissued) => host.settleRiders({ ...order, reissued }, { plan, leftTree: plan.present?.id ?? null, nowTree: tree })), (riders) => ({
    ok: riders.healthy,
    fact: ridersFact(riders),
    workMs: riders.workMs,
    data: { restarted: riders.restarted, left: riders.left.map((r) => `${r.id} ${r.what}`) },
  }));
  if (!settled.healthy) throw ApplicationFailure.nonRetryable(settled.problem, FAILURE.RidersFailed);
  return settled;
}

function ridersFact(riders: RidersSettled): string {
  if (!riders.healthy) return riders.problem;
  const left = riders.left.length > 0 ? `${riders.left.length} left on the old environment, tolerated` : 'no process left on the old environment';
  return riders.restarted.length > 0 ? `${riders.restarted.join(', ')} healthy; ${left}` : left;
}

/** Through the link, as everybody will use it. */
export async function verifyLink(run: Run, plan: Plan, tree: string, manifestDigest: string): Promise<void> {
  const order = run.order('verify link');
  const seen = await run.step('verify link', () => callHost(run, 'verify through the link', (host, reissued) => host.verifyLink({ ...order, reissued }, { plan, tree, manifestDigest })), (link) => ({
    ok: link.ok,
    fact: link.ok ? `${plan.env.link} answers ${link.version}` : link.problem,
    workMs: link.workMs,
  }));
  if (!seen.ok) throw ApplicationFailure.nonRetryable(seen.problem, FAILURE.VerificationFailed);
}

/** Prunes, writes `.venvs/README`, gives the lease back. */
export function close(run: Run): Promise<Closed> {
  const order = run.order('close');
  return run.step('close', () => callHost(run, 'close', (host, reissued) => host.closeChange({ ...order, reissued }, { keepPin: false })), (closed) => ({
    fact: closed.pruned.length > 0 ? `pruned ${closed.pruned.join(', ')}` : 'nothing to prune',
    workMs: closed.workMs,
  }));
}

/** WF-71: removes what Python left beside the sources. The change stands already: what stays behind is told, and no more. */
export async function clean(run: Run): Promise<void> {
  const act = () => callHost(run, 'remove what Python left in the project', (host) => host.cleanProject({ env: run.env, run: run.state.run, dryRun: false }), { scheduleToCloseTimeout: '10 minutes' });
  await run.step('clean', act, ({ paths, left }) => ({ ok: left.length === 0, fact: `${counted(paths, 'path')} removed${left.length > 0 ? `; ${left.length} not: ${left[0]}` : ''}`, data: { paths, left } })).catch(rethrowMistake);
}
