import type { Command } from 'commander';
import type { HostKey } from '../../../policy/host-keys.js';
import { oneLine } from '../../../policy/text.js';
import { enrolHost } from '../../../worker/enrol.js';
import { acceptKey, keyOnceTold, type AcceptOptions } from '../host-keys.js';
import { findInstance } from '../instance.js';
import { refusal, table, type Io } from '../io.js';
import { withClient } from '../temporal.js';
import { listHosts, type WatchedHost } from '../watched-hosts.js';
import { hostInterpretersCommand } from './host-interpreters.js';

/** `runbook host list|accept|interpreters`. */
export function hostCommand(program: Command, io: Io): void {
  const host = program.command('host');
  hostInterpretersCommand(host, io);
  host
    .command('list')
    .description('enrolled hosts: whether they are watched, whether their agents answer, and how many interpreters in use the policy does not approve')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const instance = findInstance();
      const hosts = await withClient(instance, (client) => listHosts(client, instance));
      if (options.json) return io.out(JSON.stringify(hosts, null, 2));
      for (const line of table(['HOST', 'AGENT', 'KEY', 'FOREIGN', 'WATCHED SINCE'], hosts.map(cellsOf), 'start')) io.out(line);
      for (const it of hosts) for (const line of adviceOn(it)) io.talk(line);
    });
  host
    .command('accept <name>')
    .description('enrol a host: its agent\'s news are watched from now on, and what it signs with its key is believed')
    .option('--fingerprint <sha256>', 'the key\'s, as ssh-keygen -lf shows it on the host: accepts it without a question')
    .option('--reason <text>', 'why; it stands in the record')
    .addHelpText('after', '\nExample:\n  runbook host accept web-01 --fingerprint SHA256:tT6U…')
    .action(async (name: string, options: AcceptOptions) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw refusal([{ what: `host ${JSON.stringify(name)}`, expected: 'a host name', got: name, wayOut: 'the agent prints its name when it starts' }]);
      const instance = findInstance();
      process.exitCode = await withClient(instance, async (client) => {
        await enrolHost(client, name);
        io.out(`${name} is watched`);
        return acceptKey(io, client, instance, name, await keyOnceTold(instance, name), options);
      });
    });
}

const KEY_WORDS: Record<HostKey['state'], string> = { accepted: 'accepted', 'not accepted': 'not accepted', changed: 'CHANGED', none: 'none told' };

function cellsOf({ host, agents, key, foreign, watch, since }: WatchedHost): string[] {
  const count = foreign === null ? '—' : String(foreign.interpreters.filter(({ path }) => path !== '').length);
  return [host, agents > 0 ? 'answers' : 'silent', KEY_WORDS[key.state], count, watch === 'running' ? since : `not watched: ${watch} ${since}`];
}

/** What there is to do about a host. */
function adviceOn({ host, foreign, watch, since, problem }: WatchedHost): string[] {
  const inUse = foreign?.interpreters.find(({ path }) => path !== '');
  return [
    ...(watch === 'running' ? [] : [`! ${host} is not watched since ${since}: its watch ${watch}${problem === null ? '' : ` (${oneLine(problem, 200)})`}`, `  try: runbook host accept ${host}`]),
    ...(inUse ? [`! ${host}: ${inUse.version ?? 'unknown version'} ${oneLine(inUse.path, 200)} is in use: ${oneLine(inUse.why, 200)}`, `  try: runbook host interpreters   # on ${host}`] : []),
  ];
}
