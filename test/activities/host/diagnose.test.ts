import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { ApplicationFailure } from '@temporalio/common';
import { diagnose } from '../../../activities/host/diagnose.js';
import { parseLdd } from '../../../activities/host/shared-libraries.js';
import { toolchain } from '../../../activities/host/toolchain.js';
import { agentOwner } from '../../../activities/host/owner.js';
import type { Diagnosis, Finding, Interpreter } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost, testScope } from '../../support/host.js';
import type { AgentFields, TestHost, TestProject } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { IndexMode, TestIndex } from '../../support/index.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
const hosts: TestHost[] = [];

before(async () => {
  uv = await sharedUv();
  python = await someInterpreter(testHosts().ctx);
  const neighbour = `cp3${Number(python.version.split('.')[1]) - 1}`;
  index = await testIndex([
    { name: 'pure', version: '1.0' },
    { name: 'py-thing', version: '2.0' },
    { name: 'other-abi', version: '1.0', tag: `${neighbour}-${neighbour}-manylinux_2_17_x86_64` },
    { name: 'other-platform', version: '1.0', tag: 'py3-none-win_amd64' },
    { name: 'source-only', version: '1.0', sdist: true },
    { name: 'pip', version: '99.0' },
  ]);
});
afterEach(() => (index.mode = 'ok'));
after(() => {
  index.close();
  hosts.forEach((one) => one.close());
});

function testHosts(fields: AgentFields = {}): TestHost {
  const made = testHost({ uv, ...fields });
  // Interpreters are probed once: each host has a state of its own, and they are many.
  const probed = hosts[0] && join(hosts[0].ctx.stateDir, 'interpreters.json');
  if (probed && existsSync(probed)) copyFileSync(probed, join(made.ctx.stateDir, 'interpreters.json'));
  hosts.push(made);
  return made;
}
const host = (fields: AgentFields = {}): TestHost => testHosts({ index: { url: index.url }, ...fields });

interface How {
  suspects?: string[];
  installer?: 'uv' | 'pip';
  scope?: ReturnType<typeof testScope>;
  at?: TestProject;
  interpreter?: Interpreter;
}

const project = (on: TestHost, lock: string): TestProject => on.project('shop', { 'requirements.txt': lock });

function diagnosed(on: TestHost, lock: string, { suspects = [], installer, scope = testScope(), at = project(on, lock), interpreter = python }: How = {}): Promise<Diagnosis> {
  return diagnose(on.ctx, scope, { env: at.env, run: 'fb-1', interpreter, suspects, ...(installer ? { installer } : {}) });
}

const brief = (findings: Finding[]): Record<string, string> => Object.fromEntries(findings.map((one) => [one.project ?? '', `${one.class} ${one.branch}`]));
const LOCK = '# by hand\npure==1.0  # a comment\nPy_Thing==2.0 ; python_version > "3"\nghost==1.0 ; sys_platform == "win32"\nother-abi==1.0\nother-platform==1.0\nsource-only==1.0\n';

for (const installer of ['uv', 'pip'] as const) {
  describe(`by ${installer}`, () => {
    const fields: AgentFields = installer === 'pip' ? { installer } : {};

    test('WF-08, WF-09, WF-14, WF-16, WF-20, DEF-06, DEF-07, DEF-08, DEF-09, DEF-10: one attempt names them all, each with its branch; nothing is installed', async () => {
      const on = host(fields);
      const at = project(on, LOCK);
      const { attempt, findings, interpreter } = await diagnosed(on, LOCK, { at, suspects: ['Other_ABI'] });
      assert.equal(interpreter, python.version);
      assert.deepEqual([attempt.installable, attempt.expected], [2, 5], 'parsed packages, without the heading lines, comments and pins for other systems');
      const got = brief(findings);
      assert.equal(got['other-abi'], 'WHEEL_MISSING fallback-interpreter');
      assert.match(got['other-platform']!, /^(NO_DISTRIBUTION|WHEEL_MISSING) fallback-interpreter$/);
      assert.equal(got['source-only'], 'WHEEL_MISSING source-build');
      assert.deepEqual(Object.keys(got).sort(), ['', 'other-abi', 'other-platform', 'source-only']);
      for (const finding of findings) assert.ok(finding.evidence.length > 10 && finding.evidence.length <= 2000 && finding.remedy.length > 20, JSON.stringify(finding));
      assert.equal(attempt.logPath, join(on.ctx.stateDir, 'runs/fb-1/wheel_install.log'));
      const text = readFileSync(attempt.logPath);
      assert.equal(createHash('sha256').update(text).digest('hex'), attempt.logSha256);
      assert.equal(lstatSync(attempt.logPath).mode & 0o777, 0o600);
      const commands = text.toString().split('\n').filter((line) => line.startsWith('$ '));
      assert.ok(commands.length > 3 && commands.every((line) => /--dry-run.* --no-deps --only-binary[= ]:all: /.test(line) && !/ -j| --only-binary[= ]all/.test(line)), commands[0]);
      assert.match(text.toString(), installer === 'uv' ? /pip install -v .*--dry-run/ : /Skipping link/);
      assert.deepEqual(readdirSync(at.path).sort(), ['requirements.txt']);
      assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'runs/fb-1')), ['wheel_install.log'], 'no scratch is left');
    });

    test('WF-15: the lines that stand out, each once, and not the list of every file of the index', async () => {
      const { attempt } = await diagnosed(host(fields), 'pure==1.0\nsource-only==1.0\n');
      assert.ok(attempt.lines.length > 0 && attempt.lines.length <= 50);
      assert.ok(attempt.lines.some((line) => /source-only/.test(line)));
      assert.ok(attempt.lines.every((line) => /error|failed|wheel/i.test(line) && !/Skipping link/.test(line)), attempt.lines.join('\n'));
    });

    test('a lock that installs has no findings', async () => {
      const { attempt, findings } = await diagnosed(host(fields), 'pure==1.0\npy-thing==2.0\n');
      assert.deepEqual([findings, attempt.installable, attempt.expected], [[], 2, 2]);
    });

    const modes: [IndexMode, string][] = [[401, 'INDEX_AUTH index'], [500, 'INDEX_DOWN index'], ['wrong-type', 'INDEX_NOT_AN_INDEX index'], ['html-page', 'INDEX_NOT_AN_INDEX index']];
    for (const [mode, expected] of modes.filter(([mode]) => installer === 'uv' || mode === 401 || mode === 'html-page')) {
      test(`an index that answers ${mode} is ${expected}, never "no wheel" of any package`, async () => {
        const on = host(fields);
        index.mode = mode;
        const { attempt, findings } = await diagnosed(on, 'pure==1.0\npy-thing==2.0\n', { suspects: ['pure'] });
        assert.equal(brief(findings)[''], expected, JSON.stringify(findings));
        assert.ok(findings.every((one) => one.branch === 'index'), JSON.stringify(findings));
        assert.equal(attempt.installable, 0);
        assert.ok(existsSync(attempt.logPath));
      });
    }

    test('nobody listens: ask again', async () => {
      const { findings } = await diagnosed(host({ ...fields, index: { url: 'http://127.0.0.1:9/simple' } }), 'pure==1.0\n');
      assert.equal(brief(findings)[''], 'NET_REFUSED ask-again');
      assert.ok(findings.every((one) => one.branch === 'ask-again'));
    });

    test('an interpreter that is gone is said so', async () => {
      const gone = { ...python, realpath: '/nonexistent/bin/python3' };
      const { findings, tools } = await diagnosed(host(fields), 'pure==1.0\n', { interpreter: gone });
      assert.deepEqual([brief(findings)[''], tools['pip']], ['INTERPRETER_MISSING interpreter', 'missing']);
    });

    test('a canceled step ends a silent index at once, and leaves no scratch', async () => {
      const on = host(fields);
      index.mode = 'hang';
      const scope = testScope();
      const reason = new Error('aborted');
      const asked = index.requests.length;
      const working = diagnosed(on, 'pure==1.0\n', { scope });
      const ended = assert.rejects(working, reason);
      while (index.requests.length === asked) await new Promise((resolve) => setTimeout(resolve, 20));
      scope.cancel(reason);
      await ended;
      assert.deepEqual(readdirSync(join(on.ctx.stateDir, 'runs/fb-1')), []);
    });
  });
}

test('pip does not tell a missing wheel from a missing version: asked again through uv, it is one', async () => {
  const { findings, attempt } = await diagnosed(host(), 'pure==1.0\nother-platform==1.0\n', { installer: 'pip' });
  assert.equal(brief(findings)['other-platform'], 'NO_DISTRIBUTION fallback-interpreter');
  assert.equal(attempt.installable, 1);
  const log = readFileSync(attempt.logPath, 'utf8');
  assert.match(log, /-m pip/);
  assert.match(log, /uv pip install/);
});

test('a version that does not exist leads to another lock, not to another interpreter', async () => {
  for (const fields of [{}, { installer: 'pip' }] as AgentFields[]) {
    const { findings } = await diagnosed(host(fields), 'pure==7.7\npy-thing==2.0\n');
    assert.equal(brief(findings)['pure'], 'VERSION_NOT_FOUND relock', JSON.stringify(findings));
  }
});

test('a file with other bytes than the lock approves stops the attempt of pip', async () => {
  const { findings } = await diagnosed(host({ installer: 'pip' }), `pure==1.0 --hash=sha256:${'ab'.repeat(32)}\n`);
  assert.equal(brief(findings)[''], 'HASH_MISMATCH stop');
});

test('evidence is never written over: a second attempt has a file of its own', async () => {
  const on = host();
  const first = await diagnosed(on, 'source-only==1.0\n');
  const second = await diagnosed(on, 'source-only==1.0\n');
  assert.equal(second.attempt.logPath, first.attempt.logPath.replace('.log', '-2.log'));
  assert.equal(createHash('sha256').update(readFileSync(first.attempt.logPath)).digest('hex'), first.attempt.logSha256);
});

test('WF-03, WF-04, WF-11, WF-17, WF-63: pip and its age, headers and compilers, cache and host are facts', async () => {
  const on = host();
  const { tools, system, cache, advice } = await diagnosed(on, 'pure==1.0\n');
  assert.match(tools['pip']!, /^\d+[\d.]* \(newest is 99\.0\)$|^missing$/);
  assert.match(tools['wheel support']!, /^\d+ tags, best cp3|^missing$/);
  for (const name of ['gcc', 'g++', 'cc', 'c++', 'pkg-config']) assert.match(tools[name]!, /^\/|^missing$/, name);
  assert.match(tools[`headers ${python.version}`]!, /Python\.h$|^missing$/);
  assert.deepEqual([system.machine, system.libc], [python.machine, `${python.libc.name} ${python.libc.version}`]);
  assert.ok(system.memoryBytes > 100_000_000 && system.platform.length > 5 && system.distribution.length > 2);
  assert.ok(cache.location.startsWith(on.ctx.stateDir) && cache.bytes > 0);
  assert.ok(tools['gcc'] === 'missing' || !advice.some((one) => /compiler/.test(one.what)));
});

test('WF-11: wheels in the cache are counted, whatever else lies there', async () => {
  const on = host();
  const before = await diagnosed(on, 'pure==1.0\n');
  const target = join(on.folder, 'target');
  await promisify(execFile)(uv, ['pip', 'install', '-q', '--no-deps', '--default-index', index.url, '--python', python.realpath, '--target', target, 'pure==1.0', 'py-thing==2.0'], { env: { ...process.env, UV_CACHE_DIR: join(before.cache.location, 'uv'), UV_NO_CONFIG: '1' } });
  const { cache } = await diagnosed(on, 'pure==1.0\n');
  assert.equal(cache.wheels, before.cache.wheels + 2);
  assert.ok(cache.bytes > before.cache.bytes);
});

test('WF-63: a search path without programs has none, and headers are the interpreter\'s own', async () => {
  const on = host();
  const found = await toolchain(on.ctx, python, agentOwner(), '/nonexistent');
  assert.deepEqual([found['gcc'], found['cc'], found['pkg-config']], ['missing', 'missing', 'missing']);
  assert.match(found[`headers ${python.version}`]!, /Python\.h$|^missing$/);
});

test('WF-65, WF-66: a library that numpy links to and the host does not have is a finding, with advice', async () => {
  const on = host();
  const at = project(on, 'pure==1.0\n');
  const core = join(at.venvs, 'old-1/lib/python3.12/site-packages/numpy/_core');
  mkdirSync(core, { recursive: true });
  writeFileSync(join(core, 'blas.c'), 'int dot(void) { return 1; }\n');
  writeFileSync(join(core, 'module.c'), 'int dot(void);\nint use(void) { return dot(); }\n');
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(core, 'libblas.so.3'), '-Wl,-soname,libblas.so.3', join(core, 'blas.c')]);
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(core, '_multiarray_umath.so'), join(core, 'module.c'), join(core, 'libblas.so.3')]);
  rmSync(join(core, 'libblas.so.3'));
  symlinkSync('.venvs/old-1', at.env.link);
  const { tools, findings, advice } = await diagnosed(on, '', { at });
  // A host that has the library by chance is told so.
  if (existsSync('/usr/lib/x86_64-linux-gnu/libblas.so.3')) return assert.match(tools['numpy libraries']!, /found/);
  assert.equal(tools['numpy libraries'], 'missing: libblas.so.3');
  assert.equal(brief(findings)['numpy'], 'IMPORT_NATIVE system-package');
  assert.ok(advice.some((one) => /BLAS/.test(one.what)), JSON.stringify(advice));
});

test('WF-65: the words of the dynamic linker', () => {
  const text = '/x/_umath.so:\n\tlinux-vdso.so.1 (0x00007ffd)\n\tlibopenblas-r0.so => not found\n\tlibm.so.6 => /lib/libm.so.6 (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n';
  assert.deepEqual(parseLdd(text), { found: ['libm.so.6'], missing: ['libopenblas-r0.so'] });
});

test('as root, the attempt runs as the owner of the project', { skip: process.getuid?.() !== 0 && 'needs root' }, async () => {
  const on = host();
  const owner = { uid: 65534, gid: 65534, name: 'nobody' };
  const at = on.project('theirs', { 'requirements.txt': 'pure==1.0\nsource-only==1.0\n' }, owner);
  const theirs = await someInterpreter(on.ctx, undefined, owner);
  const { findings, cache } = await diagnosed(on, '', { at, interpreter: theirs });
  assert.equal(brief(findings)['source-only'], 'WHEEL_MISSING source-build');
  for (const name of readdirSync(cache.location)) assert.equal(lstatSync(join(cache.location, name)).uid, 65534, name);
  assert.equal(lstatSync(cache.location).uid, 65534);
});

test('DEF-10: a lock that is none is refused with the line, before anything is asked; a suspect is compared and never an argument', async () => {
  const on = host();
  const asked = index.requests.length;
  for (const lock of ['--index-url=http://evil\n', '-e .\n', 'pure>=1.0\n', 'a; rm -rf /\n', '']) {
    await assert.rejects(diagnosed(on, lock), (error: ApplicationFailure) => error.type === 'HostRefused' && error.nonRetryable === true, lock);
  }
  assert.equal(index.requests.length, asked);
  const { findings } = await diagnosed(on, 'pure==1.0\nsource-only==1.0\n', { suspects: ['--index-url=http://evil', '; rm', 'not-in-the-lock'] });
  assert.deepEqual(Object.keys(brief(findings)), ['', 'source-only']);
});
