import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readPlain, readPlainBytes } from '../../activities/plain-file.js';

let folder: string;
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'plain-')));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test('a file\'s text, through links; null where there is none; a limit in bytes', () => {
  writeFileSync(join(folder, 'file'), 'text');
  symlinkSync('file', join(folder, 'link'));
  symlinkSync('gone', join(folder, 'dangling'));
  assert.deepEqual([readPlain(join(folder, 'link'))?.text, readPlain(join(folder, 'dangling')), readPlainBytes(join(folder, 'file'), 4)?.bytes.toString()], ['text', null, 'text']);
  assert.throws(() => readPlainBytes(join(folder, 'file'), 3), /4 bytes, more than 3/);
  assert.throws(() => readPlain(folder), /something that is no file/);
  assert.throws(() => readPlain(join(folder, 'file/below')), { code: 'ENOTDIR' });
});

/** Far more than any of these takes; one that waits would take for ever, and memory with it. */
const LIMIT_MS = 30_000;

/** Readers of what an owner of a project can put there: which file, and an expression that reads it and what must come of it. */
const READERS: [what: string, file: string, expression: string, answer: string][] = [
  ['the seal', '.complete', `(await load('host/seal.js')).readSeal(project)`, 'null'],
  ['the version in pyvenv.cfg', 'pyvenv.cfg', `(await load('host/snapshot.js')).versionOf({ owner }, { treePath: project })`, 'null'],
  ['the virtual environment', '.venv/pyvenv.cfg', `await (await load('host/checks/interpreter.js')).lookAtVirtual({ place }, { foundBy: 'link', executable: project + '/.venv/bin/python' }, null)`, 'null'],
  ['state.json', '.venvs/state.json', `(await load('host/checks/standing.js')).standingFacts({ ctx: { standsAlone: true }, place })`, 'null'],
  ['the project file', 'runbook.yaml', `(await load('host/checks/place.js')).placeForChecks(project, null)`, 'something else'],
  ['a project\'s file', 'requirements.lock', `(await load('host/checks/project-files.js')).projectFile(place, 'requirements.lock').read()`, 'no regular file'],
  ['one that was a file when it was looked at', 'late', `swapped((await load('host/checks/project-files.js')).projectFile(place, 'late-link'))`, 'no file'],
  ['as whom things are started', '.venv/pyvenv.cfg', `(await load('host/checks/runner.js')).runnerOf(project, owner, project + '/.venv/bin/python', null) && null`, 'null'],
];

describe('a pipe or a device without end keeps no reader waiting', () => {
  for (const [what, file, expression, answer] of READERS) {
    for (const kind of ['pipe', 'device'] as const) {
      test(`${what}: a ${kind}`, () => {
        const project = mkdtempSync(join(folder, 'project-'));
        for (const name of ['.venvs/one', '.venv/bin']) mkdirSync(join(project, name), { recursive: true });
        if (file.startsWith('.venvs/')) {
          rmSync(join(project, '.venv'), { recursive: true });
          symlinkSync('.venvs/one', join(project, '.venv'));
        }
        writeFileSync(join(project, 'plain'), '');
        symlinkSync('plain', join(project, 'late-link'));
        if (kind === 'pipe') execFileSync('mkfifo', [join(project, file)]);
        else symlinkSync('/dev/zero', join(project, file));
        const program = `
          import { renameSync, symlinkSync } from 'node:fs';
          const load = (name) => import(${JSON.stringify(new URL('../../activities/', import.meta.url).href)} + name);
          const project = ${JSON.stringify(project)};
          const owner = { uid: process.getuid(), gid: process.getgid(), name: 'me' };
          const place = { project, link: project + '/.venv', owner };
          const swapped = (found) => { symlinkSync('late', project + '/new'); renameSync(project + '/new', project + '/late-link'); return found.read(); };
          try { console.log(JSON.stringify(${expression})); } catch (error) { console.log(error.message); }`;
        const { signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: LIMIT_MS, killSignal: 'SIGKILL', encoding: 'utf8' });
        assert.equal(signal, null, `it waits: ${stderr}`);
        assert.ok(stdout.includes(answer), `expected ${answer}, got ${stdout}${stderr}`);
      });
    }
  }
});
