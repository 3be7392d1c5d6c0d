/** `runbook guard` on real environments: what starts, from where, and every refusal with its exit code. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { guardedUser, type Answer, type GuardedUser } from '../support/guarded.js';

let user: GuardedUser;
before(async () => {
  user = await guardedUser();
});
after(() => user.close());

const TELL = 'import os, sys; print(sys.prefix); print(sys.executable); print(os.environ["VIRTUAL_ENV"]); print(os.environ["PATH"].split(":")[0]); print(os.environ.get("PYTHONHOME")); print("%d.%d" % sys.version_info[:2])';

function assertRefused({ code, signal, stdout, stderr }: Answer, expected: number, text: RegExp): void {
  assert.deepEqual([code, signal, stdout], [expected, null, ''], stderr);
  assert.match(stderr, text);
  assert.match(stderr, /^refused: .+: expected .+, got .+\n {2}try: .+\n(refused[^]+)?nothing was started\n$/);
}

/** A managed project on an approved interpreter. */
function managed(name: string, line: '3.11' | '3.12' = '3.12', files: Record<string, string> = {}): { project: string; tree: string } {
  const project = user.project(name, files);
  const tree = user.tree(project, `ch-${name}-1`, line);
  user.turn(project, `ch-${name}-1`, { run: `ch-${name}` });
  return { project, tree };
}

test('PV-19: python is the tree\'s own, with PATH, VIRTUAL_ENV and executable of it, from any folder below the project', () => {
  const { project, tree } = managed('app');
  const below = path.join(project, 'src/deep');
  mkdirSync(below, { recursive: true });
  for (const name of ['python', 'python3', 'python3.12', path.join(project, '.venv/bin/python'), '../../.venv/bin/python']) {
    const { code, stdout, stderr } = user.guard(below, ['--', name, '-c', TELL], { env: { PYTHONHOME: '/nowhere', VIRTUAL_ENV: '/other', PATH: `${project}/.venv/bin:/other/bin:/usr/bin:/bin` } });
    const executable = path.join(tree, 'bin', path.basename(name));
    assert.deepEqual([code, stderr, stdout.trim().split('\n')], [0, '', [tree, executable, tree, path.join(tree, 'bin'), 'None', '3.12']]);
  }
});

test('options end at the command, which gets every word as it is, empty ones and those of a shell too', () => {
  const { project } = managed('words');
  const words = ['-c', 'import sys; print(sys.argv[1:])', '--env', '', '$(id) ; "x"', '--', '-h'];
  for (const before of [[], ['--'], ['--env', project, '--'], [`--env=${project}`]]) {
    const { code, stdout } = user.guard(before.length > 1 || before[0]?.includes('=') ? '/' : project, [...before, 'python', ...words]);
    assert.deepEqual([code, stdout], [0, `['--env', '', '$(id) ; "x"', '--', '-h']\n`]);
  }
});

test('names of the tree come first, other names from PATH, never from another environment that is active', () => {
  const { project, tree } = managed('names');
  const other = user.project('other');
  user.venv(path.join(other, '.venv'));
  writeFileSync(path.join(other, '.venv/bin/only-there'), '#!/bin/sh\necho other\n', { mode: 0o755 });
  writeFileSync(path.join(tree, 'bin/uname'), '#!/bin/sh\necho ours\n', { mode: 0o755 });
  const env = { VIRTUAL_ENV: path.join(other, '.venv'), PATH: `${other}/.venv/bin:/usr/bin:/bin` };
  assert.equal(user.guard(project, ['uname'], { env }).stdout, 'ours\n');
  assert.equal(user.guard(project, ['printf', '%s', 'x'], { env }).stdout, 'x');
  assertRefused(user.guard(project, ['only-there'], { env }), 64, /command "only-there"/);
  assert.equal(user.guard(project, ['sh', '-c', 'command -v only-there || echo none'], { env }).stdout, 'none\n');
});

test('another interpreter than the environment\'s is refused by name and by path', () => {
  const { project } = managed('foreign');
  for (const name of ['python3.9', 'pypy3', user.python['3.11'].file]) assertRefused(user.guard(project, [name, '-c', '']), 64, /expected an interpreter of .*\.venv/);
});

test('a script of an adopted environment, whose first line names the link, runs by the tree\'s interpreter', () => {
  const project = user.project('adopted');
  user.venv(path.join(project, '.venvs/adopted-0a1b2c'));
  user.turn(project, 'adopted-0a1b2c');
  const tree = path.join(project, '.venvs/adopted-0a1b2c');
  const script = (name: string, head: string): void => writeFileSync(path.join(tree, 'bin', name), `${head}\nimport sys; print(sys.prefix, sys.flags.isolated, sys.argv)\n`, { mode: 0o755 });
  script('plain', `#!${project}/.venv/bin/python`);
  script('isolated', `#!${project}/.venv/bin/python -I`);
  script('long', `#!/bin/sh\n'''exec' "${project}/.venv/bin/python" "$0" "$@"\n' '''`);
  for (const [name, isolated] of [['plain', 0], ['isolated', 1], ['long', 0]] as const) {
    assert.equal(user.guard(project, [name, 'a b']).stdout, `${tree} ${isolated} ['${tree}/bin/${name}', 'a b']\n`);
  }
  writeFileSync(path.join(project, 'manage.py'), readFileSync(path.join(tree, 'bin/plain')), { mode: 0o755 });
  assert.equal(user.guard(project, ['./manage.py']).stdout, `${tree} 0 ['./manage.py']\n`);
});

test('a plain environment needs no seal and no state, as in CI; so does one elsewhere', () => {
  const project = user.project('plain');
  user.venv(path.join(project, '.venv'));
  assert.equal(user.guard(project, ['python', '-c', TELL]).stdout.split('\n')[0], path.join(project, '.venv'));
  const linked = user.project('linked');
  symlinkSync(path.join(project, '.venv'), path.join(linked, '.venv'));
  assert.equal(user.guard(linked, ['python', '-c', TELL]).stdout.split('\n')[0], path.join(project, '.venv'));
  // A run prepares its first tree beside it: nothing is known of that yet.
  mkdirSync(path.join(project, '.venvs/ch-first-1'), { recursive: true });
  assert.equal(user.guard(project, ['true']).code, 0);
});

test('the link that runbook.yaml names; a link beside it by #NAME or by its own path', () => {
  const project = user.project('links', { 'runbook.yaml': 'name: links\nlink: .venv-main\n' });
  user.venv(path.join(project, '.venv-main'), '3.12');
  user.venv(path.join(project, '.venv-jobs'), '3.11');
  const line = (cwd: string, ...words: string[]): string => user.guard(cwd, [...words, 'python', '-c', TELL]).stdout.trim().split('\n').at(-1)!;
  assert.deepEqual([line(project), line('/', '--env', project), line('/', '--env', `${project}#.venv-jobs`), line('/', '--env', `${project}/.venv-jobs`)], ['3.12', '3.12', '3.11', '3.11']);
  writeFileSync(path.join(project, 'runbook.yaml'), 'name: links\nlink: .venv-jobs\n');
  assert.equal(line(project), '3.11', 'read again at once');
  writeFileSync(path.join(project, 'runbook.yaml'), 'name: links\nlnik: .venv\n');
  assertRefused(user.guard(project, ['true']), 64, /lnik/);
  rmSync(path.join(project, 'runbook.yaml'));
});

test('a project without its environment does not fall back to that of a parent', () => {
  const { project } = managed('parent');
  const inner = path.join(project, 'inner');
  mkdirSync(inner);
  assert.equal(user.guard(inner, ['true']).code, 0);
  writeFileSync(path.join(inner, 'runbook.yaml'), 'name: inner\n');
  assertRefused(user.guard(inner, ['true']), 1, /inner\/\.venv: expected an environment, got nothing there/);
});

test('CI-03, CI-06: an interpreter the policy does not approve: exit code 1, and approved again with the next policy', (t) => {
  t.after(() => user.policy({}));
  const { project } = managed('drift', '3.11');
  assert.equal(user.guard(project, ['true']).code, 0);
  const { version } = user.python['3.11'];
  user.policy({ interpreters: { fallback: { version: '3.10.1', justification: 'test' } } });
  assertRefused(user.guard(project, ['true']), 1, new RegExp(`interpreter of .*\\.venv: expected one that the policy approves, got Python ${version.replaceAll('.', '\\.')} .*3\\.12\\.x.*\n {2}try: runbook run change .*drift --to 3\\.12`));
  user.policy({});
  assert.equal(user.guard(project, ['true']).code, 0);
});

test('PV-34: behind minPatch: exit code 1', (t) => {
  t.after(() => user.policy({}));
  const { project } = managed('patch');
  user.policy({ minPatch: { '3.12': 99 } });
  assertRefused(user.guard(project, ['true']), 1, /older than 3\.12\.99/);
});

test('PV-05: a release candidate and a Python that is not CPython tell so themselves; a class may allow the first', (t) => {
  t.after(() => user.policy({}));
  const fake = (name: string, told: object): string => {
    const { project, tree } = managed(name);
    rmSync(path.join(tree, 'bin/python'));
    writeFileSync(path.join(tree, 'bin/python'), `#!/bin/sh\necho '${JSON.stringify({ itself: null, libraries: [], ...told })}'\n`, { mode: 0o755 });
    return project;
  };
  const candidate = fake('candidate', { version: '3.12.0rc2', implementation: 'cpython' });
  assertRefused(user.guard(candidate, ['true']), 1, /3\.12\.0rc2 is not a final release/);
  assertRefused(user.guard(fake('built', { version: '3.12.1+', implementation: 'cpython' }), ['true']), 1, /3\.12\.1\+/);
  assertRefused(user.guard(fake('pypy', { version: '3.12.1', implementation: 'pypy' }), ['true']), 1, /pypy 3\.12\.1 is not CPython/i);
  assertRefused(user.guard(fake('silent', { version: 312, implementation: 'cpython' }), ['true']), 1, /does not tell its version/);
  user.policy({ defaultClass: { allowPreReleases: true } });
  assert.equal(user.guard(candidate, ['true']).code, 0);
});

test('EE-11, EE-09: what only an exception allows starts until its end and never after; an end also ends what is approved', () => {
  const project = user.project('exception');
  user.tree(project, 'ex-3p9d-1', '3.11');
  const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
  user.policy({ interpreters: { fallback: { version: '3.10.1', justification: 'test' } } });
  user.turn(project, 'ex-3p9d-1', { run: 'ex-3p9d', end: inHours(1) });
  assert.equal(user.guard(project, ['true']).code, 0);
  user.turn(project, 'ex-3p9d-1', { run: 'ex-3p9d', end: inHours(-0.001) });
  assertRefused(user.guard(project, ['true']), 1, /expected a start before .*Z, when ex-3p9d ended, got one at .*Z\n {2}try: .*runbook undo .*exception --local/);
  user.turn(project, 'ex-3p9d-1', { run: 'ex-3p9d', end: null });
  assertRefused(user.guard(project, ['true']), 1, /approves/);
  user.turn(project, 'ex-3p9d-1', { tree: 'other-1', end: inHours(1) });
  assertRefused(user.guard(project, ['true']), 1, /approves/);
  user.policy({});
  user.turn(project, 'ex-3p9d-1', { run: 'ex-3p9d', end: inHours(-1) });
  assertRefused(user.guard(project, ['true']), 1, /ended/);
  user.turn(project, 'ex-3p9d-1', { tree: 'other-1', end: inHours(-1) });
  assert.equal(user.guard(project, ['true']).code, 0, 'the end of another tree is not this one\'s');
});

test('nothing whole at the link: exit code 1, each in its own words', () => {
  const { project, tree } = managed('broken');
  const link = path.join(project, '.venv');
  const refused = (text: RegExp): void => assertRefused(user.guard(project, ['true']), 1, text);
  renameSync(path.join(tree, '.complete'), path.join(tree, 'gone'));
  refused(/expected a verified environment, sealed by \.complete, got .*ch-broken-1 without one/);
  renameSync(path.join(tree, 'gone'), path.join(tree, '.complete'));
  const config = path.join(tree, 'pyvenv.cfg');
  const text = readFileSync(config, 'utf8');
  rmSync(config);
  refused(/with its pyvenv\.cfg, got none/);
  writeFileSync(config, text.replace(/^home = .*$/m, 'home = /nowhere/bin'));
  refused(/expected the interpreter it was made from, got no folder \/nowhere\/bin/);
  writeFileSync(config, text.replace(/^version = .*$/m, 'version = 3.11.4'));
  refused(/expected Python 3\.11, for which its packages were installed, got 3\.12/);
  writeFileSync(config, text);
  assert.equal(user.guard(project, ['true']).code, 0);
  unlinkSync(path.join(tree, 'bin/python'));
  refused(/expected one that runs, got .*bin\/python leads to nothing/);
  symlinkSync('/nowhere/python', path.join(tree, 'bin/python'));
  refused(/leads to nothing/);
  unlinkSync(path.join(tree, 'bin/python'));
  writeFileSync(path.join(tree, 'bin/python'), '#!/bin/sh\necho broken >&2; exit 3\n', { mode: 0o755 });
  refused(/expected one that runs, got .*broken/);
  chmodSync(path.join(tree, 'bin/python'), 0o644);
  refused(/expected one that runs, got .*EACCES/);
  unlinkSync(link);
  symlinkSync('.venvs/nowhere-1', link);
  refused(/got a link to nowhere: \.venvs\/nowhere-1/);
  unlinkSync(link);
  writeFileSync(link, '');
  refused(/expected an environment, got a file/);
});

test('state.json of a tree of ours that is gone, garbage, of a later version, or no file: exit code 69', () => {
  const { project } = managed('state');
  const file = path.join(project, '.venvs/state.json');
  const refused = (): void => assertRefused(user.guard(project, ['true']), 69, /state\.json: expected what the host wrote/);
  for (const text of ['', '{', 'null', '[]', '{"version":2,"environments":{}}', '{"version":1}', '{"version":1,"environments":{".venv":{"tree":"ch-state-1","run":null}}}', '{"version":1,"environments":{".venv":{"tree":"ch-state-1","run":null,"end":"soon"}}}', '{"version":1,"environments":{".venv":null}}']) {
    writeFileSync(file, text);
    refused();
  }
  rmSync(file);
  refused();
  mkdirSync(file);
  refused();
  rmSync(file, { recursive: true });
  writeFileSync(file, '{"version":1,"environments":{}}');
  assert.equal(user.guard(project, ['true']).code, 0);
});

test('a policy that is wrong, no file, or can not be read: exit code 69, whatever was remembered', (t) => {
  const { project } = managed('policies');
  t.after(() => user.policy({}));
  writeFileSync(user.policyFile, 'interpreters:\n  primray: {}\n');
  assertRefused(user.guard(project, ['true']), 69, /policy\.yaml line 2: interpreters\.primray/);
  writeFileSync(user.policyFile, ': {');
  assertRefused(user.guard(project, ['true']), 69, /policy\.yaml/);
  rmSync(user.policyFile);
  mkdirSync(user.policyFile);
  assertRefused(user.guard(project, ['true']), 69, /policy\.yaml: expected a policy that this user can read/);
  rmSync(user.policyFile, { recursive: true });
  assert.equal(user.guard(project, ['true']).code, 0, 'no file is the documents\' policy: 3.12.x');
});

test('the class of this host decides, by the name that its agent file gives it', (t) => {
  const { project } = managed('class');
  const agent = path.join(path.dirname(user.policyFile), 'agent.yaml');
  t.after(() => {
    rmSync(agent);
    user.policy({});
  });
  const { tree } = { tree: path.join(project, '.venvs/ch-class-1') };
  rmSync(path.join(tree, 'bin/python'));
  writeFileSync(path.join(tree, 'bin/python'), `#!/bin/sh\necho '{"version":"3.12.0rc1","implementation":"cpython","itself":null,"libraries":[]}'\n`, { mode: 0o755 });
  user.policy({ hostClasses: { lab: { hosts: ['lab-*'], allowPreReleases: true } } });
  assertRefused(user.guard(project, ['true']), 1, /final release/);
  writeFileSync(agent, 'host: lab-7\nroots: [/]\n');
  assert.equal(user.guard(project, ['true']).code, 0);
  assert.equal(user.guard('/', ['--env', `lab-7:${project}`, 'true']).code, 0);
  assertRefused(user.guard('/', ['--env', `web-01:${project}`, 'true']), 64, /host web-01; this is lab-7/);
});

test('bad input: exit code 64', () => {
  const { project, tree } = managed('input');
  const refused = (words: string[], text: RegExp, cwd = project): void => assertRefused(user.guard(cwd, words), 64, text);
  refused([], /expected a command to run, got none/);
  refused(['--'], /expected a command/);
  refused(['--nev', 'x', 'true'], /an unknown option/);
  refused(['--env'], /no PATH/);
  refused(['--env', project, '--env', project, 'true'], /it twice/);
  refused(['--env', path.join(project, 'nowhere'), 'true'], /nothing there/);
  refused(['--env', user.policyFile, 'true'], /a file/);
  refused(['--env', `${project}#`, 'true'], /#NAME/);
  refused(['--env', `${project}#../x`, 'true'], /link name/);
  refused([''], /command ""/);
  refused(['no-such-command'], /none that can be started/);
  refused(['./no-such-file'], /not there/);
  writeFileSync(path.join(project, 'script'), 'echo no first line\n', { mode: 0o755 });
  refused(['./script'], /expected a program, or a script whose first line names its interpreter, got neither/);
  writeFileSync(path.join(project, 'lost'), '#!/no/such/interpreter\n', { mode: 0o755 });
  refused(['./lost'], /names an interpreter that is not/);
  writeFileSync(path.join(project, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
  refused(['./plain'], /may not start/);
  refused(['true'], /none from \/ upwards/, '/');
  assert.ok(!existsSync(path.join(tree, 'bin/true')));
});

test('an environment of another user above the working folder is not taken by itself', { skip: process.getuid!() !== 0 && 'needs root' }, () => {
  const shared = user.project('shared');
  user.venv(path.join(shared, '.venv'));
  const own = path.join(shared, 'own');
  mkdirSync(own);
  const { chown } = { chown: (file: string) => user.guard(own, ['--env', shared, 'chown', '-h', '65534:65534', file]) };
  assert.equal(chown(path.join(shared, '.venv')).code, 0);
  assertRefused(user.guard(own, ['true']), 64, /belongs to another user \(65534\)\n {2}try: name it with --env/);
  assert.equal(user.guard(own, ['--env', shared, 'true']).code, 0);
  assert.equal(chown(own).code, 0);
  assert.equal(user.guard(own, ['true']).code, 0, 'theirs in their own folder');
});

test('a folder that this user may not enter is no fault of ours: the working folder, the one named, the interpreter\'s', { skip: process.getuid!() !== 0 && 'needs root' }, () => {
  const project = user.project('closed', { 'runbook.yaml': 'name: closed\nlock: requirements.lock\n' });
  const inner = path.join(project, 'inner/deep');
  mkdirSync(inner, { recursive: true });
  user.venv(path.join(inner, '.venv'));
  const open = user.project('open');
  user.venv(path.join(open, '.venv'));
  const config = path.join(open, '.venv/pyvenv.cfg');
  const asOther = (cwd: string, words: string[]): Answer => user.guard(cwd, words, { uid: 65534, env: { HOME: '/nonexistent' } });
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^home = .*$/m, `home = ${inner}`));
  chmodSync(path.join(project, 'inner'), 0o700);
  assertRefused(asOther(open, ['true']), 1, /expected the interpreter it was made from, got .*inner\/deep, one that this user may not read/);
  const denied = /closed\/inner.*expected .*, got one that this user may not read/;
  for (const named of [inner, `${inner}/.venv`, path.join(project, 'inner')]) assertRefused(asOther(open, ['--env', named, 'true']), 64, denied);
  // Entered before rights were dropped, as a service's working folder is.
  assertRefused(asOther(inner, ['true']), 64, /inner\/deep\/runbook\.yaml: expected .*, got one that this user may not read/);
  symlinkSync('circle', path.join(open, 'circle'));
  assertRefused(asOther(open, ['--env', path.join(open, 'circle'), 'true']), 64, /got links in a circle/);
});

test('help is the command line\'s; it says where nothing else does how guard is called', () => {
  const { code, stdout } = user.guard('/', ['--help']);
  assert.equal(code, 0);
  assert.match(stdout, /runbook guard \[--env PATH\[#NAME\]\] \[--\] CMD/);
  assert.match(stdout, /1 not compliant, 64 bad input, 69 could not tell/);
});
