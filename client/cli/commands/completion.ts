import type { Command } from 'commander';
import { refusal, type Io } from '../io.js';

const SHELLS: Record<string, (words: string) => string> = {
  bash: (words) => `# source <(runbook completion bash)\ncomplete -W '${words}' -o default runbook`,
  zsh: (words) => `#compdef runbook\n_arguments '1: :(${words})' '*: :_files'`,
  fish: (words) => `complete -c runbook -n __fish_use_subcommand -a '${words}'`,
};

/** `runbook completion SHELL`: `source <(runbook completion bash)`. */
export function completionCommand(program: Command, io: Io): void {
  program
    .command('completion <shell>')
    .addHelpText('after', '\nExample:\n  source <(runbook completion bash)')
    .action((shell: string) => {
      const write = SHELLS[shell];
      if (!write) throw refusal([{ what: 'shell', expected: Object.keys(SHELLS).join(', '), got: shell, wayOut: 'runbook completion bash' }]);
      io.out(write(program.commands.map((command) => command.name()).join(' ')));
    });
}
