import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostCommand } from '../../../client/cli/commands/host.js';
import type { WatchedHost } from '../../../client/cli/watched-hosts.js';
import { openRecords } from '../../../records/store.js';
import { runbookPaths } from '../../../worker/paths.js';
import { hostWatch } from '../../../workflows/host-watch.js';
import { useEnvironment } from '../../support/env.js';
import { fakes, saysNo } from '../../support/fake-host.js';
import { inProcess } from '../../support/in-process.js';
import { entry } from '../../support/record-entries.js';
import { temporaryFolder } from '../../support/servers.js';

const env = useEnvironment();
const { dir, remove } = temporaryFolder('host-list');
after(remove);
process.env['RUNBOOK_HOME'] = path.join(dir, 'home');
process.env['XDG_STATE_HOME'] = path.join(dir, 'state');

test('decision 12, PV-35: a watch that ended stands in the list with why and the way out, beside interpreters that are in use', { timeout: 60_000 }, async (t) => {
  const paths = runbookPaths(process.env);
  mkdirSync(path.dirname(paths.recordsDb), { recursive: true });
  const records = openRecords(paths.recordsDb);
  const found = (interpreters: object[], n: number) => entry(n, { event: 'foreign-interpreter', run: 'watch-web-01', kind: 'watch', host: 'web-01', link: '', data: { foreign: interpreters } });
  const old = { path: '/opt/old/bin/python3.8', version: '3.8.18', processes: 2, why: 'of no approved line' };
  records.append([found([], 1), found([old, { path: '', version: null, processes: 1, why: 'not known' }], 2)]);
  records.close();
  let isBroken = true;
  const f = fakes({ control: { healthRules: async ({ host }) => { if (isBroken && host === 'web-02') throw saysNo('BadInput', 'the rules'); return { health: null }; } } });
  await env.withWorker(t, { activities: f.control }, async ({ client, taskQueue }) => {
    process.env['TEMPORAL_ADDRESS'] = env.address;
    const start = (host: string) => client.workflow.start(hostWatch, { taskQueue, workflowId: `watch/${host}`, args: [{ host, cursor: 0, rules: null }] });
    const listed = async (): Promise<WatchedHost[]> => JSON.parse((await inProcess(hostCommand, 'host', 'list', '--json')).stdout) as WatchedHost[];
    const listedAs = async (...watches: string[]): Promise<WatchedHost[]> => {
      for (;; await sleep(100)) {
        const hosts = await listed();
        if (hosts.map(({ host, watch }) => `${host} ${watch}`).join() === watches.join()) return hosts;
      }
    };
    const first = await start('web-01');
    await listedAs('web-01 running');
    await assert.rejects((await start('web-02')).result());
    const hosts = await listedAs('web-01 running', 'web-02 failed');
    assert.deepEqual(hosts.map(({ problem, foreign }) => [problem, foreign?.interpreters.map(({ version }) => version)]), [[null, ['3.8.18', null]], ['BadInput: the rules', undefined]]);

    const { stdout, stderr, code } = await inProcess(hostCommand, 'host', 'list');
    const [head, one, two] = stdout.split('\n');
    assert.equal(code, 0);
    assert.match(head!, /^HOST +AGENT +KEY +FOREIGN +WATCHED SINCE$/);
    assert.match(one!, /^web-01 +silent +none told +1 +\d{4}-/);
    assert.match(two!, /^web-02 +silent +none told +— +not watched: failed/);
    assert.match(stderr, /^! web-01: 3\.8\.18 \/opt\/old\/bin\/python3\.8 is in use: of no approved line\n {2}try: runbook host interpreters {3}# on web-01\n! web-02 is not watched since [^ ]+: its watch failed \(BadInput: the rules\)\n {2}try: runbook host accept web-02$/);

    isBroken = false;
    const second = await start('web-02');
    await listedAs('web-01 running', 'web-02 running');
    await Promise.all([first.terminate('seen'), second.terminate('seen')]);
    await listedAs('web-01 terminated', 'web-02 terminated');
  });
});
