import type { Command } from 'commander';
import { refusal, type Io } from '../io.js';

/** `runbook guard -- CMD…`: its words for help. `bin/runbook.js` runs it without this command line, which would cost more than all it does. */
export function guardCommand(program: Command, _io: Io): void {
  program
    .command('guard [command...]')
    .usage('[--env PATH[#NAME]] [--] CMD [ARGS…]')
    .option('--env <path>', 'project folder, or the link in it; default: of the working folder or its nearest parent that has one')
    .addHelpText('after', HELP)
    .action((command: string[]) => {
      throw refusal([{ what: 'command line', expected: 'guard as its first word', got: `guard ${command.join(' ')}`.trim(), wayOut: 'runbook guard -- python -m app' }]);
    });
}

const HELP = `
The command starts only where the policy approves the environment's interpreter, and not after the end of an exception. It
runs from the environment that the link leads to at that moment, whole: PATH, VIRTUAL_ENV and the executable. "python" and
what is in the environment come from there, other names from PATH. Signals and exit code are the command's own.

Exit codes before anything was started: 1 not compliant, 64 bad input, 69 could not tell.

Examples:
  runbook guard -- python -m app
  runbook guard --env /srv/pricer -- gunicorn app:app
  runbook guard -- true                           only ask`;
