/** EE-11, EE-12 on the command line: what stands for a time only, from the records alone, where no server answers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { Command } from 'commander';
import { envCommand } from '../../../client/cli/commands/env.js';
import { exceptionCommand } from '../../../client/cli/commands/exception.js';
import { listCommand } from '../../../client/cli/commands/list.js';
import { showCommand } from '../../../client/cli/commands/show.js';
import { whyCommand } from '../../../client/cli/commands/why.js';
import { findInstance } from '../../../client/cli/instance.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { localText } from '../../../policy/local-time.js';
import { sha256Hex } from '../../../policy/canonical.js';
import type { AuditEntry } from '../../../policy/records.js';
import { openRecords } from '../../../records/store.js';
import { EXPIRES, ROOT_CAUSE, active, byHost, outcome, reviewed, rootCause } from '../../support/exception-entries.js';

const dir = mkdtempSync(path.join(tmpdir(), 'exception-list-'));
after(() => rmSync(dir, { recursive: true, force: true }));
Object.assign(process.env, { XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: path.join(dir, 'home'), TZ: 'UTC' });
delete process.env['TEMPORAL_ADDRESS'];
const { recordsDb } = findInstance().paths;
mkdirSync(path.dirname(recordsDb), { recursive: true });
beforeEach(() => rmSync(path.dirname(recordsDb), { recursive: true, force: true }));

const DURING = '2026-11-21T11:19:00.000Z';
const REGISTER = { exception: exceptionCommand, env: envCommand, list: listCommand, show: showCommand, why: whyCommand };

/** What a command says on stdout, with these entries on record, at this time. */
async function say(words: [keyof typeof REGISTER, ...string[]], entries: AuditEntry[], now = DURING): Promise<string> {
  mkdirSync(path.dirname(recordsDb), { recursive: true });
  const records = openRecords(recordsDb);
  records.append(entries, [ROOT_CAUSE]);
  records.close();
  const lines: string[] = [];
  const io: Io = { out: (line) => void lines.push(line), talk: () => {}, interactive: false, ask: async () => false, now: () => new Date(now) };
  const program = new Command().exitOverride();
  REGISTER[words[0]](program, io);
  await program.parseAsync(words, { from: 'user' });
  return lines.join('\n');
}

test('EE-12: exception list: run, versions, where, ground, by whom, end in the policy\'s zone and UTC, what is left, root cause, review', async () => {
  const said = await say(['exception', 'list'], [...active(), rootCause(sha256Hex(ROOT_CAUSE)), ...reviewed().slice(0, 2)]);
  const [head, by, expires, work] = said.split('\n') as [string, string, string, string];
  assert.equal(head, 'ex-3p9d  active  3.12.11 → 3.13.9  web-01:/srv/pricer');
  assert.equal(by, '  security-vulnerability, 24 h, asked by bob, granted by alice, carol');
  assert.match(expires, new RegExp(`^ {2}expires Sun 22 Nov \\d\\d:31 .*, ${EXPIRES}, 23 h 12 min left$`));
  assert.equal(work, '  root cause by frank · review ic-3p9d: waits for root-cause of technical-review');
});

test('exception list --json has every field, what is over has nothing left, and nothing is said of what was never there', async () => {
  const [row] = JSON.parse(await say(['exception', 'list', '--json'], [...active(), ...byHost()], EXPIRES)) as [Record<string, unknown>];
  assert.deepEqual([row['state'], row['remainingMs'], row['expiresAt'], row['grantedBy'], row['review']], ['reverted', null, EXPIRES, ['alice', 'carol'], null]);
  assert.match(String(row['expiresLocal']), /^Sun 22 Nov/);
  rmSync(path.dirname(recordsDb), { recursive: true });
  assert.equal(await say(['exception', 'list'], []), 'no exception on record');
  assert.equal(await say(['exception', 'list', '--recent', '0'], [...active(), ...byHost()]), 'no exception on record', 'those that are over are left out where none are asked for');
  await assert.rejects(say(['exception', 'list', '--recent', '-1'], []), (error) => error instanceof CliError && /--recent: expected a number/.test(error.message));
});

test('EE-11: env list, list and why flag the environment with its end, and JSON says the same', async () => {
  const entries = active();
  assert.match(await say(['env', 'list'], entries), /^3\.13\.9 +ex-3p9d .* exception to Sun 10:31 +web-01:\/srv\/pricer$/m);
  assert.match(await say(['list'], entries), /^ex-3p9d .* exception to Sun 10:31 +3\.12\.11 → 3\.13\.9/m);
  assert.equal(await say(['why', 'web-01:/srv/pricer'], entries), '3.13.9 since Sat 10:32 by ex-3p9d (bob; alice, carol) to Sun 10:31, then 3.12.11');
  const [known] = JSON.parse(await say(['env', 'list', '--json'], entries)) as [{ version: string; standing: { state: string; end: string } }];
  assert.deepEqual([known.version, known.standing.state, known.standing.end], ['3.13.9', 'exception', EXPIRES]);
  const [why] = JSON.parse(await say(['why', 'web-01:/srv/pricer', '--json'], entries)) as [{ standing: { state: string } }];
  assert.equal(why.standing.state, 'exception');
  assert.match(await say(['env', 'history', 'web-01:/srv/pricer'], entries), /3\.12\.11 → 3\.13\.9 to Sun 10:31/);
  assert.match(await say(['env', 'list'], entries, EXPIRES), /exception, over since Sun 10:31/);
});

test('EE-09: after the host went back by itself, env list, list and why say the old version again', async () => {
  const entries = [...active(), ...byHost()];
  assert.match(await say(['env', 'list'], entries, EXPIRES), /^3\.12\.11 +ex-3p9d .* expired +web-01:\/srv\/pricer$/m);
  assert.match(await say(['list'], entries, EXPIRES), /^ex-3p9d .* reverted +3\.12\.11 → 3\.13\.9/m);
  assert.match(await say(['why', 'web-01:/srv/pricer'], entries, EXPIRES), /^3\.12\.11 since Sun 10:31, when ex-3p9d \(bob; alice, carol\) ended; before it 3\.13\.9 since Sat 10:32$/);
  assert.match(await say(['env', 'history', 'web-01:/srv/pricer'], entries, EXPIRES), /3\.12\.11 → 3\.13\.9 → 3\.12\.11/);
});

test('EE-12: show: the clock, and every vote: who, as what, when, counted or refused with its reason', async () => {
  const entries = [...active(), ...byHost(), outcome('expired', 'its 24 hours are over')];
  const said = await say(['show', 'ex-3p9d'], entries, EXPIRES);
  for (const line of ['allowed: alice, carol', '  declared    Sat 10:02 by bob: security-vulnerability, 24 h', '  convened    Sat 10:20, in time (by Sat 12:02)', '  granted     Sat 10:31 by alice, carol', '  reverted    10:31 to 3.12.11, verified, by the host itself', '  grant: 2 of cab, approved by alice (cab), carol (cab)', '    Sat 10:20  alice  cab  approve, counted', '    Sat 10:25  bob  —  not counted: bob asked for this run']) assert.ok(said.split('\n').includes(line), `${line}\n${said}`);
  const json = JSON.parse(await say(['show', 'ex-3p9d', '--json'], entries, EXPIRES)) as { exception: { grantedAt: string }; decisions: { votes: { person: string; counted: boolean; reason: string }[] }[] };
  assert.deepEqual(json.decisions[0]!.votes.map(({ person, counted, reason }) => [person, counted, reason]), [['alice', true, ''], ['bob', false, 'bob asked for this run'], ['carol', true, '']]);
  assert.equal(json.exception.grantedAt, '2026-11-21T10:31:00.000Z');
  assert.match(await say(['show', 'ex-3p9d', '--report', 'md'], entries, EXPIRES), /^# Emergency exception ex-3p9d/);
});

test('the zone of the calendar tells the two hours of a clock change apart', () => {
  assert.deepEqual([localText('2026-10-25T00:30:00.000Z', 'Europe/Berlin'), localText('2026-10-25T01:30:00.000Z', 'Europe/Berlin')], ['Sun 25 Oct 02:30 CEST (Europe/Berlin)', 'Sun 25 Oct 02:30 CET (Europe/Berlin)']);
  assert.throws(() => localText('2026-10-25T00:30:00.000Z', 'Nowhere/Nothing'), RangeError);
});
