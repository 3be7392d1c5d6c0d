/** `runbook compliance check`, over real environments. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { complianceCommand } from '../../../client/cli/commands/compliance.js';
import { checkCli, type CheckCli } from '../../support/check-cli.js';
import { SETTINGS, type CheckedOptions } from '../../support/checked-environment.js';
import { inProcess } from '../../support/in-process.js';

let it: CheckCli;
before(() => (it = checkCli()), { timeout: 120_000 });
after(() => it.close());

const made = (line: '3.11' | '3.12', module: string, options: CheckedOptions = {}) => it.bench.environment({ line, settings: `${SETTINGS}importModule: app\n`, files: { 'app/__init__.py': module }, ...options });
const compliance = (...words: string[]) => inProcess(complianceCommand, 'compliance', 'check', ...words);

test('PV-25: primary or fallback, and the project imports: 0', { timeout: 60_000 }, async () => {
  const primary = await made('3.12', 'import numpy\n');
  const { code, stdout } = await compliance(primary.project);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^current Python version: 3\.12\.\d+\n✓ .*primary interpreter.*\n✓ app imports\ncompliant$/);
  const fallback = await made('3.11', '');
  it.policy({ interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: fallback.python.version, justification: 'test' } } });
  assert.equal((await compliance(fallback.project)).code, 0);
  it.policy();
});

test('PV-25: an unsupported version: 1, whatever imports on it', { timeout: 60_000 }, async () => {
  const { project } = await made('3.11', '');
  const { code, stdout } = await compliance(project);
  assert.equal(code, 1);
  assert.match(stdout, /^not compliant: unsupported version, expected 3\.12\.x or 3\.11\.13$/m);
});

test('PV-25: an import that fails: 1, "fallback required", and the plan for it', { timeout: 60_000 }, async () => {
  const { project } = await made('3.12', 'raise ImportError("needs the other Python")\n');
  const { code, stdout, stderr } = await compliance(project);
  assert.equal(code, 1);
  assert.match(stdout, /✗ app can't be imported: ImportError: needs the other Python[^]*^not compliant: fallback required$/m);
  assert.match(stderr, /^next: runbook plan fallback /m);
  assert.equal((JSON.parse((await compliance(project, '--json')).stdout) as { verdict: string }).verdict, 'fallback-required');
});

test('PV-25: what fails on the fallback is not sent to the fallback', { timeout: 60_000 }, async () => {
  const fallback = await made('3.11', 'raise ImportError("needs another package")\n');
  it.policy({ interpreters: { primary: { version: '3.12.x', justification: 'test' }, fallback: { version: fallback.python.version, justification: 'test' } } });
  try {
    const { code, stdout, stderr } = await compliance(fallback.project);
    assert.deepEqual([code, stderr], [1, ''], stdout);
    assert.match(stdout, /IMPORT_INCOMPATIBLE; try: /);
  } finally {
    it.policy();
  }
});

test('bad input: no module, no folder', { timeout: 60_000 }, async () => {
  const { project } = await it.bench.environment();
  for (const words of [[project], ['nosuch']]) {
    const { code, stderr } = await compliance(...words);
    assert.equal(code, 64);
    assert.match(stderr, /^refused: .*: expected .+, got .+\n {2}try: .+\nnothing was started$/);
  }
});
