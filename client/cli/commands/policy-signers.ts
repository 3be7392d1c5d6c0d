import type { Command } from 'commander';
import { stringify } from 'yaml';
import { signersFileSchema, type SignersFile } from '../../../policy/files/signers-file.js';
import type { HostClass, PolicyFile } from '../../../policy/files/policy-file.js';
import { stagesOf } from '../../../policy/quorum.js';
import { readPolicy } from '../files.js';
import { findInstance } from '../instance.js';
import { refusal, type Io } from '../io.js';

/** `runbook policy signers`: what a host administrator puts on a host that checks signatures itself. */
export function policySignersCommand(policy: Command, io: Io): void {
  policy
    .command('signers')
    .description('a host\'s signers file, made from the policy; the host\'s administrator checks it and owns it')
    .option('--host-class <name>', 'class of the host; its approvals are the least the host wants to see')
    .addHelpText('after', '\nExample:\n  runbook policy signers --host-class production > signers.yaml')
    .action((options: { hostClass?: string }) => {
      const instance = findInstance();
      const { policy: inForce, digest } = readPolicy(instance.paths);
      const file = signersOfHost(inForce, options.hostClass ?? null, instance.namespace);
      io.out([
        '# Who may allow what on this host. From the policy below; from now on this host\'s administrator keeps it: root owns it, and nobody else writes it.',
        '# A key that is gone here counts no more on this host, whatever the policy\'s server says.',
        `# policy ${inForce.header.version} sha256:${digest}`,
        stringify(file, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd(),
      ].join('\n'));
    });
}

/** People without their long names; warrants as strict as the class is in the policy. */
export function signersOfHost(policy: PolicyFile, hostClass: string | null, namespace: string): SignersFile {
  const { people, roles, deputies, exception, policyRevision, timers } = policy;
  const rules = classNamed(policy, hostClass);
  const warrantOf = (rule: HostClass['approvals']['change']) => (stagesOf(rule).length === 0 ? ('policy' as const) : stagesOf(rule));
  return signersFileSchema.parse({
    people, roles, deputies, namespace,
    ...(hostClass === null ? {} : { hostClass }),
    warrants: { change: warrantOf(rules.approvals.change), fallback: warrantOf(rules.approvals.fallback), exception: exception.grantedBy },
    policyRevision: policyRevision.stages,
    maxExceptionHours: timers.exceptionHours,
  });
}

function classNamed(policy: PolicyFile, name: string | null): HostClass {
  if (name === null || name === 'default') return policy.defaultClass;
  const found = Object.hasOwn(policy.hostClasses, name) ? policy.hostClasses[name] : undefined;
  if (found) return found;
  throw refusal([{ what: `--host-class ${name}`, expected: ['default', ...Object.keys(policy.hostClasses)].join(', '), got: name, wayOut: 'runbook policy show lists the classes under hostClasses' }]);
}
