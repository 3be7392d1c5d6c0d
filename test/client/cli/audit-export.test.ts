/** An export verified as an auditor would, years later: with stock tools, by the commands that came with it, and nothing of ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { auditCommand } from '../../../client/cli/commands/audit.js';
import { exportFiles } from '../../../client/cli/audit-export.js';
import { findInstance } from '../../../client/cli/instance.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { signText } from '../../../client/cli/signing.js';
import type { SignerKey } from '../../../policy/files/people.js';
import type { ApprovalFacts, CountedVote, SignedText } from '../../../policy/model-approval.js';
import type { AuditEntry, StoredEntry } from '../../../policy/records.js';
import { approvalText } from '../../../policy/signed-texts.js';
import { allowedSignersLine, fingerprintOf } from '../../../policy/signers.js';
import { openRecords } from '../../../records/store.js';
import { makePeople } from '../../support/people.js';
import { entry } from '../../support/record-entries.js';

const dir = mkdtempSync(path.join(tmpdir(), 'runbooks-export-'));
after(() => rmSync(dir, { recursive: true }));
Object.assign(process.env, { XDG_STATE_HOME: path.join(dir, 'xdg'), RUNBOOK_HOME: path.join(dir, 'home') });
const people = makePeople(dir, ['alice', 'bob', 'carol']);

const RUN = 'ex-3p9d';
const about = (n: number, fields: Partial<AuditEntry>): AuditEntry => entry(n, { run: RUN, kind: 'exception', host: 'web-01', ...fields });
const AT = ['2025-11-22T11:31:00.000Z', '2025-11-22T11:32:08.412Z'];

/** A counted vote of somebody whose key was valid for a time only. */
async function vote(seq: number, person: 'alice' | 'carol', facts: ApprovalFacts, t: string): Promise<CountedVote> {
  const { file, line } = people[person];
  const key: SignerKey = { key: line, validFrom: '2025-01-01T00:00:00Z', validUntil: '2026-01-01T00:00:00Z', compromised: false };
  const text = approvalText(facts, 'approve');
  return { seq, t, person, role: 'cab', deputyFor: null, verdict: 'approve', fingerprint: fingerprintOf(line), signer: allowedSignersLine(person, key, ['runbook.approval']), signersDigest: 'c'.repeat(64), text, signature: await signText(file, 'runbook.approval', text) };
}

/** The records of a run that two people allowed. */
async function record(): Promise<void> {
  const records = openRecords(findInstance().paths.recordsDb);
  const asks: SignedText = { text: 'interpreter-runbooks request 1\nI ask for ex-3p9d: exception\n', signature: '' };
  asks.signature = await signText(people.bob.file, 'runbook.request', asks.text);
  const head = records.append([about(1, { event: 'run-started', data: {} }), about(2, { event: 'phase', data: { phase: 'waiting', message: 'asks for grant' } })]);
  const facts: ApprovalFacts = {
    request: '0b0e6d2a-8a55-4b1c-9f3d-1f5f2a7f2c11', run: RUN, kind: 'exception', purpose: 'grant', namespace: 'default', env: { host: 'web-01', link: '/srv/pricer/.venv' }, environments: [],
    from: '3.12.11', to: '3.13.9', hours: 24, requester: 'bob', reason: 'CVE-2026-12345\nrm -rf', planDigest: 'a'.repeat(64), policyDigest: 'b'.repeat(64), evidence: [], useBy: '2025-11-26T11:31:00.000Z', head,
  };
  const votes = [await vote(1, 'alice', facts, AT[0]!), await vote(2, 'carol', facts, AT[1]!)];
  records.append([
    about(3, { event: 'approval-asked', data: { request: facts.request, purpose: 'grant', facts, rules: {}, deadline: '2025-11-25T11:31:00.000Z', asked: asks } }),
    ...votes.map((counted, at) => about(4 + at, { event: 'vote', actor: counted.person, data: { request: facts.request, vote: counted, message: `counted: ${at + 1} of 2` } })),
    about(6, { event: 'outcome', data: { outcome: 'done', message: 'ok' } }),
  ]);
  records.close();
}

/** `runbook audit export …` in this process. */
async function auditExport(...words: string[]): Promise<{ out: string; refused: CliError | null }> {
  const out: string[] = [];
  const io: Io = { out: (line) => void out.push(line), talk: () => undefined, interactive: false, ask: () => Promise.resolve(false), now: () => new Date(0) };
  const program = new Command().exitOverride();
  auditCommand(program, io);
  try {
    await program.parseAsync(['audit', 'export', ...words], { from: 'user' });
    return { out: out.join('\n'), refused: null };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { out: out.join('\n'), refused: error };
  }
}

/** Runs what VERIFY.txt says, with a PATH that has nothing of ours. */
const verify = (folder: string): { code: number | null; out: string } => {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-e', 'VERIFY.txt'], { cwd: folder, env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' });
  return { code: status, out: stdout + stderr };
};

await record();
const folder = path.join(dir, 'years-later');
const exported = await auditExport('--run', RUN, '--to', folder, '--json');
const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

test('AP-08, AU-12: the export has request, votes, signers, trail and the commands that verify them', () => {
  assert.deepEqual((JSON.parse(exported.out) as { files: string[] }).files, ['request.txt', 'request.txt.sig', '1-alice.txt', '1-alice.txt.sig', '2-carol.txt', '2-carol.txt.sig', 'allowed_signers', 'trail.jsonl', 'VERIFY.txt']);
  assert.equal(read('trail.jsonl').trimEnd().split('\n').length, 6);
  assert.match(read('VERIFY.txt'), /^TZ=UTC ssh-keygen -Y verify -f allowed_signers -I alice -n runbook\.approval -Overify-time=20251122113100 -s 1-alice\.txt\.sig < 1-alice\.txt$/m);
  assert.match(read('VERIFY.txt'), /^# plan sha256:a{64}$/m);
  // A reason must not become a command.
  assert.doesNotMatch(read('VERIFY.txt'), /^rm -rf/m);
});

test('AP-08, AU-12: the stock commands by themselves verify every vote at its time, long after the keys expired', () => {
  const { code, out } = verify(folder);
  assert.equal(code, 0, out);
  for (const [person, { line }] of Object.entries(people)) if (person !== 'bob') assert.ok(out.includes(`Good "runbook.approval" signature for ${person} with ED25519 key ${fingerprintOf(line)}`), out);
  assert.ok(out.includes(`Good "runbook.request" signature with ED25519 key ${fingerprintOf(people.bob.line)}`), out);
  // Each command by itself does, and there is one for each vote.
  const commands = read('VERIFY.txt').split('\n').filter((line) => line.includes('-Y verify'));
  assert.equal(commands.length, 2);
  for (const command of commands) assert.equal(spawnSync('/bin/sh', ['-c', command], { cwd: folder, env: { PATH: '/usr/bin:/bin' } }).status, 0);
});

for (const { what, name, change } of [
  { what: 'a changed vote', name: '1-alice.txt', change: (text: string) => text.replace('3.13.9', '3.13.8') },
  { what: 'a vote with carriage returns', name: '2-carol.txt', change: (text: string) => text.replaceAll('\n', '\r\n') },
  { what: 'a vote of somebody else', name: '1-alice.txt.sig', change: () => readFileSync(path.join(folder, '2-carol.txt.sig'), 'utf8') },
  { what: 'a changed request', name: 'request.txt', change: (text: string) => text.replace('exception', 'change') },
  { what: 'an entry of the trail that the votes name', name: 'trail.jsonl', change: (text: string) => text.replace('asks for grant', 'asks for nothing') },
  { what: 'a key that was not valid at the time', name: 'allowed_signers', change: (text: string) => text.replaceAll('valid-after="20250101000000"', 'valid-after="20251201000000"') },
]) {
  test(`AU-12, invariant 15: ${what} fails its check`, () => {
    const original = read(name);
    assert.notEqual(change(original), original);
    try {
      writeFileSync(path.join(folder, name), change(original));
      assert.notEqual(verify(folder).code, 0);
    } finally {
      writeFileSync(path.join(folder, name), original);
    }
    assert.equal(verify(folder).code, 0);
  });
}

test('an export overwrites nothing, and refuses a run that is not on record', async () => {
  const again = await auditExport('--run', RUN, '--to', folder);
  assert.equal(again.refused?.code, 64);
  assert.match(again.refused!.message, /expected a new or an empty folder/);
  const unknown = await auditExport('--run', 'ex-0000', '--to', path.join(dir, 'none'));
  assert.match(unknown.refused!.message, /run ex-0000: expected a run on record/);
});

test('a name in a vote that is no person\'s never becomes a file or an argument; a run nobody decided on says so', () => {
  const stored = (data: Record<string, unknown>): StoredEntry => ({ seq: 1, previous: '0'.repeat(64), hash: '1'.repeat(64), entry: about(1, { event: 'vote', data }) });
  assert.throws(() => exportFiles(RUN, [stored({ request: 'r', message: '', vote: { person: '../../etc/x; rm -rf', text: '', signature: '', signer: '', t: AT[0] } })]), /expected the name of a person/);
  const nobody = exportFiles(RUN, [{ ...stored({}), entry: about(1, { event: 'run-started' }) }]);
  assert.match(nobody.find(({ name }) => name === 'VERIFY.txt')!.text, /# Nobody was asked to decide on this run/);
});
