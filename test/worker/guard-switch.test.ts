/** A switch at any moment around a guarded start: what starts is of one environment, whole. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { guardedUser, linesOf, type GuardedUser } from '../support/guarded.js';

let user: GuardedUser;
let project: string;
before(async () => {
  user = await guardedUser();
  project = user.project('app');
  for (const [id, line] of [['ch-old-1', '3.11'], ['ch-new-1', '3.12']] as const) {
    const tree = user.tree(project, id, line);
    const packages = path.join(tree, `lib/python${line}/site-packages`);
    mkdirSync(packages, { recursive: true });
    writeFileSync(path.join(packages, 'late.py'), `TREE = ${JSON.stringify(id)}\n`);
    writeFileSync(path.join(tree, 'bin/which-tree'), `#!${tree}/bin/python\n${LOOK}`, { mode: 0o755 });
  }
});
after(() => user.close());

/** Everything by which a process tells where it is from, after it has waited for its input. */
const LOOK = `
import os, subprocess, sys
print("up", flush=True)
sys.stdin.readline()
import late
child = subprocess.run(["python", "-c", "import late; print(late.TREE)"], capture_output=True, text=True)
print(" ".join([late.TREE, os.path.basename(sys.prefix), os.path.basename(os.environ["VIRTUAL_ENV"]), os.environ["PATH"].split(":")[0].split("/")[-2], sys.executable.split("/")[-3], child.stdout.strip()]), flush=True)
`;

test('invariant 2: a switch between the start and an import: the command and what it starts stay with the tree it began in', async () => {
  for (const words of [['python', '-c', LOOK], ['which-tree'], [path.join(project, '.venv/bin/which-tree')]]) {
    user.turn(project, 'ch-old-1');
    const child = user.spawn(project, words);
    const next = linesOf(child);
    assert.equal(await next(), 'up');
    user.turn(project, 'ch-new-1');
    child.stdin!.end('\n');
    assert.equal(await next(), Array(6).fill('ch-old-1').join(' '));
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  }
});

test('invariant 2: while the link is turned without pause every start is whole', { timeout: 120_000 }, async (t) => {
  user.turn(project, 'ch-old-1');
  // state.json names no tree here: no end stands, and none is written between.
  writeFileSync(path.join(project, '.venvs/state.json'), '{"version":1,"environments":{}}');
  const turner = spawn(user.python['3.12'].file, ['-I', '-c', 'import os, sys, time\nprint("up", flush=True)\nwhile True:\n  for tree in ("ch-new-1", "ch-old-1"):\n    os.symlink(".venvs/" + tree, ".venv.next"); os.rename(".venv.next", ".venv"); time.sleep(0.0005)\n'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => turner.kill('SIGKILL'));
  assert.equal(await linesOf(turner)(), 'up');
  const seen = new Set<string>();
  for (let start = 0; start < 15; start += 1) {
    const words = start % 2 === 0 ? ['python', '-c', LOOK] : ['which-tree'];
    const { status, stdout, stderr } = spawnSync(user.command[0]!, [...user.command.slice(1), ...words], { cwd: project, env: user.env, input: '\n', encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const trees = new Set(stdout.trim().split('\n').at(-1)!.split(' '));
    assert.equal(trees.size, 1, stdout);
    seen.add([...trees][0]!);
  }
  t.diagnostic(`began in ${[...seen].join(' and ')}`);
});
