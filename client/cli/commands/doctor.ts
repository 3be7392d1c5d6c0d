import type { Command } from 'commander';
import type { Interpreter } from '../../../policy/model.js';
import { behindText, SECURITY_PATCH_CHECK } from '../../../policy/security-patch.js';
import { counted } from '../../../policy/text.js';
import { chooseInterpreter, classifyInterpreter } from '../../../policy/versions.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';
import { classOf } from '../../../policy/files/load.js';
import { policyRemarks } from '../../../policy/files/remarks.js';
import { CONTROL_QUEUE } from '../../../policy/names.js';
import { knownEnvironments } from '../environments.js';
import { readPolicy } from '../files.js';
import { findInstance, readIfThere, type Instance } from '../instance.js';
import { EXIT, type Io } from '../io.js';
import { askProcess } from '../processes.js';
import { requireAgent, requireControlWorker, withClient } from '../temporal.js';
import { placeOf } from '../words.js';

/** What `main-doctor` tells of this host. */
export interface HostFacts {
  host: string;
  agentFile: string;
  agentFileProblem: string | null;
  index: string;
  publicIndex: boolean;
  installer: 'uv' | 'pip' | null;
  interpreters: Interpreter[];
  trust: { trust: 'server' | 'signatures'; signers: string | null; problem: string | null };
}

interface Finding {
  title: string;
  state: 'ok' | 'warn' | 'fail';
  text: string;
}

/** `runbook doctor`: everything a run will need, looked at and named, before one is started. */
export function doctorCommand(program: Command, io: Io): void {
  program
    .command('doctor')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const instance = findInstance();
      const findings = await examine(instance);
      if (options.json) io.out(JSON.stringify(findings, null, 2));
      else for (const { title, state, text } of findings) io.out(`${{ ok: '✓', warn: '!', fail: '✗' }[state]} ${title.padEnd(14)} ${text}`);
      process.exitCode = findings.some((f) => f.state === 'fail') ? EXIT.no : EXIT.yes;
    });
}

async function examine(instance: Instance): Promise<Finding[]> {
  const { policy, digest } = readPolicy(instance.paths);
  const facts = await askProcess<HostFacts>('main-doctor', ['--installer'], instance);
  const judged = facts.interpreters.map((i) => ({ ...classifyInterpreter(i.version, policy, classOf(policy, facts.host).rules.allowPreReleases), at: i }));
  const approved = (role: 'primary' | 'fallback', spec: string): Finding => {
    const found = judged.filter((j) => j.role === role).map((j) => `${j.at.version} ${j.at.path}`);
    return { title: role, state: found.length > 0 ? 'ok' : 'fail', text: found[0] ?? `expected Python ${spec}, got none; found ${facts.interpreters.map((i) => i.version).join(', ') || 'no interpreter'}` };
  };
  return [
    { title: 'policy', state: 'ok', text: `sha256:${digest.slice(0, 12)} ${instance.paths.policyFile}` },
    ...policyRemarks(readIfThere(instance.paths.policyFile), policy).map((text): Finding => ({ title: 'policy', state: 'warn', text })),
    { title: 'agent file', state: facts.agentFileProblem ? 'fail' : 'ok', text: facts.agentFileProblem ?? facts.agentFile },
    trustFinding(facts.trust),
    approved('primary', policy.interpreters.primary.version),
    approved('fallback', policy.interpreters.fallback.version),
    ...securityPatches(instance, policy, judged.filter((j) => j.role !== 'prohibited').map((j) => j.at)),
    ...judged.filter((j) => j.at.missingModules.length > 0 && j.role !== 'prohibited').map((j): Finding => ({ title: 'interpreter', state: 'warn', text: `${j.at.path} lacks ${j.at.missingModules.join(', ')}` })),
    { title: 'index', state: facts.publicIndex ? 'warn' : 'ok', text: facts.publicIndex ? `${facts.index}: for development only; set index.url in ${facts.agentFile}` : facts.index },
    { title: 'installer', state: facts.installer === 'uv' ? 'ok' : 'warn', text: facts.installer === 'uv' ? 'uv' : 'pip: uv was not found and could not be installed; slower' },
    ...(await examineServer(instance, facts.host)),
  ];
}

/** Who may allow a change of this host. */
function trustFinding({ trust, signers, problem }: HostFacts['trust']): Finding {
  if (trust === 'server') return { title: 'changes', state: 'ok', text: 'allowed by the Temporal server (trust: server); production hosts check signatures themselves' };
  return { title: 'changes', state: problem ? 'fail' : 'ok', text: problem ?? `allowed by signatures, checked here by ${signers}` };
}

/** PV-34: the newest interpreter of each approved line, and each environment of this host, against the policy's least patches. */
function securityPatches(instance: Instance, policy: PolicyFile, approved: Interpreter[]): Finding[] {
  if (Object.keys(policy.minPatch).length === 0) return [];
  const newest = [policy.interpreters.primary.version, policy.interpreters.fallback.version].flatMap((spec) => chooseInterpreter(approved, spec) ?? []);
  const environments = knownEnvironments(instance).filter(({ host }) => host === instance.host);
  // No run may go to such an interpreter; an environment that stands on one is to be changed.
  const behind = [
    ...newest.map(({ path, version }) => ({ state: 'fail' as const, where: path, text: behindText(version, policy) })),
    ...environments.map((view) => ({ state: 'warn' as const, where: placeOf(view, instance.host), text: behindText(view.version ?? '', policy) })),
  ].flatMap(({ state, where, text }): Finding[] => (text === null ? [] : [{ title: SECURITY_PATCH_CHECK, state, text: `${where}: ${text}` }]));
  const checked = `${counted(newest.length, 'interpreter')} and ${counted(environments.length, 'environment')} have the patches that minPatch asks for`;
  return behind.length > 0 ? behind : [{ title: SECURITY_PATCH_CHECK, state: 'ok', text: checked }];
}

async function examineServer(instance: Instance, host: string): Promise<Finding[]> {
  const probe = async (title: string, text: string, ask: () => Promise<void>): Promise<Finding> =>
    ask().then(() => ({ title, state: 'ok' as const, text }), (error: Error) => ({ title, state: 'fail' as const, text: error.message.split('\n').slice(0, 2).join(';') }));
  const server = await probe('server', `${instance.address ?? ''} ${instance.uiUrl ?? ''}`.trim(), () => withClient(instance, async () => undefined));
  if (server.state === 'fail') return [server];
  const findings = await withClient(instance, (client) => Promise.all([
    probe('control worker', `polls ${CONTROL_QUEUE}`, () => requireControlWorker(client, instance.namespace, CONTROL_QUEUE)),
    probe('agent', `answers for ${host}`, () => requireAgent(client, instance.namespace, host)),
  ]));
  const open: Finding = { title: 'trust', state: 'warn', text: 'embedded server: every local user can reach its port and start runs' };
  return [server, ...findings, ...(instance.current ? [open] : [])];
}
