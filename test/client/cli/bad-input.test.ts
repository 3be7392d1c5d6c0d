/**
 * Bad input, each as a process of its own: exit 64 (or 69 where nobody could tell), what, expected, got and the way out
 * on stderr, nothing started, nothing on record, nothing left behind.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { startInstance, type CliAnswer, type TestInstance } from '../../support/instance.js';

let it: TestInstance;
/** A project without an environment, for what may stand at the link. */
let bare: string;
let ended = '';
before(async () => {
  it = await startInstance({ onSwitch: 'idle' });
  bare = path.join(path.dirname(it.project), 'bare');
  mkdirSync(bare);
  writeFileSync(path.join(bare, 'requirements.txt'), 'alpha==1.0\n');
  ended = it.records().listRuns()[0]!.run;
}, { timeout: 240_000 });
after(() => it?.stop());

/** Every path below a folder with what tells whether it was touched. */
const listing = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().map((name) => {
    const stat = lstatSync(path.join(folder, name));
    // The plan's look writes and removes a file where the environment would be built: a folder's own time tells nothing.
    return `${name} ${stat.mode} ${stat.ino} ${stat.isDirectory() ? '' : `${stat.size} ${stat.mtimeMs}`}`;
  });

const runs = (): string[] => {
  const records = it.records();
  const ids = records.listRuns({ limit: 1000 }).map(({ run }) => run);
  records.close();
  return ids;
};

interface Refusal {
  /** Words after `runbook`. */
  words: () => string[];
  /** 64 unless told. */
  code?: number;
  /** Each must be found on stderr. */
  says: RegExp[];
  /** Changed for this case alone; returns how to put it back. */
  given?: () => () => void;
}

/** The four parts of every refusal (style rule 16). */
const FOUR_PARTS = [/^refused: .+/m, /expected .+, got .+/, /^ {2}try: \S.+/m, /^nothing was started$/m];
/** Where the words themselves are wrong, the parser's own sentence says what. */
const WORDS = [/^refused: .+/m, /^ {2}try: runbook( run| undo)? --help$/m, /^nothing was started$/m];

async function assertRefused({ words, code = 64, says, given }: Refusal, parts = FOUR_PARTS): Promise<CliAnswer> {
  const putBack = given?.() ?? (() => undefined);
  try {
    const [known, files] = [runs(), listing(path.dirname(it.project))];
    const answer = await it.cli(...words());
    const told = `runbook ${words().map((word) => JSON.stringify(word)).join(' ')}: ${JSON.stringify(answer)}`;
    assert.equal(answer.code, code, told);
    for (const part of [...parts, ...says]) assert.match(answer.stderr, part, told);
    assert.doesNotMatch(answer.stderr, /our bug|\n {4}at /, told);
    assert.deepEqual(runs(), known, `${told}: a run is on record`);
    assert.deepEqual(listing(path.dirname(it.project)), files, `${told}: something was left behind`);
    return answer;
  } finally {
    putBack();
  }
}

/** Other content for a file until the case is over. */
const withText = (file: () => string, text: string | Buffer) => (): (() => void) => {
  const was = readFileSync(file());
  writeFileSync(file(), text);
  return () => writeFileSync(file(), was);
};
/** A YAML file with other fields until the case is over. */
const withFields = (file: () => string, fields: object) => (): (() => void) => withText(file, stringify({ ...(parse(readFileSync(file(), 'utf8')) as object), ...fields }))();
const config = (name: string) => (): string => path.join(it.home, 'config', name);
const lockFile = (): string => path.join(it.project, 'requirements.txt');
const change = (...more: string[]) => (): string[] => ['run', 'change', it.project, '--yes', ...more];

const WORDS_CASES: Record<string, Refusal> = {
  'an unknown command': { words: () => ['chnage', it.project], says: [/unknown command 'chnage'/] },
  'an unknown flag': { words: change('--forse'), says: [/unknown option '--forse'/] },
  'no reason where one is required': { words: () => ['undo', it.project], says: [/required option '--reason <text>'/] },
  'no target': { words: () => ['run', 'change'], says: [/missing required argument 'target'/] },
  // A target that reads as an option is refused before anything reads it as a target.
  'a name that is an option': { words: () => ['run', 'change', '--index-url=x', '--yes'], says: [/unknown option '--index-url=x'/] },
};

const CASES: Record<string, Refusal> = {
  'an unknown kind': { words: () => ['run', 'upgrade', it.project, '--yes'], says: [/expected change, fallback, exception or interpreter-change, got upgrade/] },
  '--to that is no version': { words: change('--to', 'latest'), says: [/--to "latest"/, /a version like 3\.12/] },
  '--to with a command in it': { words: change('--to', '3.12; reboot'), says: [/--to "3\.12; reboot"/] },
  'PV-04: an interpreter that is too old': { words: change('--to', '3.9'), says: [/3\.9/, /runbook policy|approved/] },
  'PV-04: an interpreter that is not approved yet': { words: change('--to', '3.13'), says: [/3\.13/, /runbook policy|approved/] },
  'a target that does not exist': { words: () => ['run', 'change', path.join(it.project, 'nosuch'), '--yes'], says: [/got nothing there/, /try: runbook env list/] },
  'a target that is a file': { words: () => ['run', 'change', lockFile(), '--yes'], says: [/got a file/] },
  'a target outside the roots': { words: () => ['run', 'change', outside, '--yes'], says: [/expected a path below .*projects/, /add the folder to "roots"/] },
  'a project without a lock': { words: () => ['run', 'change', path.dirname(it.project), '--yes'], says: [/a directory without one/, /runbook init/] },
  'a name that is an option, after --': { words: () => ['run', 'change', '--yes', '--', '--index-url=x'], says: [/begins with "-"/] },
  'a name with a second command': { words: () => ['run', 'change', 'a; rm -rf /', '--yes'], says: [/characters that only a shell would want/] },
  'a name with a substitution': { words: () => ['run', 'change', '$(reboot)', '--yes'], says: [/characters that only a shell would want/] },
  'a name with control characters': { words: () => ['run', 'change', `${it.project}\u001b[2J`, '--yes'], says: [/control characters/] },
  'a name with a line break': { words: () => ['run', 'change', `${it.project}\nx`, '--yes'], says: [/control characters/] },
  'a link name that leads elsewhere': { words: () => ['run', 'change', `${it.project}#../x`, '--yes'], says: [/a link name/] },
  'the folder of the trees as a link': { words: () => ['run', 'change', `${it.project}#.venvs`, '--yes'], says: [/the folder of the trees/] },
  'another host that does not exist': { words: () => ['run', 'change', 'nosuch:/srv/x', '--yes'], code: 69, says: [/host nosuch: expected an agent that answers for it, got none/, /runbook host list/] },
  'a relative path on another host': { words: () => ['run', 'change', 'nosuch:srv', '--yes'], says: [/relative path "srv" on another host/] },
  'an undo on a host that does not exist': { words: () => ['undo', 'nosuch:/srv/x', '--reason', 'x'], code: 69, says: [/host nosuch/] },
  'a lock that is a web page': { words: change(), given: withText(lockFile, '<!DOCTYPE html><html><body>Please log in</body></html>\n'), says: [/a requirements lock/, /an HTML or XML page/] },
  'a lock that is binary': { words: change(), given: withText(lockFile, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff, 0xfe])), says: [/a binary file/] },
  'a lock with a range': { words: change(), given: withText(lockFile, 'alpha==1.0\nnumpy>=1\n'), says: [/line 2/, /numpy>=1/] },
  'a lock that includes another': { words: change(), given: withText(lockFile, '-r other.txt\n'), says: [/-r other\.txt/] },
  'a lock with a secret in an address': { words: change(), given: withText(lockFile, '--index-url https://ada:hunter2@index.test/simple\nalpha==1.0\n'), says: [/--index-url/] },
  'an empty lock': { words: change(), given: withText(lockFile, ''), says: [/a file without a single pin/] },
  'a lock that names what the index does not have': { words: change(), given: withText(lockFile, 'alpha==1.0\nnosuch==1.0\n'), says: [/nosuch/] },
  'a policy with a typo in a key': { words: change(), given: withFields(config('policy.yaml'), { falback: {} }), says: [/policy\.yaml/, /falback/, /fallback/] },
  'a policy that is no YAML': { words: change(), given: withText(config('policy.yaml'), 'interpreters: [\n'), says: [/policy\.yaml/] },
  'a policy that asks for approvals': { words: change('--to', '3.11'), given: withFields(config('policy.yaml'), { defaultClass: { approvals: { change: 2 } } }), says: [/expected --plan with the digest of the plan agreed to/, /got no --plan/] },
  'an agent file with a typo in a key': { words: () => ['agent', '--allow-root'], given: withFields(config('agent.yaml'), { limts: {} }), says: [/agent\.yaml/, /limts/, /limits/] },
  'a project file with a typo in a key': { words: change(), given: withFields(() => path.join(it.project, 'runbook.yaml'), { lokc: 'x.txt' }), says: [/runbook\.yaml/, /lokc/, /lock/] },
  'a project file with a link elsewhere': { words: change(), given: withFields(() => path.join(it.project, 'runbook.yaml'), { link: '../../etc' }), says: [/runbook\.yaml/, /a path inside the project/] },
  'show of an unknown run': { words: () => ['show', 'ch-0000'], says: [/run ch-0000: expected a run on record/, /try: runbook list/] },
  'logs of an unknown run': { words: () => ['logs', 'ch-0000'], says: [/run ch-0000/, /try: runbook list/] },
  'abort of an unknown run': { words: () => ['abort', 'ch-0000', '--reason', 'x'], says: [/run ch-0000/, /try: runbook list/] },
  'watch of an unknown run': { words: () => ['watch', 'ch-0000'], says: [/run ch-0000/, /try: runbook list/] },
  'settle of an unknown run': { words: () => ['settle', 'ch-0000', '--keep', '--reason', 'x'], says: [/run ch-0000/] },
  'settle without a decision': { words: () => ['settle', ended, '--reason', 'x'], says: [/one of --keep and --undo, got neither/] },
  'settle with both decisions': { words: () => ['settle', ended, '--keep', '--undo', '--reason', 'x'], says: [/one of --keep and --undo, got both/] },
  'settle of a run that left nothing': { words: () => ['settle', ended, '--keep', '--reason', 'x'], says: [/nothing is left to decide/] },
  '--plan that is no digest': { words: change('--plan', 'zz'), says: [/--plan: expected 8 to 64 hexadecimal characters/] },
  '--report of another form': { words: () => ['show', ended, '--report', 'pdf'], says: [/--report: expected md, html or json, got pdf/] },
  'a watch that shall end after "soon"': { words: () => ['watch', ended, '--timeout', 'soon'], says: [/--timeout/] },
  'a list of "many"': { words: () => ['list', '--limit', 'many'], says: [/--limit/] },
  'a port that is none': { words: () => ['up', '--allow-root', '--port', 'x'], says: [/--port/] },
  'nobody to ask': { words: () => ['run', 'change', it.project, '--to', it.fallback.version], says: [/expected --yes/] },
  'an environment where there is none': { words: () => ['run', 'change', bare, '--yes'], says: [/expected an environment to return to, got nothing there/, /try: runbook env create/] },
  'an environment to be made where there is one': { words: () => ['env', 'create', it.project, '--yes'], says: [/expected nothing, because an environment shall be made there, got a link to \.venvs\//, /runbook run change/] },
  'a link to nowhere': { words: () => ['run', 'change', bare, '--yes'], given: () => atLink((link) => symlinkSync('.venvs/gone-1', link)), says: [/a link to nowhere: \.venvs\/gone-1/, /remove the link/] },
  'a link to a folder that is not ours': { words: () => ['run', 'change', bare, '--yes'], given: () => atLink((link) => symlinkSync(outside, link)), says: [/a link to .*which is not ours/, /can be adopted/] },
  'a file where the environment should be': { words: () => ['run', 'change', bare, '--yes'], given: () => atLink((link) => writeFileSync(link, 'x')), says: [/got a file\n {2}try: move it away/] },
};

const outside = mkdtempSync(path.join(tmpdir(), 'runbooks-outside-'));
writeFileSync(path.join(outside, 'requirements.txt'), 'alpha==1.0\n');
after(() => rmSync(outside, { recursive: true }));

function atLink(make: (link: string) => void): () => void {
  const link = path.join(bare, '.venv');
  make(link);
  return () => rmSync(link, { force: true });
}

for (const [title, refusal] of Object.entries(WORDS_CASES)) test(`refused: ${title}`, { timeout: 30_000 }, async () => void (await assertRefused(refusal, WORDS)));
for (const [title, refusal] of Object.entries(CASES)) test(`refused: ${title}`, { timeout: 30_000 }, async () => void (await assertRefused(refusal)));

test('invariant 13: a secret in a lock is not repeated', async () => {
  const { stderr, stdout } = await assertRefused(CASES['a lock with a secret in an address']!);
  assert.doesNotMatch(stdout + stderr, /hunter2/);
});

test('abort of a run that has ended is a no, not a mistake', async () => {
  const { code, stdout } = await it.cli('abort', ended, '--reason', 'too late');
  assert.equal(code, 1);
  assert.match(stdout, /it has ended: done/);
});

test('a directory is adopted: the plan says so, and the link leads to it until the switch', { timeout: 60_000 }, async () => {
  const link = path.join(bare, '.venv');
  execFileSync(it.fallback.realpath, ['-m', 'venv', '--without-pip', link]);
  const plan = await it.cli('plan', 'change', bare);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /adopted/);
  assert.ok(lstatSync(link).isDirectory(), 'a plan adopts nothing');
  const { code, stdout, stderr } = await it.cli('run', 'change', bare, '--yes');
  assert.equal(code, 0, stdout + stderr);
  assert.match(readlinkSync(link), /^\.venvs\/ch-[0-9a-z]{4}-1$/);
  assert.ok(readdirSync(path.join(bare, '.venvs')).some((name) => name.startsWith('adopted-')));
  const undone = await it.cli('undo', bare, '--reason', 'the directory was fine');
  assert.equal(undone.code, 0, undone.stdout + undone.stderr);
  assert.match(readlinkSync(link), /^\.venvs\/adopted-/);
  assert.equal(execFileSync(path.join(link, 'bin/python'), ['-I', '-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' }).trim(), it.fallback.version);
});
