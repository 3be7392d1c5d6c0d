/** Remedies are typed as they stand: a real shell reads each of them, of a project whose name tries everything. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { MANUAL_SECTIONS } from '../../../policy/checks/manual-items.js';
import type { EnvironmentFacts } from '../../../policy/checks/model.js';
import { manualPreflight } from '../../../policy/checks/preflight.js';
import { shellWord, targetWord } from '../../../policy/checks/remedies.js';
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

test('a word is one word to a shell, and the same one', () => {
  for (const text of [PROJECT, '', ' ', "'", '*', '~', '$HOME', 'a\nb', '-n', '!x']) {
    assert.equal(execFileSync('bash', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }), text === '-n' ? '-n' : text);
  }
});

test('an environment is named as the commands take it', () => {
  assert.equal(targetWord({ link: '/srv/pricer/.venv' }), '/srv/pricer');
  assert.equal(targetWord({ link: '/srv/pricer/.venv-py311' }), '/srv/pricer/.venv-py311');
  assert.equal(targetWord({ link: '/srv/pricer/env' }), "'/srv/pricer#env'");
  assert.equal(targetWord({ link: '/.venv' }), '/');
});
