import type { Command } from 'commander';
import { stringify } from 'yaml';
import { parsePolicy } from '../../../policy/files/load.js';
import { notificationProblems } from '../../../policy/files/notifications.js';
import { policyRemarks } from '../../../policy/files/remarks.js';
import { contradictions, idleLines, leastOf } from '../../../policy/security-patch.js';
import { signersProblems } from '../../../policy/signers.js';
import { supportedVersions } from '../../../policy/versions.js';
import { readPolicy } from '../files.js';
import { findInstance, readIfThere } from '../instance.js';
import { EXIT, refusal, table, type Io } from '../io.js';
import { policySignCommand } from './policy-sign.js';
import { policySignersCommand } from './policy-signers.js';

/** `runbook policy check|show|versions|sign|signers`. */
export function policyCommand(program: Command, io: Io): void {
  const policy = program.command('policy');
  policy
    .command('check [file]')
    .description('check a policy file and name what is wrong in it')
    .action((file?: string) => {
      const checked = file ?? findInstance().paths.policyFile;
      const text = readIfThere(checked);
      if (file && text === '') throw refusal([{ what: file, expected: 'a policy file', got: 'nothing, or an empty file', wayOut: 'runbook policy show > policy.yaml' }]);
      const loaded = parsePolicy(text, checked);
      if ('objections' in loaded) throw refusal(loaded.objections);
      const { policy: read } = loaded;
      const problems = [...contradictions(read), ...signersProblems(read), ...notificationProblems(read)];
      if (problems.length > 0) throw refusal(problems);
      for (const line of idleLines(read)) io.talk(`! minPatch of ${line} says nothing: neither ${read.interpreters.primary.version} nor ${read.interpreters.fallback.version} is of that line`);
      for (const remark of policyRemarks(text, read)) io.talk(`! ${remark}`);
      io.out(`${text === '' ? 'no file: the documents\' policy' : checked}  sha256:${loaded.digest}`);
    });
  policy
    .command('show')
    .description('the whole policy with its defaults, and its digest')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => {
      const { policy: inForce, digest } = readPolicy(findInstance().paths);
      io.out(options.json ? JSON.stringify({ digest, policy: inForce }, null, 2) : `# sha256:${digest}\n${stringify(inForce).trimEnd()}`);
    });
  policy
    .command('versions')
    .description('approved interpreters with their patch levels and why')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => {
      const { policy: inForce } = readPolicy(findInstance().paths);
      const versions = supportedVersions(inForce).map((version) => ({ ...version, leastPatch: version.role === 'prohibited' ? '' : leastOf(version.version, inForce) }));
      if (options.json) return io.out(JSON.stringify(versions, null, 2));
      for (const line of table(['ROLE', 'VERSION', 'AT LEAST', 'WHY'], versions.map((v) => [v.role, v.version, v.leastPatch || '—', v.justification]), 'start')) io.out(line);
      process.exitCode = EXIT.yes;
    });
  policySignCommand(policy, io);
  policySignersCommand(policy, io);
}
