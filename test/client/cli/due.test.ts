import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { dueCommand } from '../../../client/cli/commands/due.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { openRecords } from '../../../records/store.js';
import { runbookPaths } from '../../../worker/paths.js';
import { at, grantedException } from '../../support/policies.js';

const top = mkdtempSync(path.join(tmpdir(), 'runbooks-due-'));
after(() => rmSync(top, { recursive: true, force: true }));
process.env['RUNBOOK_HOME'] = path.join(top, 'home');
process.env['XDG_STATE_HOME'] = path.join(top, 'state');
const paths = runbookPaths(process.env);

async function due(...words: string[]): Promise<string> {
  const out: string[] = [];
  const io: Io = { out: (line) => void out.push(line), talk: () => undefined, interactive: false, ask: async () => false, now: () => new Date(at(0)) };
  const program = new Command('runbook').exitOverride();
  dueCommand(program, io);
  await program.parseAsync(['due', ...words], { from: 'user' });
  return out.join('\n');
}

test('PV-07 to PV-10, PV-31: due lists what is overdue and what comes within the days, earliest first', async () => {
  const lines = (await due('--days', '200')).split('\n');
  assert.match(lines[0]!, /^ON +KIND +STATE +WHAT$/);
  assert.match(lines[1]!, /^2024-10-07 +planning +overdue +planning for Python 3\.14 begins$/);
  assert.match(lines.at(-1)!, /^2027-04-30 +eol-notice +to come +announce that Python 3\.12 /);
  assert.equal((await due('--days', '0')).includes('2027'), false);
});

test('EE-12: exceptions that have not ended are due at their end, and no others', async () => {
  mkdirSync(path.dirname(paths.recordsDb), { recursive: true });
  mkdirSync(path.dirname(paths.policyFile), { recursive: true });
  writeFileSync(paths.policyFile, stringify({ timeline: {}, header: { review: '2030-01-01' }, checks: { checklist: { review: '2030-01-01' } } }));
  assert.equal(await due(), 'nothing is due in the next 90 days');
  assert.deepEqual(JSON.parse(await due('--json')), []);
  const records = openRecords(paths.recordsDb);
  records.append(grantedException('ex-aaaa', -1, 24));
  records.close();
  assert.deepEqual(JSON.parse(await due('--json')), [{ what: `exception ex-aaaa of web-01:/srv/p ends (${at(23)})`, on: '2026-11-01', kind: 'waiting', overdue: false, row: 'EE-09' }]);
});

test('days that are no number are bad input', async () => {
  for (const days of ['-1', '1e3', 'ten', '']) await assert.rejects(due(`--days=${days}`), (error: unknown) => error instanceof CliError && error.code === 64, days);
});
