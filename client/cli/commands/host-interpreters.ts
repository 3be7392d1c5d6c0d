import type { Command } from 'commander';
import type { ForeignInterpreter } from '../../../policy/checks/results.js';
import { classOf } from '../../../policy/files/load.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';
import type { Interpreter } from '../../../policy/model.js';
import { behindText } from '../../../policy/security-patch.js';
import { oneLine } from '../../../policy/text.js';
import { classifyInterpreter } from '../../../policy/versions.js';
import { checkedPolicy, checkOptions, type CheckOptions } from '../checking.js';
import { findInstance } from '../instance.js';
import { EXIT, table, type Io } from '../io.js';
import { askProcess } from '../processes.js';
import { tilde } from '../words.js';

/** What `main-foreign` tells of this host. */
interface InUse {
  host: string;
  /** Installed here. */
  interpreters: Interpreter[];
  /** In use, and not approved. */
  foreign: ForeignInterpreter[];
}

/** `runbook host interpreters`: what is installed here, and what runs here without the policy's leave (PV-35). */
export function hostInterpretersCommand(host: Command, io: Io): void {
  checkOptions(host.command('interpreters'))
    .description('interpreters of this host, and processes that use one the policy does not approve')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nInstalled is no offence; in use is. Exit code: 0 nothing foreign is in use, 1 something is\n\nExample:\n  runbook host interpreters')
    .action(async (options: CheckOptions & { json?: boolean }) => {
      const instance = findInstance();
      const { policy, file } = checkedPolicy(instance, options);
      const { host: name, interpreters, foreign } = await askProcess<InUse>('main-foreign', ['--policy', file], instance);
      const installed = interpreters.map((it) => ({ ...it, role: roleOf(it, policy, name) }));
      if (options.json) io.out(JSON.stringify({ host: name, interpreters: installed, foreign }, null, 2));
      else for (const line of linesOf(installed, foreign)) io.out(line);
      if (foreign.length > 0) io.talk('  try: runbook env list; runbook run change PATH for an environment, the service\'s own unit for anything else');
      process.exitCode = foreign.length > 0 ? EXIT.no : EXIT.yes;
    });
}

function roleOf({ version, implementation }: Interpreter, policy: PolicyFile, host: string): string {
  if (implementation.toLowerCase() !== 'cpython') return 'not CPython';
  const { role } = classifyInterpreter(version, policy, classOf(policy, host).rules.allowPreReleases);
  return role === 'prohibited' ? 'not approved' : behindText(version, policy) === null ? role : 'lacks patches';
}

/** Whoever starts a Python chooses the name of its folder. */
export function linesOf(installed: (Interpreter & { role: string })[], foreign: ForeignInterpreter[]): string[] {
  return [
    ...table(['VERSION', 'POLICY', 'INSTALLED AT'], installed.map(({ version, role, path }) => [version, role, oneLine(tilde(path))])),
    ...(foreign.length === 0 ? ['nothing in use that the policy does not approve'] : foreign.map(({ path, version, processes, why }) => `✗ ${version ?? '?'} ${path === '' ? '' : oneLine(tilde(path))}  ${processes} running: ${oneLine(why)}`)),
  ];
}
