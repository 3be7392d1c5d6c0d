/** Remedies are typed as they stand: a real shell reads each of them, of a project whose name tries everything. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { MANUAL_SECTIONS } from '../../../policy/checks/manual-items.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { manualPreflight } from '../../../policy/checks/preflight.js';
import { targetWord } from '../../../policy/checks/remedies.js';
import { shellWord } from '../../../policy/text.js';
import { goodFacts, goodInterpreter, goodLock, measured, rules, unmeasured } from '../../support/check-facts.js';

const PROJECT = "/srv/it's a $(touch /nowhere) `x` \"project\"; &";
const LINK = `${PROJECT}/.venv`;
const virtual = { ...goodFacts().virtual!, path: LINK, systemSitePackages: true };
const place = { project: PROJECT, link: LINK };

const WRONG: Record<string, Partial<EnvironmentFacts>> = {
  'nothing is there': { foundBy: 'nothing', interpreter: { ok: false, kind: 'absent', problem: 'none' }, virtual: null, onPath: null, packages: unmeasured(), imports: unmeasured(), probe: null, importTime: null, lock: goodLock({ exists: false }), variables: { PRICER_PYTHON_VERSION: null, PRICER_WHEEL_STATUS: null } },
  'all of it is wrong, made by other hands': {
    interpreter: goodInterpreter({ version: '3.9.1', executable: `${LINK}/bin/python` }), virtual, virtualEnv: '/other', packages: measured([]), imports: measured([{ module: 'pandas', ok: false, error: '' }]),
    files: [{ path: 'requirements.txt', mode: 0o777 }], probe: measured({ seconds: 9, rssMiB: 9999 }), importTime: measured({ seconds: 9, rssMiB: 1 }), conflicts: measured(['x']), wheels: measured({ missing: ['x'], total: 1 }), config: [{ path: "it's.conf", exists: true, problem: null, pythonVersion: null }],
  },
  'a tree of ours differs': { packages: measured([]), virtual: { ...virtual, path: `${PROJECT}/.venvs/t1` } },
  'another project is active, made by other hands': { foundBy: 'VIRTUAL_ENV', interpreter: goodInterpreter({ version: '3.9.1', executable: '/srv/other/.venv/bin/python' }), virtual: { ...virtual, path: '/srv/other/.venv' }, virtualEnv: '/srv/other/.venv', packages: measured([{ name: 'pandas', version: '1' }]), conflicts: measured(['x']), config: [] },
  'a pylock': { lock: goodLock({ path: 'pylock.toml' }), packages: measured([]), virtual },
};

test('every remedy and every command of the manual list is one that a shell can read', () => {
  for (const [what, overrides] of Object.entries(WRONG)) {
    const report = manualPreflight(goodFacts({ ...place, ...overrides }), rules({ advisories: [{ project: 'pandas', versions: '>0', id: 'X', text: '' }] }));
    const remedies = report.checks.flatMap(({ check, status, remedy }) => (status !== 'fail' && remedy === null ? [] : [{ check, text: remedy! }]));
    const byHand = MANUAL_SECTIONS.flatMap(({ items }) => items.map((item) => ({ check: item.check, text: item.byHand(report) })));
    for (const { check, text } of [...remedies, ...byHand]) {
      assert.ok(text, `${what}: ${check}`);
      // What stands behind # is read as a command, too: it is meant to be typed.
      for (const script of [text, text.replace(/^# [^:\n]*: /gm, '')]) assert.doesNotThrow(() => execFileSync('bash', ['-n', '-c', script], { stdio: 'pipe' }), `${what}: ${check}: ${script}`);
    }
  }
});

/** The project has no environment; the shell has another project's active. */
const foreign = (more: Partial<EnvironmentFacts> = {}): EnvironmentFacts => goodFacts({
  foundBy: 'VIRTUAL_ENV', interpreter: goodInterpreter({ executable: '/srv/other/.venv/bin/python' }), virtualEnv: '/srv/other/.venv',
  virtual: { path: '/srv/other/.venv', configured: '3.11.2', base: measured({ executable: '/usr/bin/python3.12', version: '3.12.9' }), systemSitePackages: true },
  packages: measured([{ name: 'pandas', version: '1.0' }, { name: 'beta', version: '1.0' }]), imports: measured([{ module: 'pandas', ok: false, error: 'x' }]), conflicts: measured(['x']), ...more,
});
const ADVISED = { advisories: [{ project: 'pandas', versions: '>0', id: 'X', text: '' }] };

test('no way out rebuilds, edits, fills or freezes the environment of another project that is active', () => {
  const other = goodFacts().virtual!;
  const cases = {
    'by hand': foreign(), 'a tree of ours': foreign({ virtual: { ...other, path: '/srv/other/.venvs/t1', configured: '3.11.2', systemSitePackages: true } }), 'pyvenv.cfg unread': foreign({ virtual: null }),
    'a name that begins as the project\'s': foreign({ virtual: { ...foreign().virtual!, path: '/srv/pricer2/.venv' } }), 'no lock': foreign({ lock: goodLock({ exists: false }) }), 'a pylock': foreign({ lock: goodLock({ path: 'pylock.toml' }) }),
  };
  for (const [what, facts] of Object.entries(cases)) {
    const { checks } = manualPreflight(facts, rules(ADVISED));
    const remedyOf = (name: string): string => checks.find(({ check }) => check === name)?.remedy ?? assert.fail(`${what}: ${name}`);
    for (const { check, remedy } of checks) {
      // A timing of imports only reads; everything else has to leave the other's paths alone.
      if (remedy === null || remedy.includes('-X importtime')) continue;
      assert.doesNotMatch(remedy, /\/srv\/(other|pricer2)|freeze|--clear|pip install|env reset/, `${what}: ${check}`);
    }
    const create = 'runbook env create /srv/pricer --to 3.12\n# or by hand: python3.12 -m venv /srv/pricer/.venv';
    for (const name of ['virtual-environment', 'package-dependencies', 'wheel-status', 'package-compatibility', 'insecure-packages']) assert.ok(remedyOf(name).includes(create), `${what}: ${name}: ${remedyOf(name)}`);
    // What is installed there is never what is wanted here.
    assert.doesNotMatch(remedyOf('wheel-status'), /# or, where what is installed/, what);
  }
});

test('VIRTUAL_ENV that lies in the project is the project\'s own', () => {
  const own = foreign({ interpreter: goodInterpreter({ executable: '/srv/pricer/env/bin/python' }), virtual: { ...foreign().virtual!, path: '/srv/pricer/env' } });
  const remedies = new Map(manualPreflight(own, rules(ADVISED)).checks.map(({ check, remedy }) => [check, remedy]));
  assert.match(remedies.get('virtual-environment')!, /^python3\.12 -m venv --clear \/srv\/pricer\/env\n\/srv\/pricer\/env\/bin\/python -m pip install -r /);
});

test('insecure packages are upgraded nowhere but in an environment', () => {
  const system = goodFacts({ foundBy: 'PATH', virtual: null, interpreter: goodInterpreter({ isVirtual: false, executable: '/usr/bin/python3' }) });
  const remedy = manualPreflight(system, rules(ADVISED)).checks.find(({ check }) => check === 'insecure-packages')!.remedy!;
  assert.match(remedy, /\nrunbook env create \/srv\/pricer /);
  assert.doesNotMatch(remedy, /pip install/);
});

test('ways out name the environment, so that they hold from any folder, and no flag that is not there', () => {
  const missing = manualPreflight(goodFacts({ config: [], probe: null, importTime: null, wheels: null }), rules());
  const slow = manualPreflight(goodFacts({ probe: measured({ seconds: 9, rssMiB: 1 }), virtual: { ...goodFacts().virtual!, systemSitePackages: true } }), rules());
  const remedyOf = ({ checks }: typeof slow, name: string) => checks.find(({ check }) => check === name)!.remedy;
  assert.equal(remedyOf(missing, 'config-content'), 'runbook init /srv/pricer # and name the file under configFiles of runbook.yaml');
  assert.equal(remedyOf(missing, 'version-documented'), 'runbook init /srv/pricer # and name the file under configFiles of runbook.yaml');
  assert.equal(remedyOf(missing, 'performance-baseline'), 'runbook preflight /srv/pricer');
  assert.equal(remedyOf(missing, 'memory-use'), 'runbook preflight /srv/pricer --manual');
  assert.equal(remedyOf(missing, 'wheel-availability'), 'runbook preflight /srv/pricer --manual');
  assert.equal(remedyOf(slow, 'performance-baseline'), 'runbook wheels /srv/pricer # which packages lack a wheel');
  assert.equal(remedyOf(slow, 'isolation'), 'runbook env reset /srv/pricer --reason "sees packages of the system"');
});

test('a word is one word to a shell, and the same one', () => {
  for (const text of [PROJECT, '', ' ', "'", '*', '~', '$HOME', 'a\nb', '-n', '!x', '#x', 'a#x']) {
    assert.equal(execFileSync('bash', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }), text === '-n' ? '-n' : text);
  }
});

test('an environment is named as the commands take it', () => {
  assert.equal(targetWord({ link: '/srv/pricer/.venv' }), '/srv/pricer');
  assert.equal(targetWord({ link: '/srv/pricer/.venv-py311' }), '/srv/pricer/.venv-py311');
  assert.equal(targetWord({ link: '/srv/pricer/env' }), '/srv/pricer#env');
  assert.equal(targetWord({ link: '/.venv' }), '/');
});
