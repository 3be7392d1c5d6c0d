/** The agent's own key: what it says of a tree it verified is signed, so that another agent can't answer for it (decision 9). */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { planDigest } from '../../policy/plan.js';
import { SIGNATURE_NAMESPACE, type SignedText } from '../../policy/model-approval.js';
import type { Plan, Verification } from '../../policy/model.js';
import { verdictText } from '../../policy/signed-texts.js';
import { makeKey, signText } from '../ssh-keygen.js';
import type { HostContext } from './context.js';
import type { Order } from './contract.js';

/** Folder of the key in the agent's own: it appears whole, or not at all. */
const FOLDER = 'key';
const KEY = 'agent_ed25519';

/** One attempt a process: where ssh-keygen is missing nothing is signed, and it is said once. */
const known = new WeakMap<HostContext, Promise<string | null>>();

/** The public line, from the key made once in the agent's folder (mode 0600 in one of 0700); null where none could be made. */
export function agentKey(ctx: HostContext): Promise<string | null> {
  let line = known.get(ctx);
  if (!line) known.set(ctx, (line = readOrMake(ctx)));
  return line;
}

async function readOrMake(ctx: HostContext): Promise<string | null> {
  const folder = path.join(ctx.stateDir, FOLDER);
  try {
    if (!existsSync(folder)) await make(ctx, folder);
    return readFileSync(path.join(folder, `${KEY}.pub`), 'utf8').trim();
  } catch (error) {
    ctx.warn?.(`verdicts of this host are not signed: ${(error as Error).message}`);
    return null;
  }
}

async function make(ctx: HostContext, folder: string): Promise<void> {
  const draft = mkdtempSync(`${folder}-`);
  try {
    await makeKey(path.join(draft, KEY), `agent@${ctx.host}`);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process of this agent was quicker: its key is the key.
    if (!existsSync(folder)) throw error;
  }
}

/**
 * What this host says of a tree, signed: its manifest, and under which plan. The plan is named by the digest of what came here, whatever
 * the plan says of itself. Undefined where there is no key, or it can't be used: never a failure of the step.
 */
export async function signVerdict(ctx: HostContext, { chain }: Pick<Order, 'chain'>, plan: Plan, tree: string, { ok, manifestDigest }: Pick<Verification, 'ok' | 'manifestDigest'>): Promise<SignedText | undefined> {
  if ((await agentKey(ctx)) === null) return undefined;
  const text = verdictText(ctx.host, chain, tree, planDigest(plan), manifestDigest, ok);
  try {
    return { text, signature: await signText(path.join(ctx.stateDir, FOLDER, KEY), SIGNATURE_NAMESPACE.verdict, text) };
  } catch (error) {
    ctx.warn?.(`the verdict on ${tree} is not signed: ${(error as Error).message}`);
    return undefined;
  }
}
