/** Process entry of `runbook up`: everything here, in the foreground, until Ctrl-C. */
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { enrolHost } from './enrol.js';
import { up, type UpHandle } from './up.js';

/** This instance's own host. */
async function enrol({ address, namespace, host }: UpHandle): Promise<void> {
  const connection = await Connection.connect({ address });
  await enrolHost(new Client({ connection, namespace }), host);
  await connection.close();
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

try {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '7233' }, 'ui-port': { type: 'string', default: '8233' }, 'allow-root': { type: 'boolean', default: false } } });
  const began = performance.now();
  const handle = await up({ allowRoot: values['allow-root'], port: Number(values.port), uiPort: Number(values['ui-port']), log: say });
  await enrol(handle);
  if (values['allow-root'] && process.geteuid?.() === 0) say('running as root: every local user can reach the server\'s port');
  process.stdout.write(`${handle.uiUrl ? `server, Web UI ${handle.uiUrl}` : `server ${handle.address}`}, control worker, agent \`${handle.host}\`  ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  await handle.stopped;
  say('stopped');
  process.exit(0);
} catch (error) {
  say(`refused: ${(error as Error).message}\nnothing was started`);
  process.exit(69);
}
