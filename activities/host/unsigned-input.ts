/**
 * What comes with orders that need no warrant. Whoever may poll can give them, so that with `trust: signatures` none of it decides
 * which program this host runs, or which file it writes.
 */
import { isDocumentName } from '../../policy/document-names.js';
import { policyFileSchema, type PolicyFile } from '../../policy/files/policy-file.js';
import type { EnvironmentRef, Interpreter, Owner, PerformanceProbe } from '../../policy/model.js';
import type { HostContext } from './context.js';
import { discoverInterpreters } from './interpreters.js';
import { resolveEnvironment } from './paths.js';
import { hostRefused } from './refuse.js';

type Probe = Pick<PerformanceProbe, 'setup' | 'statement'>;

/** Interpreters are started as the project's owner: only those this host found itself. Throws `HostRefused`. */
export async function requireKnownInterpreters(ctx: HostContext, owner: Owner, interpreters: readonly Pick<Interpreter, 'realpath'>[]): Promise<void> {
  if (ctx.agentFile.trust === 'server') return;
  const known = await discoverInterpreters(ctx, owner);
  const other = interpreters.find(({ realpath }) => !known.some((one) => one.realpath === realpath));
  if (other) throw hostRefused(`interpreter ${JSON.stringify(String(other.realpath).slice(0, 200))}`, 'one that this host finds by itself', 'another program', 'plan again; or name its path under "interpreters" in the agent file');
}

/**
 * Why a probe's code is not run; null: it is the project's own, of the plan that was approved, of the policy that was signed with it, or
 * one that comes with this product.
 */
export function probeProblem(ctx: HostContext, env: EnvironmentRef, probe: PerformanceProbe): string | null {
  if (ctx.agentFile.trust === 'server' || knownProbes(ctx, env).some((one) => one.setup === probe.setup && one.statement === probe.statement)) return null;
  return `${ctx.host} has "trust: signatures" and does not run this code: expected the probe of the project, of the approved plan or of the signed policy`;
}

function knownProbes(ctx: HostContext, env: EnvironmentRef): Probe[] {
  const { settings, link } = resolveEnvironment(ctx, env);
  const kept = ctx.store.warrants.newestOn(link);
  // Judged when it was kept: its digest is the approved plan's.
  const signed = kept?.warrant.policy ? (JSON.parse(kept.warrant.policy.content) as Partial<PolicyFile>).performance?.probes : undefined;
  return [settings.performance, kept?.plan?.settings.performance, ...(signed ?? []), ...policyFileSchema.parse({}).performance.probes].filter((probe) => probe !== null && probe !== undefined);
}

/** Documents may replace files: only those that runs write, in the project itself. Throws `HostRefused`. */
export function requireDocumentNames(ctx: HostContext, documents: readonly { path: string }[]): void {
  if (ctx.agentFile.trust === 'server') return;
  const other = documents.find(({ path }) => !isDocumentName(path));
  if (other) throw hostRefused(`document ${JSON.stringify(String(other.path).slice(0, 200))}`, 'a log or report of a run, by its name', 'another file', 'nobody but the owner of the project writes its other files');
}
