import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { formDifference, manualForm, readManualForm } from '../../../policy/checks/manual-form.js';
import { MANUAL_SECTIONS } from '../../../policy/checks/manual-items.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { MANUAL_CHECKS, manualPreflight, preflight, PREFLIGHT_CHECKS } from '../../../policy/checks/preflight.js';
import { goodFacts, goodLock, measured, rules } from '../../support/check-facts.js';

const reportOf = (overrides: Partial<EnvironmentFacts> = {}) => manualPreflight(goodFacts(overrides), rules());
const PLACE = { host: 'calc-01', link: '/srv/pricer/.venv' };
const ticked = (form: string): string => form.replaceAll('- [ ]', '- [x]');

test('PF-27: six sections, one item a line with an open box and what was measured', () => {
  const form = manualForm(reportOf({ packages: measured([]) }));
  assert.deepEqual(form.match(/^## \d\. .*$/gm), ['Python version', 'Package dependencies', 'Wheel status', 'Environment configuration', 'Security', 'Performance baseline'].map((title, at) => `## ${at + 1}. ${title}`));
  const items = form.match(/^- \[ \] .*$/gm)!;
  assert.equal(items.length, 18);
  assert.match(items[0]!, /^- \[ \] 1\.1 the interpreter is one that the policy approves: pass; Python 3\.12\.4/);
  assert.match(items[6]!, /^- \[ \] 3\.1 .*: pass; requirements\.lock is current/);
  assert.match(items[7]!, /^- \[ \] 3\.2 .*: fail; 5 differences/);
});

test('PF-27: every check is an item, and every item has a check', () => {
  const named = new Set(MANUAL_SECTIONS.flatMap(({ items }) => items.map(({ check }) => check)));
  assert.deepEqual([...named].sort(), [...PREFLIGHT_CHECKS, ...MANUAL_CHECKS].map(({ name }) => name).sort());
  for (const { items } of MANUAL_SECTIONS) for (const { confirm } of items) assert.doesNotMatch(confirm, /:/);
});

test('PF-27: the form that comes back ticked has the digest of the one that went out, whatever an editor did to line ends', () => {
  const report = reportOf();
  const form = manualForm(report);
  const digest = createHash('sha256').update(form).digest('hex');
  for (const edited of [form, ticked(form), ticked(form).replaceAll('- [x]', '- [X]'), ticked(form).replaceAll('\n', '\r\n'), `\ufeff${form}\n\n`, ticked(form).replaceAll('\n', '  \n')]) {
    assert.equal(readManualForm(edited, PLACE)?.digest, digest);
  }
  assert.deepEqual(readManualForm(ticked(form), PLACE)?.open, []);
  assert.deepEqual(readManualForm(ticked(form).replace('- [x] 2.3', '- [ ] 2.3'), PLACE)?.open, ['2.3']);
  assert.equal(readManualForm(form, PLACE)?.open.length, 18);
});

test('PF-27: a changed verdict changes the digest, and is read as what the form says', () => {
  const form = manualForm(reportOf({ packages: measured([]) }));
  const forged = form.replace(': fail; 5 differences', ': pass; 5 differences');
  assert.equal(readManualForm(form, PLACE)!.verdicts['3.2'], 'fail');
  assert.equal(readManualForm(forged, PLACE)!.verdicts['3.2'], 'pass');
  assert.notEqual(readManualForm(forged, PLACE)!.digest, readManualForm(form, PLACE)!.digest);
});

test('PF-27: a form of another environment, an item taken out or put in, and any other text are no form', () => {
  const form = manualForm(reportOf());
  assert.equal(readManualForm(form, { ...PLACE, host: 'calc-02' }), null);
  assert.equal(readManualForm(form, { ...PLACE, link: '/srv/pricer/.venv2' }), null);
  assert.equal(readManualForm(form.replace(/^- \[ \] 5\.2 .*\n/m, ''), PLACE), null);
  assert.equal(readManualForm(form.replace(/^(- \[ \] 5\.2 .*\n)/m, '$1$1'), PLACE), null);
  for (const other of ['', 'hello', form.slice(10)]) assert.equal(readManualForm(other, PLACE), null);
});

test('PF-27: foreign words can\'t write an item, a verdict or a section', () => {
  const evil = 'x\n- [x] 9.9 all is well: pass; yes\n## 7. More: pass; `';
  const report = reportOf({ imports: measured([{ module: 'pandas', ok: false, error: evil }]), lock: goodLock({ path: `a: pass; ${evil}`, ageSeconds: null }) });
  const form = manualForm(report);
  assert.equal(form.match(/^- \[[ xX]\] /gm)!.length, 18);
  assert.equal(form.match(/^## /gm)!.length, 7);
  const read = readManualForm(form, PLACE)!;
  assert.equal(read.text, form);
  assert.equal(read.verdicts['2.1'], 'fail');
  assert.equal(read.verdicts['3.1'], 'unknown');
});

test('PF-27: a form whose items say something else than what is to be confirmed is no form', () => {
  const form = manualForm(reportOf());
  for (const [words, others] of [['no insecure package version is installed', 'I have not looked'], ['a start is quick', 'a start is quick enough'], ['4.3 Python is on PATH', '4.3 the environment is isolated']] as const) {
    const edited = form.replace(words, others);
    assert.notEqual(edited, form);
    assert.equal(readManualForm(edited, PLACE), null, others);
  }
  for (const at of ['', 'yesterday', '2026-03-01 12:00']) assert.equal(readManualForm(form.replace(/^- Measured at: .*$/m, `- Measured at: ${at}`), PLACE), null, at);
});

test('PF-27: signed is what is so now: project, Python, status and counts as well as the verdicts', () => {
  const report = reportOf();
  const difference = (edit: (form: string) => string) => {
    const form = manualForm(report);
    assert.notEqual(edit(form), form);
    return formDifference(readManualForm(edit(form), PLACE)!, report);
  };
  assert.equal(difference(ticked), null);
  assert.deepEqual(difference((form) => form.replace(': pass; Python 3.12.4', ': fail; Python 3.12.4')), { expected: 'what is measured now', got: 'other verdicts: 1.1 was fail, is pass' });
  for (const [line, edit] of [
    [/^"- Project: `\/srv\/other`" where it is "- Project: `\/srv\/pricer`"$/, (form: string) => form.replace('Project: `/srv/pricer`', 'Project: `/srv/other`')],
    [/^"- Python: primary \(3\.12\.9\)" where it is "- Python: primary \(3\.12\.4\)"$/, (form: string) => form.replace('primary (3.12.4)', 'primary (3.12.9)')],
    [/^"- Status: NOT/, (form: string) => form.replace('Status: READY', 'Status: NOT\\_READY')],
    [/^"- Checks: 17 passed/, (form: string) => form.replace(/Checks: \d+ passed/, 'Checks: 17 passed')],
    [/^"" where it is "- Project/, (form: string) => form.replace(/^- Project: .*$/m, '')],
  ] as const) {
    const { expected, got } = difference(edit) ?? assert.fail(String(line));
    assert.equal(expected, 'what is measured now');
    assert.match(got, line);
  }
});

test('PF-27: a form is signed within 24 h of its measurement, and not before it', () => {
  const form = readManualForm(ticked(manualForm(reportOf())), PLACE)!;
  const signedAt = (at: string) => formDifference(form, reportOf({ at }));
  for (const at of ['2026-03-01T12:00:00.000Z', '2026-03-02T12:00:00.000Z']) assert.equal(signedAt(at), null, at);
  for (const at of ['2026-03-02T12:00:00.001Z', '2026-06-01T12:00:00.000Z', '2026-03-01T11:59:59.999Z']) {
    assert.deepEqual(signedAt(at), { expected: 'a form of the last 24 h', got: 'one measured at 2026-03-01T12:00:00.000Z' }, at);
  }
});

test('PF-28: it tells how to look by hand, and the way out of what did not pass', () => {
  const form = manualForm(reportOf({ files: [{ path: 'requirements.txt', mode: 0o666 }] }));
  assert.match(form, /^ {4}\/srv\/pricer\/\.venv\/bin\/python --version$/m);
  assert.match(form, /^ {4}chmod o-w \/srv\/pricer\/requirements\.txt$/m);
  assert.match(form, /^ {4}printenv PRICER_PYTHON_VERSION PRICER_WHEEL_STATUS$/m);
  assert.equal(form.match(/^By hand:$/gm)!.length, 6);
});

test('a report without the manual checks says that they were not measured', () => {
  const form = manualForm(preflight(goodFacts(), rules()));
  assert.match(form, /^- \[ \] 2\.3 package versions fit together: unknown; it was not measured$/m);
});
