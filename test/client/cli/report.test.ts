/** Reports and descriptions: from records and policy alone, with no server anywhere. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { describeCommand } from '../../../client/cli/commands/describe.js';
import { showCommand } from '../../../client/cli/commands/show.js';
import { findInstance } from '../../../client/cli/instance.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { openRecords } from '../../../records/store.js';
import { entriesOfRecord, wholeRecord } from '../../support/fallback-records.js';

const home = mkdtempSync(path.join(tmpdir(), 'runbooks-report-'));
Object.assign(process.env, { XDG_STATE_HOME: path.join(home, 'xdg'), RUNBOOK_HOME: path.join(home, 'home') });
delete process.env['TEMPORAL_ADDRESS'];
after(() => rmSync(home, { recursive: true }));

const records = openRecords(findInstance().paths.recordsDb);
records.append(entriesOfRecord(wholeRecord('refused')));
records.close();

/** Runs one command in this process; what it printed, or the refusal it ended with. */
async function cli(register: (program: Command, io: Io) => void, ...words: string[]): Promise<{ out: string; refused: CliError | null }> {
  const out: string[] = [];
  const io: Io = { out: (line) => void out.push(line), talk: () => undefined, interactive: false, ask: () => Promise.resolve(false), now: () => new Date(0) };
  const program = new Command().exitOverride();
  register(program, io);
  try {
    await program.parseAsync(words, { from: 'user' });
    return { out: out.join('\n'), refused: null };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { out: out.join('\n'), refused: error };
  }
}

test('AU-04, WF-53: show --report tells a run that no server knows any more, in each form', async () => {
  const md = await cli(showCommand, 'show', 'fb-7k2m', '--report', 'md');
  assert.match(md.out, /^# Wheel fallback fb-7k2m\n[^]*## Root cause\n[^]*## Trail\n/);
  const html = await cli(showCommand, 'show', 'fb-7k2m', '--report', 'html');
  assert.match(html.out, /^<!doctype html>[^]*<h1>Wheel fallback fb-7k2m <span class="badge bad">refused<\/span><\/h1>[^]*<\/html>$/);
  const json = JSON.parse((await cli(showCommand, 'show', 'fb-7k2m', '--report', 'json')).out) as { fallback: { result: { run: string } }; entries: unknown[] };
  assert.equal(json.fallback.result.run, 'fb-7k2m');
  assert.ok(json.entries.length > 5);
});

test('show --report refuses a form and a run that are not known, with the way out', async () => {
  const form = await cli(showCommand, 'show', 'fb-7k2m', '--report', 'pdf');
  assert.equal(form.refused?.code, 64);
  assert.match(form.refused!.message, /expected md, html or json, got pdf/);
  const run = await cli(showCommand, 'show', 'fb-0000', '--report', 'md');
  assert.equal(run.refused?.code, 64);
  assert.match(run.refused!.message, /run fb-0000: expected a run on record/);
});

test('PV-14: describe prints the runbook in each form, by each of its names, and refuses another', async () => {
  const text = await cli(describeCommand, 'describe', 'wheel-fallback');
  assert.match(text.out, /^Wheel fallback \(fallback\)\n[^]*1\. assess[^]*By hand:[^]*Known issues/);
  assert.equal((await cli(describeCommand, 'describe', 'fallback')).out, text.out);
  assert.match((await cli(describeCommand, 'describe', 'rollback', '--report', 'md')).out, /^# Go back to the environment/);
  assert.match((await cli(describeCommand, 'describe', 'change', '--report', 'html')).out, /^<!doctype html>/);
  const json = JSON.parse((await cli(describeCommand, 'describe', 'change', '--json')).out) as { kind: string; steps: { name: string }[]; policy: { digest: string } };
  assert.equal(json.kind, 'change');
  assert.match(json.policy.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(json.steps.slice(0, 2).map(({ name }) => name), ['plan', 'approve']);
  const unknown = await cli(describeCommand, 'describe', 'constructor');
  assert.equal(unknown.refused?.code, 64);
  assert.match(unknown.refused!.message, /expected change, fallback, wheel-fallback, rollback, undo, exception, interpreter-change, got constructor/);
  assert.equal((await cli(describeCommand, 'describe', 'change', '--report', 'pdf')).refused?.code, 64);
});
