import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { discoverInterpreters, helperPython, probeInterpreter, treeInterpreter } from '../../../activities/host/interpreters.js';
import { agentOwner } from '../../../activities/host/owner.js';
import { runCommand } from '../../../activities/host/command.js';
import { someInterpreter, testHost } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';

const hosts: TestHost[] = [];
const host = (fields?: AgentFields): TestHost => {
  const made = testHost(fields);
  hosts.push(made);
  return made;
};
after(() => hosts.forEach((one) => one.close()));

/** An executable text file. */
function script(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** Runs with variables of the agent's own environment set, and puts them back. */
async function withEnv<T>(values: Record<string, string>, act: () => Promise<T>): Promise<T> {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  Object.assign(process.env, values);
  try {
    return await act();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

test('WF-02: finds the interpreters of this machine, each once, newest first, as their own probes report them', async () => {
  const { ctx } = host();
  const all = await discoverInterpreters(ctx);
  assert.ok(all.length >= 1);
  assert.equal(new Set(all.map((one) => one.realpath)).size, all.length);
  for (const one of all) {
    const said = await runCommand({ file: one.realpath, args: ['-I', '-c', 'import platform, sys; print(platform.python_version(), sys.platform)'], cwd: '/', owner: agentOwner(), timeoutMs: 20_000 });
    assert.equal(said.stdout.split(' ')[0], one.version);
    assert.ok(one.realpath.startsWith('/') && one.build.startsWith(one.version.slice(0, 3)));
    assert.doesNotMatch(one.path, /shims/);
  }
  const lines = all.map((one) => Number(one.version.split('.')[1]));
  assert.deepEqual(lines, [...lines].sort((a, b) => b - a));
});

test('DIS-17: an interpreter counts by the version it reports, not by its name', async () => {
  const { ctx, folder } = host();
  const real = await someInterpreter(ctx);
  const misnamed = join(folder, 'python3.99');
  symlinkSync(real.realpath, misnamed);
  assert.equal((await probeInterpreter(ctx, misnamed))!.version, real.version);
});

test('a shim is never used, wherever it lies and however it is called', async () => {
  const { ctx, folder } = host();
  const ran = join(folder, 'shim-ran');
  const text = `#!/bin/sh\ntouch ${ran}\nexit 127\n`;
  script(join(folder, 'shims/python3.12'), text);
  script(join(folder, 'bin/python3.11'), text);
  await withEnv({ PATH: `${join(folder, 'shims')}:${join(folder, 'bin')}:${process.env['PATH']}` }, async () => {
    const all = await discoverInterpreters(ctx);
    assert.deepEqual(all.filter((one) => one.path.startsWith(folder)), []);
  });
  assert.equal(await probeInterpreter(ctx, join(folder, 'shims/python3.12')), null);
  assert.equal(existsSync(ran), false, 'the shim was started');
});

test('finds pyenv versions below PYENV_ROOT, and not their shims', async () => {
  const { ctx, folder } = host();
  const real = await someInterpreter(ctx);
  const bin = join(folder, 'pyenv/versions/9.9.9/bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(real.realpath, join(bin, 'python3'));
  script(join(folder, 'pyenv/shims/python3'), '#!/bin/sh\nexit 127\n');
  await withEnv({ PYENV_ROOT: join(folder, 'pyenv'), PATH: `${join(folder, 'pyenv/shims')}:/usr/bin` }, async () => {
    const all = await discoverInterpreters(ctx);
    assert.equal(all.find((one) => one.realpath === real.realpath)?.path, join(bin, 'python3'));
  });
});

test('a path the agent file names may be a wrapper; missing modules of a build are reported', async () => {
  const base = await someInterpreter(host().ctx);
  const maker = host();
  // As a build without the headers of liblzma and sqlite: the modules are there and fail.
  const wrapper = script(join(maker.folder, 'wrapped'), `#!/bin/sh\nshift; shift\nexec ${base.realpath} -c "import sys; sys.modules['lzma'] = None; sys.modules['sqlite3'] = None; exec(sys.argv[1])" "$@"\n`);
  const { ctx } = host({ interpreters: [wrapper] });
  const seen = (await discoverInterpreters(ctx)).find((one) => one.path === wrapper)!;
  assert.deepEqual(seen.missingModules.filter((name) => !base.missingModules.includes(name)), ['sqlite3', 'lzma']);
  assert.equal(seen.version, base.version);
});

test('what can\'t be started, hangs on a version of its own or is no Python is left out, not fatal', async () => {
  const maker = host();
  const bad = [script(join(maker.folder, 'a'), '#!/bin/sh\nexit 3\n'), script(join(maker.folder, 'b'), '#!/bin/sh\necho not json\n'), join(maker.folder, 'not-there'), maker.folder];
  const { ctx } = host({ interpreters: bad });
  const all = await discoverInterpreters(ctx);
  assert.deepEqual(all.filter((one) => bad.includes(one.path)), []);
  for (const path of bad) assert.equal(await probeInterpreter(ctx, path), null);
});

test('a probe is kept by what the file is, and asked again when it changes', async () => {
  const maker = host();
  const base = await someInterpreter(maker.ctx);
  const counter = join(maker.folder, 'count');
  const wrapper = script(join(maker.folder, 'counted'), `#!/bin/sh\necho x >> ${counter}\nexec ${base.realpath} "$@"\n`);
  const { ctx } = host({ interpreters: [wrapper] });
  const starts = (): number => readFileSync(counter, 'utf8').split('\n').length - 1;
  await discoverInterpreters(ctx);
  await discoverInterpreters(ctx);
  await probeInterpreter(ctx, wrapper);
  assert.equal(starts(), 1);
  utimesSync(wrapper, 1_700_000_000, 1_700_000_000);
  await discoverInterpreters(ctx);
  assert.equal(starts(), 2);
});

test('the cache may be garbage: it is asked anew', async () => {
  const { ctx } = host();
  writeFileSync(join(ctx.stateDir, 'interpreters.json'), '{"/usr/bin/python3": 7');
  assert.ok((await discoverInterpreters(ctx)).length > 0);
});

test('the helpers\' interpreter is final, and one the owner can run', { skip: process.getuid?.() !== 0 }, async () => {
  const { ctx } = host();
  const nobody = { uid: 65534, gid: 65534, name: 'nobody' };
  const helper = await helperPython(ctx, nobody);
  const result = await runCommand({ file: helper, args: ['-I', '-c', 'import os; print(os.getuid())'], cwd: '/', owner: nobody, timeoutMs: 20_000 });
  assert.equal(result.stdout, '65534\n');
});

test('a root agent probes as the user who could have put the file there', { skip: process.getuid?.() !== 0 }, async () => {
  const maker = host();
  const { chownSync } = await import('node:fs');
  const folder = join(maker.folder, 'theirs');
  const told = join(folder, 'who');
  const planted = script(join(folder, 'python3'), `#!/bin/sh\nid -u > ${told}\nexit 1\n`);
  chownSync(folder, 65534, 65534);
  const { ctx } = host({ interpreters: [planted] });
  await probeInterpreter(ctx, planted);
  assert.equal(readFileSync(told, 'utf8'), '65534\n');
});

test('an environment whose base interpreter is gone says so', async () => {
  const { ctx, folder } = host();
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  symlinkSync('/nonexistent/python3.12', join(tree, 'bin/python'));
  const seen = await treeInterpreter(ctx, tree, agentOwner());
  assert.deepEqual([seen.runs, seen.version], [false, null]);
  assert.match(seen.problem, /bin\/python does not run: .*ENOENT/);
});
