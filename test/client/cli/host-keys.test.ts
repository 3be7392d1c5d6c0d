import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createRecordActivities } from '../../../activities/control/records.js';
import { acceptKey, keyOnceTold, knownKey } from '../../../client/cli/host-keys.js';
import type { Instance } from '../../../client/cli/instance.js';
import { EXIT, type CliError, type Io } from '../../../client/cli/io.js';
import { CONTROL_QUEUE } from '../../../policy/names.js';
import { fingerprintOf } from '../../../policy/ssh-key.js';
import { openRecords, type Records } from '../../../records/store.js';
import { useEnvironment } from '../../support/env.js';
import { makePeople, type TestPerson } from '../../support/people.js';
import { entry } from '../../support/record-entries.js';
import { temporaryFolder } from '../../support/servers.js';

const HOST = 'web-01';
const environment = useEnvironment();
const { dir, remove } = temporaryFolder('host-keys');
let keys: Record<'first' | 'second', TestPerson>;
let records: Records;
let told = 0;
before(() => {
  keys = makePeople(dir, ['first', 'second']);
  records = openRecords(path.join(dir, 'records.db'));
});
after(() => {
  records.close();
  remove();
});

const instance = (): Instance => ({ paths: { recordsDb: path.join(dir, 'records.db') }, requester: 'bob' }) as Instance;
/** As the host's watch puts it on record. */
const tell = (key?: string, event: 'check-in' | 'changed' = 'check-in') =>
  void records.append([entry(++told, { event, run: `watch-${HOST}`, kind: 'watch', host: HOST, link: '', actor: `agent@${HOST}`, chain: 'watch', data: key === undefined ? {} : { key } })]);

/** A terminal that says yes or no, or none at all (null). */
function terminal(answer: boolean | null): Io & { lines: string[]; asked: string[] } {
  const [lines, asked]: [string[], string[]] = [[], []];
  const add = (line: string): void => void lines.push(line);
  return { lines, asked, out: add, talk: add, interactive: answer !== null, ask: async (question) => (asked.push(question), answer === true), now: () => new Date() };
}

test('decision 9: a host\'s key is shown, compared and accepted once, by a person, on record; a changed one is asked about anew', async (t) => {
  await environment.withWorker(t, { activities: createRecordActivities(records), worker: { taskQueue: CONTROL_QUEUE } }, async ({ client }) => {
    const accept = async (io: Io, options = {}): Promise<number> => acceptKey(io, client, instance(), HOST, await keyOnceTold(instance(), HOST), options);
    const [first, second] = [keys.first.line, keys.second.line];
    const print = fingerprintOf(first);
    const onRecord = () => records.entriesByEvent('host-accepted').map(({ entry: { actor, host, data, justification } }) => [actor, host, data, justification]);

    tell(first);
    assert.equal(knownKey(instance(), HOST).state, 'not accepted');
    const no = terminal(false);
    assert.equal(await accept(no), EXIT.no);
    assert.match(no.lines.join('\n'), new RegExp(`${HOST} says its key is ${print.replaceAll('+', '\\+')}; on ${HOST}, in the agent's folder: ssh-keygen -lf[^]*not accepted; runbook host accept ${HOST} --fingerprint SHA256:`));
    const none = terminal(null);
    assert.equal(await accept(none), EXIT.no);
    assert.deepEqual(none.asked, [], 'a pipe is not asked');
    await assert.rejects(accept(terminal(true), { fingerprint: fingerprintOf(second) }), (error: CliError) => error.code === EXIT.no && /expected SHA256:.*, got SHA256:[^]*nothing was accepted/.test(error.message));
    assert.deepEqual(onRecord(), []);

    const yes = terminal(true);
    assert.equal(await accept(yes), EXIT.yes);
    assert.equal(yes.asked.length, 1);
    assert.deepEqual(onRecord(), [['bob', HOST, { key: first, fingerprint: print }, 'its fingerprint was compared']]);
    assert.equal(knownKey(instance(), HOST).state, 'accepted');
    const again = terminal(null);
    assert.equal(await accept(again), EXIT.yes);
    assert.match(again.lines[0]!, /is accepted, by bob at /);
    assert.equal(onRecord().length, 1);

    tell(second, 'changed');
    assert.equal(knownKey(instance(), HOST).state, 'changed');
    const changed = terminal(null);
    assert.equal(await accept(changed, { fingerprint: fingerprintOf(second), reason: 'new machine' }), EXIT.yes);
    assert.match(changed.lines[0]!, /^! the key of web-01 is another than the one accepted by bob at/);
    assert.deepEqual(onRecord().at(-1), ['bob', HOST, { key: second, fingerprint: fingerprintOf(second) }, 'new machine']);
    assert.deepEqual([knownKey(instance(), HOST).state, knownKey(instance(), 'web-02').state], ['accepted', 'none']);
    assert.deepEqual(records.listRuns(), [], 'a host is no run');
    assert.equal(records.verify().ok, true);
  });
});

test('decision 9: an acceptance started with something else than a key is refused', async (t) => {
  await environment.withWorker(t, { activities: createRecordActivities(records), worker: { taskQueue: CONTROL_QUEUE } }, async ({ client, id }) => {
    const before = records.entriesByEvent('host-accepted').length;
    for (const key of ['', 'ssh-ed25519 AAAA', `${keys.first.line}\nssh-ed25519 AAAA`]) {
      await assert.rejects(client.workflow.execute('acceptHost', { taskQueue: CONTROL_QUEUE, workflowId: id('accept'), args: [{ host: HOST, key, by: 'eve', reason: 'why' }] }));
    }
    assert.equal(records.entriesByEvent('host-accepted').length, before);
  });
});

test('a host that told no key, as one of an earlier version, is only watched', async () => {
  tell();
  const io = terminal(true);
  assert.equal(await acceptKey(io, null as never, instance(), HOST, { state: 'none', told: null, accepted: null }, {}), EXIT.yes);
  assert.match(io.lines[0]!, /has told no key/);
});
