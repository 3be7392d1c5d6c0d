/** The check for pull requests, over real repositories and real records. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { stringify } from 'yaml';
import { ciCommand } from '../../../client/cli/commands/ci-approvals.js';
import { CliError, type Io } from '../../../client/cli/io.js';
import { openRecords } from '../../../records/store.js';
import type { AuditEntry } from '../../../policy/records.js';
import { runbookPaths } from '../../../worker/paths.js';
import { exceptionEntry } from '../../support/policies.js';

const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'runbooks-ci-')));
after(() => rmSync(top, { recursive: true, force: true }));
process.env['RUNBOOK_HOME'] = path.join(top, 'home');
process.env['XDG_STATE_HOME'] = path.join(top, 'state');
const paths = runbookPaths(process.env);
const repository = path.join(top, 'pricer');

const git = (...args: string[]): void => void execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], { stdio: 'pipe' });
const write = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(repository, name)), { recursive: true });
  writeFileSync(path.join(repository, name), text);
};
const workflow = (versions: string[], free: string[] = []): string => stringify({ jobs: { test: { strategy: { matrix: { 'python-version': versions } } }, next: { 'continue-on-error': true, strategy: { matrix: { 'python-version': free } } } } });

interface Answer { code: number; out: string; talk: string }

/** `runbook ci …` in the repository. */
async function ci(...words: string[]): Promise<Answer> {
  const [out, talk]: [string[], string[]] = [[], []];
  const io: Io = { out: (line) => void out.push(line), talk: (line) => void talk.push(line), interactive: false, ask: async () => false, now: () => new Date() };
  const program = new Command('runbook').exitOverride();
  ciCommand(program, io);
  process.chdir(repository);
  process.exitCode = undefined;
  let code: number;
  try {
    await program.parseAsync(['ci', ...words], { from: 'user' });
    code = Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    talk.push(...error.lines);
    code = error.code;
  }
  process.exitCode = undefined;
  return { code, out: out.join('\n'), talk: talk.join('\n') };
}

let n = 0;
/** A review on record, as its decisions write it. */
function review(run: string, from: string, to: string, steps: string[], outcome: string | null, project = 'pricer'): void {
  mkdirSync(path.dirname(paths.recordsDb), { recursive: true });
  const records = openRecords(paths.recordsDb);
  const env = { host: 'web-01', link: `/srv/${project}/.venv` };
  const told = (event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry => ({ ...exceptionEntry(run, ++n, event, n, data), kind: 'interpreter-change', ...env });
  records.append([
    told('run-started', { from, to }),
    ...steps.flatMap((purpose) => [told('approval-asked', { request: `${run}-${purpose}`, purpose, facts: { from, to, env, environments: [] } as never }), told('decided', { request: `${run}-${purpose}`, purpose, outcome: 'approved', message: '', by: [], decidedAt: '' })]),
    ...(outcome === null ? [] : [told('outcome', { outcome, message: 'm', from, to })]),
  ]);
  records.close();
}

const STEPS = ['technical-review', 'ci-validation', 'integration', 'security-review', 'document-update', 'cab'];

test('set-up: a repository with a base', () => {
  mkdirSync(repository);
  git('init', '-q', '-b', 'main');
  write('.github/workflows/ci.yml', workflow(['3.12'], ['3.14']));
  write('pyproject.toml', '[project]\nname = "pricer"\nrequires-python = ">=3.12"\n');
  write('.python-version', '3.12.1\n');
  write('a "quoted" näme/pyproject.toml', '[project]\nrequires-python = ">=3.12"\n');
  write('runbook.yaml', 'name: pricer\n');
  git('add', '-A');
  git('commit', '-q', '-m', 'base');
});

test('AP-02: nothing changed is a yes, also beside other changes; also with no records at all', async () => {
  write('README.md', 'x');
  write('node_modules/x/pyproject.toml', '[project]\nrequires-python = ">=3.9"\n');
  symlinkSync(repository, path.join(repository, 'round'));
  assert.deepEqual(await ci('constraints', '--base', 'main'), { code: 0, out: 'no Python version changed', talk: '' });
});

test('AP-02: a matrix, requires-python and .python-version that changed are each refused, on stdout; approved, each is allowed', async () => {
  write('.github/workflows/ci.yml', workflow(['3.13'], ['3.14']));
  write('pyproject.toml', '[project]\nname = "pricer"\nrequires-python = ">=3.13"\n');
  write('.python-version', '3.13.1\n');
  const refused = await ci('constraints', '--base', 'main', '--head', '.');
  assert.equal(refused.code, 1);
  assert.deepEqual(refused.out.split('\n'), [
    '✗ .github/workflows/ci.yml job test python-version: from 3.12 to 3.13: no approval was named',
    '✗ .python-version version: from 3.12.1 to 3.13.1: no approval was named',
    '✗ pyproject.toml requires-python >=: from 3.12 to 3.13: no approval was named',
  ]);
  assert.match(refused.talk, /^refused: 3 of 3 changes of Python versions: [^]*AP-02[^]*try: runbook run interpreter-change/);
  const early = await ci('constraints', '--base', 'main', '--approval', 'ic-aaaa');
  assert.equal(early.code, 69, 'no records: could not tell');
  review('ic-aaaa', '3.12', '3.13', STEPS, 'done');
  review('ic-bbbb', '3.12', '3.13', STEPS.slice(0, 4), null);
  review('ic-cccc', '3.12', '3.13', STEPS, 'done', 'quoter');
  const allowed = await ci('constraints', '--base', 'main', '--approval', 'ic-aaaa', '--json');
  assert.equal(allowed.code, 0, allowed.out);
  const told = JSON.parse(allowed.out) as { allowed: boolean; changes: { by: string }[] };
  assert.deepEqual([told.allowed, told.changes.map(({ by }) => by)], [true, ['ic-aaaa', 'ic-aaaa', 'ic-aaaa']]);
  for (const [id, why] of [['ic-bbbb', /has not ended/], ['ic-cccc', /does not name project pricer/]] as const) {
    const { code, out } = await ci('constraints', '--base', 'main', '--approval', id);
    assert.equal(code, 1, id);
    assert.match(out, why);
  }
  assert.equal((await ci('constraints', '--base', 'main', '--approval', 'ic-bbbb', '--approval', 'ic-aaaa')).code, 0);
  assert.equal((await ci('constraints', '--base', 'main', '--approval', 'ic-cccc', '--environment', 'web-01:/srv/quoter')).code, 0);
  assert.equal((await ci('constraints', '--base', 'main', '--approval', 'ic-aaaa', '--environment', 'web-02:/srv/pricer')).code, 1);
});

test('AP-02: two commits are compared as well, and a path within each', async () => {
  git('add', '-A', ':!round', ':!node_modules');
  git('commit', '-q', '-m', 'next');
  assert.equal((await ci('constraints', '--base', 'HEAD~1', '--head', 'HEAD')).code, 1);
  assert.equal((await ci('constraints', '--base', 'HEAD', '--head', 'HEAD')).code, 0);
  const one = await ci('constraints', '--base', 'HEAD~1:pyproject.toml', '--head', './pyproject.toml');
  assert.deepEqual([one.code, one.out], [1, '✗ pyproject.toml requires-python >=: from 3.12 to 3.13: no approval was named']);
  assert.equal((await ci('constraints', '--base', 'HEAD~1:a "quoted" näme', '--head', 'HEAD:a "quoted" näme')).code, 0);
});

test('AP-03: a change of the fallback version needs the review up to its update; against no file it is a change of the documents\' policy', async () => {
  write('policy.yaml', stringify({ interpreters: { fallback: { version: '3.11.14', justification: 'j' } } }));
  const line = 'policy.yaml interpreters.fallback.version: from 3.11.13 to 3.11.14';
  for (const base of ['HEAD', 'HEAD:policy.yaml']) {
    const refused = await ci('constraints', '--base', base, '--head', base === 'HEAD' ? '.' : './policy.yaml');
    assert.deepEqual([refused.code, refused.out], [1, `✗ ${line}: no approval was named`], base);
  }
  review('ic-dddd', '3.11.13', '3.11.14', STEPS.slice(0, 3), null, 'anything');
  assert.match((await ci('constraints', '--base', 'HEAD', '--approval', 'ic-dddd')).out, /still waits for security-review/);
  review('ic-eeee', '3.11.13', '3.11.14', STEPS.slice(0, 4), null, 'anything');
  assert.deepEqual(await ci('constraints', '--base', 'HEAD', '--approval', 'ic-eeee'), { code: 0, out: `✓ ${line}: approved by ic-eeee`, talk: '' });
});

test('DIS-35: the policy in force, not the one that is proposed, says which lanes have a standing approval', async () => {
  write('policy.yaml', stringify({ interpreterChange: { standingLanes: ['pricer'] } }));
  write('.github/workflows/ci.yml', workflow(['3.13'], ['3.15']));
  assert.match((await ci('constraints', '--base', 'HEAD')).out, /^✗ \.github\/workflows\/ci\.yml job next python-version: from 3\.14 to 3\.15: no approval was named$/);
  mkdirSync(path.dirname(paths.policyFile), { recursive: true });
  writeFileSync(paths.policyFile, stringify({ interpreterChange: { standingLanes: ['pricer'] } }));
  const allowed = await ci('constraints', '--base', 'HEAD');
  assert.deepEqual([allowed.code, allowed.out], [0, '✓ .github/workflows/ci.yml job next python-version: from 3.14 to 3.15: lane next does not block, and has a standing approval']);
  assert.equal((await ci('constraints', '--base', 'HEAD', '--project', 'quoter')).code, 1);
});

test('AP-02: what a pull request brings along neither passes for its base nor gives it another name', async () => {
  const [head, planted] = [path.join(repository, 'pyproject.toml'), path.join(repository, 'main/pyproject.toml')];
  mkdirSync(path.dirname(planted));
  for (const file of [head, planted]) writeFileSync(file, '[project]\nrequires-python = ">=3.14"\n');
  assert.match((await ci('constraints', '--base', 'main:pyproject.toml', '--head', './pyproject.toml')).out, /^✗ pyproject\.toml requires-python >=: from 3\.13 to 3\.14/);
  assert.match((await ci('constraints', '--base', 'main')).out, /✗ pyproject\.toml requires-python >=: from 3\.13 to 3\.14/);
  rmSync(path.dirname(planted), { recursive: true });
  git('checkout', '-q', 'pyproject.toml');
  writeFileSync(paths.policyFile, stringify({ interpreterChange: { standingLanes: ['quoter'] } }));
  write('runbook.yaml', 'name: quoter\n');
  assert.equal((await ci('constraints', '--base', 'HEAD')).code, 1);
});

test('bad input is refused: places that are none, options as names, approvals that are not on record, files that can\'t be read', async () => {
  for (const place of ['--upload-pack=x', 'nowhere', 'HEAD:../x', 'HEAD:/etc', 'HEAD^{tree}', '', './nowhere', 'pyproject.toml']) {
    const { code, talk } = await ci('constraints', `--base=${place}`);
    assert.equal(code, 64, `${place}: ${talk}`);
    assert.match(talk, /nothing was started/);
  }
  for (const id of ['ic-zzzz', '--x', 'ic-aaaa/../..']) assert.equal((await ci('constraints', '--base', 'HEAD', `--approval=${id}`)).code, 64, id);
  assert.equal((await ci('constraints', '--base', 'HEAD', '--environment', 'web-01:relative')).code, 64);
  write('.github/workflows/ci.yml', 'jobs: [');
  const broken = await ci('constraints', '--base', 'HEAD');
  assert.equal(broken.code, 64);
  assert.match(broken.talk, /refused: \.github\/workflows\/ci\.yml: expected a file whose Python versions can be read/);
});
