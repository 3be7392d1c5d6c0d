/** `runbook wheels health`: three lines about what stands, over real environments and a loopback index. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { wheelsCommand } from '../../../client/cli/commands/wheels.js';
import { checkCli, type CheckCli } from '../../support/check-cli.js';
import { PACKAGES, RIGHT, SETTINGS } from '../../support/checked-environment.js';
import { testIndex, type TestIndex } from '../../support/index.js';
import { inProcess } from '../../support/in-process.js';

let it: CheckCli;
let index: TestIndex;
before(async () => {
  it = checkCli();
  index = await testIndex(PACKAGES.filter(({ name }) => ['pandas', 'numpy', 'beta'].includes(name)));
  mkdirSync(path.join(process.env['RUNBOOK_HOME']!, 'config'), { recursive: true });
  writeFileSync(path.join(process.env['RUNBOOK_HOME']!, 'config/agent.yaml'), stringify({ roots: ['/'], index: { url: index.url } }));
}, { timeout: 120_000 });
after(() => {
  index?.close();
  it.close();
});

const health = (...words: string[]) => inProcess(wheelsCommand, 'wheels', 'health', ...words);
const project = (more: object = {}) => it.bench.environment({ settings: `${SETTINGS}importModule: app\n`, files: { 'app/__init__.py': 'import numpy\n' }, ...more });

test('PV-24: exactly three lines: interpreter wheels, project package compatibility, critical dependencies', { timeout: 120_000 }, async () => {
  const { code, stdout } = await health((await project()).project);
  assert.match(stdout, /^✓ interpreter wheels: Python 3\.12\.\d+: all 3 available\n✓ project package compatibility: app imports; installed as the lock says\n✓ critical dependencies: available: pandas, numpy, beta$/);
  assert.equal(code, 0);
});

test('PV-24: each line says what is wrong with it; --json is of `health`, not of the table', { timeout: 120_000 }, async () => {
  const lacking = await project({ packages: ['pandas==2.10.0', 'numpy==1.26.4'], files: { 'app/__init__.py': 'import beta\n', 'requirements.lock': [...RIGHT, 'nosuch==1.0'].map((pin) => `${pin}\n`).join('') } });
  const { code, stdout } = await health(lacking.project);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^✗ interpreter wheels: Python 3\.12\.\d+: 1 of 4 lack one: nosuch.*\n✗ project package compatibility: app can't be imported: .*'beta'.*\n✗ critical dependencies: not available: beta$/);
  const told = JSON.parse((await health(lacking.project, '--json')).stdout) as { name: string; status: string }[];
  assert.deepEqual(told.map(({ name, status }) => [name, status]), [['interpreter wheels', 'fail'], ['project package compatibility', 'fail'], ['critical dependencies', 'fail']]);
});

test('PV-24: without an interpreter nothing was imported, and nothing is said to be', { timeout: 60_000 }, async () => {
  const broken = await project();
  const python = path.join(broken.link, 'bin/python');
  rmSync(python);
  writeFileSync(python, 'no interpreter\n', { mode: 0o755 });
  const { code, stdout } = await health(broken.project);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^✗ interpreter wheels: .+\n✗ project package compatibility: no interpreter to import it with\n✗ critical dependencies: no interpreter/);
});

test('PV-24: an index that does not answer could not tell: 69, never a pass', { timeout: 120_000 }, async () => {
  const right = await project();
  const file = path.join(process.env['RUNBOOK_HOME']!, 'config/agent.yaml');
  writeFileSync(file, stringify({ roots: ['/'], index: { url: 'http://127.0.0.1:9/simple' } }));
  const { code, stdout } = await health(right.project);
  assert.equal(code, 69, stdout);
  assert.match(stdout, /^\? interpreter wheels: /);
  assert.equal(stdout.split('\n').length, 3);
});
