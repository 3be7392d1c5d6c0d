import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { measureEnvironment } from '../../../../activities/host/checks/measure-environment.js';
import { placeForChecks } from '../../../../activities/host/checks/place.js';
import type { IntegrityFacts } from '../../../../policy/checks/facts.js';
import { checkedBench, injectBytecode, type Checked, type CheckedBench } from '../../../support/checked-environment.js';
import { driftBench, isRoot, user, type DriftBench, type Drifting } from '../../../support/drift.js';
import { agentOwner } from '../../../../activities/host/owner.js';

let bench: CheckedBench;
before(() => {
  bench = checkedBench();
});
after(() => bench.close());

const ONLY = { probe: false, importTime: false, integrity: true };

async function integrity(at: Checked): Promise<IntegrityFacts> {
  const facts = await at.measure({ ...ONLY, rules: at.rules({ required: [] }) });
  assert.ok(facts.integrity?.ok, JSON.stringify(facts.integrity));
  return facts.integrity.value;
}

/** Paths below site-packages. */
const found = async (at: Checked): Promise<string[]> => (await integrity(at)).differences.map((words) => words.replace(/^lib\/python3\.\d+\/site-packages\//, ''));

describe('an environment by other hands, against its RECORDs', () => {
  test('a new one with pip of its own, an editable project and what virtualenv leaves has no difference', async () => {
    const at = await bench.environment();
    execFileSync(at.python.realpath, ['-I', '-m', 'venv', at.link], { stdio: 'ignore' });
    const source = join(at.project, 'src');
    mkdirSync(source);
    // As pip leaves an editable one: its .pth stands in its RECORD.
    const info = join(at.site, 'edit-1.0.dist-info');
    mkdirSync(info);
    writeFileSync(join(info, 'METADATA'), 'Metadata-Version: 2.1\nName: edit\nVersion: 1.0\n');
    writeFileSync(join(info, 'RECORD'), '__editable__.edit-1.0.pth,,\nedit-1.0.dist-info/METADATA,,\nedit-1.0.dist-info/RECORD,,\n');
    writeFileSync(join(at.site, '__editable__.edit-1.0.pth'), `${source}\n`);
    // And as setup.py develop does.
    writeFileSync(join(at.site, 'old.egg-link'), `${source}\n.`);
    writeFileSync(join(at.site, 'easy-install.pth'), `${source}\n`);
    writeFileSync(join(at.site, '_virtualenv.pth'), 'import _virtualenv');
    writeFileSync(join(at.site, '_virtualenv.py'), '');
    writeFileSync(join(at.site, 'cache.json'), '{}');
    const { run, files, differences } = await integrity(at);
    assert.deepEqual([run, differences], [null, []]);
    assert.ok(files > 300, `pip alone has more files than ${files}`);
  });

  test('the same names with other content are differences', async () => {
    const at = await bench.environment();
    writeFileSync(join(at.site, '_virtualenv.pth'), 'import os');
    writeFileSync(join(at.site, 'old.egg-link'), `${at.project}\n.`);
    writeFileSync(join(at.site, 'easy-install.pth'), `${at.project}\nimport os\n`);
    writeFileSync(join(at.site, '_interpreter_runbooks_anchor.pth'), 'import os\n');
    assert.deepEqual(await found(at), ['_interpreter_runbooks_anchor.pth', '_virtualenv.pth', 'easy-install.pth'].map((it) => `${it} is in no RECORD`));
  });

  test('gone, changed in size or content, unnamed code of every kind, a package without RECORD', async () => {
    const at = await bench.environment();
    rmSync(join(at.site, 'pandas/deep.py'));
    writeFileSync(join(at.site, 'numpy/__init__.py'), readFileSync(join(at.site, 'numpy/__init__.py'), 'utf8').replace('import random', 'import rondam'));
    writeFileSync(join(at.site, 'sitecustomize.py'), '');
    writeFileSync(join(at.site, 'pandas/fast.cpython-312-x86_64-linux-gnu.so'), '');
    mkdirSync(join(at.site, 'bare-1.0.dist-info'));
    const words = await found(at);
    assert.deepEqual(words, ['bare-1.0.dist-info has no RECORD', 'numpy/__init__.py was changed', 'pandas/__pycache__/deep.cpython-312.pyc has no source', 'pandas/deep.py is gone', 'pandas/fast.cpython-312-x86_64-linux-gnu.so is in no RECORD', 'sitecustomize.py is in no RECORD']);
  });

  test('bytecode that Python takes and that is of other code; one that crashes its reader hides no other', async () => {
    const at = await bench.environment();
    injectBytecode(at.python.realpath, join(at.site, 'beta.py'), 'unchecked');
    injectBytecode(at.python.realpath, join(at.site, 'pandas/deep.py'));
    const own = join(at.site, 'numpy/__pycache__/__init__.cpython-312.pyc');
    writeFileSync(own, Buffer.concat([readFileSync(own).subarray(0, 16), Buffer.from('garbage')]));
    assert.deepEqual((await found(at)).map((words) => words.split(' ')[0]), ['__pycache__/beta.cpython-312.pyc', 'numpy/__pycache__/__init__.cpython-312.pyc', 'pandas/__pycache__/deep.cpython-312.pyc']);
  });

  test('bytecode that Python does not look at is no difference: stale, of another version, of pytest', async () => {
    const at = await bench.environment();
    utimesSync(join(at.site, 'beta.py'), 1, 1);
    injectBytecode(at.python.realpath, join(at.site, 'beta.py'));
    writeFileSync(join(at.site, '__pycache__/beta.cpython-311.pyc'), Buffer.alloc(20));
    writeFileSync(join(at.site, '__pycache__/beta.cpython-312-pytest-8.3.4.pyc'), readFileSync(join(at.site, '__pycache__/beta.cpython-312.pyc')));
    assert.deepEqual(await found(at), []);
  });

  test('without a virtual environment there is nothing to compare, and that is said', async () => {
    const at = await bench.environment();
    rmSync(at.link, { recursive: true });
    const facts = await at.measure({ ...ONLY, rules: at.rules({ required: [] }), env: { PATH: join(at.python.realpath, '..') } });
    assert.deepEqual([facts.foundBy, facts.integrity?.ok], ['PATH', false]);
    assert.match(facts.integrity?.ok === false ? facts.integrity.problem : '', /no virtual environment/);
  });
});

describe('a tree of ours, against what its run verified', { skip: isRoot ? false : 'only root ignores the modes of a read-only tree' }, () => {
  let drifting: DriftBench;
  before(async () => {
    drifting = await driftBench();
  });
  after(() => drifting.close());

  /** Other content at a path; what was there may be a hard link into the installer's cache. */
  const replace = (path: string): void => {
    rmSync(path);
    writeFileSync(path, 'VALUE = 7\n');
  };

  const look = async (at: Drifting, ctx = drifting.host.ctx): Promise<IntegrityFacts> => {
    const place = placeForChecks(at.project.path, null);
    const rules = (await bench.environment()).rules({ required: ['alpha'] });
    const facts = await measureEnvironment(ctx, place, { probe: false, importTime: false, integrity: true, manual: false, rules, env: {} });
    assert.ok(facts.integrity?.ok, JSON.stringify(facts.integrity));
    assert.deepEqual(facts.imports, { ok: true, value: [{ module: 'alpha', ok: true, error: '' }] });
    return facts.integrity.value;
  };

  test('as its run left it, also for another user\'s project; then every hand in it has a name', async () => {
    const at = await drifting.live(user);
    const { run, files, differences } = await look(at);
    assert.deepEqual([run, differences], [at.run, []]);
    assert.ok(files > 5);
    replace(join(at.site, 'alpha/other.py'));
    writeFileSync(join(at.site, 'dropped.pth'), '');
    const words = (await look(at)).differences.join('\n');
    assert.match(words, /alpha\/other\.py was changed/);
    assert.match(words, /dropped\.pth appeared/);
  });

  test('the lines of a tree that differs are not kept look after look; those that another look had kept are', async () => {
    const at = await drifting.live(agentOwner());
    const kept = (): string[] => readdirSync(join(drifting.host.ctx.stateDir, 'manifests')).sort();
    const first = kept();
    for (const text of ['1', '2']) {
      writeFileSync(join(at.site, 'dropped.pth'), text);
      assert.match((await look(at)).differences.join(), /dropped\.pth appeared/);
      assert.deepEqual(kept(), first);
    }
    await drifting.look(at);
    const planned = kept();
    assert.equal(planned.length, first.length + 1, 'a plan keeps what it saw');
    await look(at);
    assert.deepEqual(kept(), planned);
    assert.ok(planned.includes(at.verification.manifestDigest));
  });

  test('without the agent\'s store the seal\'s digest tells that it differs, and RECORDs tell where', async () => {
    const at = await drifting.live(agentOwner());
    const [first, second] = [drifting.another(), drifting.another()];
    try {
      assert.deepEqual(await look(at, first.ctx), { run: at.run, files: (await look(at)).files, differences: [] });
      replace(join(at.site, 'alpha/other.py'));
      const { differences } = await look(at, second.ctx);
      assert.match(differences.join('\n'), /^manifest [0-9a-f]{12} where it was [0-9a-f]{12}\n(.*\.pyc .*\n)?.*alpha\/other\.py was changed$/);
    } finally {
      first.close();
      second.close();
    }
  });

  test('a link that hands turned is a difference', async () => {
    const at = await drifting.live(agentOwner());
    rmSync(at.project.env.link);
    execFileSync('/bin/cp', ['-a', at.tree, join(at.project.path, '.venvs/copy')]);
    symlinkSync('.venvs/copy', at.project.env.link);
    assert.match((await look(at)).differences.join('\n'), new RegExp(`stands where ${at.run} left a link to \\.venvs/${at.id}`));
  });
});
