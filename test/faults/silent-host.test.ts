/**
 * Decision 12: silence is a fact. Real agents of a real instance are killed, stopped, and cut off from their server: each silence comes on
 * record once, and so does the return. The heartbeat of these watches is 10 s instead of 60.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { layWire, type Wire } from '../../bench/watching-hosts/tcp-proxy.js';
import { hostWatchId } from '../../policy/ids.js';
import type { AuditEntry } from '../../policy/records.js';
import { openRecordsReadOnly } from '../../records/store.js';
import { enrolHost } from '../../worker/enrol.js';
import { splitAddress } from '../../worker/server/ports.js';
import { startChild, type Running } from '../../worker/supervise.js';
import { up, type UpHandle } from '../../worker/up.js';
import { until } from '../support/processes.js';
import { testCli } from '../support/servers.js';

const AGENT = path.resolve(import.meta.dirname, '../../worker/main-agent.js');
const HEARTBEAT_MS = 10_000;
/** Machines are slow. */
const LIMIT_MS = 120_000;
/** `PendingActivityState`: waiting for an agent, and with one. */
const [SCHEDULED, STARTED] = [1, 2];

const dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-silent-')));
const home = path.join(dir, 'home');
const over = new AbortController();
const agents: Running[] = [];
let instance: UpHandle;
let connection: Connection;
let client: Client;
let wire: Wire;

before(async () => {
  process.env['XDG_STATE_HOME'] = path.join(dir, 'xdg');
  process.env['RUNBOOK_HOME'] = home;
  delete process.env['TEMPORAL_ADDRESS'];
  process.env['RUNBOOK_TEMPORAL_CLI'] = (await testCli()).file;
  const config = path.join(home, 'config');
  mkdirSync(config, { recursive: true });
  writeFileSync(path.join(config, 'policy.yaml'), stringify({ interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: '3.11.7', justification: 'test' } } }));
  writeFileSync(path.join(config, 'agent.yaml'), stringify({ host: 'testhost', roots: [dir] }));
  instance = await up({ allowRoot: true, port: 0, uiPort: null, home, handleSignals: false });
  connection = await Connection.connect({ address: instance.address });
  client = new Client({ connection });
  wire = await layWire(splitAddress(instance.address).port);
}, { timeout: 240_000 });

after(async () => {
  over.abort();
  await Promise.all(agents.map((agent) => agent.stop()));
  await wire?.close();
  await connection?.close();
  await instance?.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

/** The agent of another host, as `runbook agent` is; a later one of the same host finds the store of the one before. */
async function startAgent(host: string, address = instance.address): Promise<Running> {
  const agentDir = path.join(dir, host);
  const agentFile = path.join(dir, `${host}.yaml`);
  mkdirSync(agentDir, { recursive: true });
  writeFileSync(agentFile, stringify({ host, roots: [dir] }));
  const config = { address, namespace: instance.namespace, agentFile, agentDir, allowRoot: true };
  const agent = await startChild({ name: `agent of ${host}`, entry: AGENT, config, logFile: path.join(dir, `${host}.log`), readyMs: 60_000, graceMs: 500 }, over.signal);
  agents.push(agent);
  return agent;
}

/** What stands on record about a host, oldest first. */
function recorded(host: string): AuditEntry[] {
  const records = openRecordsReadOnly(path.join(home, 'state/records.db'));
  try {
    const events = (['check-in', 'changed', 'host-unreachable', 'host-back'] as const).flatMap((event) => records.entriesByEvent(event));
    return events.filter(({ entry }) => entry.host === host).sort((a, b) => a.seq - b.seq).map(({ entry }) => entry);
  } finally {
    records.close();
  }
}

const countOf = (host: string, event: AuditEntry['event']): number => recorded(host).filter((entry) => entry.event === event).length;
const stands = (host: string, event: AuditEntry['event']): Promise<unknown> => until(`${event} of ${host} on record, which has ${recorded(host).map((entry) => entry.event).join(', ')}`, () => countOf(host, event) > 0, LIMIT_MS);

/** The one question of a watch is in this state. */
const question = (host: string, state: number): Promise<unknown> => until(`the question to ${host} in state ${state}`, async () => {
  const { raw } = await client.workflow.getHandle(hostWatchId(host)).describe();
  return raw.pendingActivities?.some((activity) => activity.activityType?.name === 'nextEvent' && activity.state === state);
}, LIMIT_MS);

test('decision 12: an agent that is killed, one that is stopped and one that is cut off are on record as unreachable once, and as back once', { timeout: 300_000 }, async () => {
  const [killed, stopped] = [await startAgent('killed'), await startAgent('stopped'), await startAgent('cut', wire.address)];
  const hosts = ['killed', 'stopped', 'cut'];
  for (const host of hosts) await enrolHost(client, host, { heartbeatMs: HEARTBEAT_MS });
  // Asked again after its check-in: what is cut is the answer that is waited for, and not the first one.
  for (const host of hosts) await stands(host, 'check-in').then(() => question(host, STARTED));

  process.kill(killed.pid, 'SIGKILL');
  process.kill(stopped.pid, 'SIGSTOP');
  wire.cut();
  for (const host of hosts) await stands(host, 'host-unreachable');
  // Nobody has the question now, so that no heartbeat can be missed again: one silence can't come on record twice.
  for (const host of hosts) await question(host, SCHEDULED);

  await startAgent('killed');
  process.kill(stopped.pid, 'SIGCONT');
  wire.mend();
  for (const host of hosts) await stands(host, 'host-back').then(() => question(host, STARTED));

  for (const host of hosts) {
    const entries = recorded(host);
    const words = entries.map((entry) => entry.event);
    assert.deepEqual(words.filter((event) => event.startsWith('host-')), ['host-unreachable', 'host-back'], `${host}: ${words.join(', ')}`);
    // An agent that had just told something is silent before it takes the next question: nobody takes it for as long, then.
    assert.match(String(entries.find((entry) => entry.event === 'host-unreachable')!.data['problem']), /heartbeat|no answer in time/i, host);
    assert.notEqual(words.at(-1), 'host-back', `${host}: the news that told of its return is on record after it`);
  }
});
