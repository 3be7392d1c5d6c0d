import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeText, compareConstraints, judgeConstraints, type ApprovalOnRecord, type Constraint, type ConstraintChange, type ConstraintRules } from '../../policy/constraints.js';

const lane = (name: string, value: string, fields: { blocking?: boolean; excluded?: boolean } = {}): Constraint => ({ file: 'ci.yml', place: `job ${name} python-version`, kind: 'ci', value, lane: { name, blocking: fields.blocking ?? true }, excluded: fields.excluded ?? false });
const stated = (place: string, value: string, kind: Constraint['kind'] = 'policy'): Constraint => ({ file: 'f', place, kind, value, lane: null, excluded: false });
const compare = (base: Constraint[], head: Constraint[]): string[] => compareConstraints(base, head).map((change) => `${change.lane?.blocking === false ? 'free ' : ''}${changeText(change)}`);

test('AP-02, AP-03: one for one is an exchange; otherwise each version that goes or comes is a change of its own', () => {
  assert.deepEqual(compare([stated('p', '3.12.x')], [stated('p', '3.13.x')]), ['f p: from 3.12.x to 3.13.x']);
  assert.deepEqual(compare([lane('t', '3.11'), lane('t', '3.12')], [lane('t', '3.12'), lane('t', '3.13')]), ['ci.yml job t python-version: from 3.11 to 3.13']);
  assert.deepEqual(compare([lane('t', '3.12')], [lane('t', '3.12'), lane('t', '3.13')]), ['ci.yml job t python-version: 3.13 comes']);
  assert.deepEqual(compare([lane('t', '3.11'), lane('t', '3.12')], [lane('t', '3.12')]), ['ci.yml job t python-version: 3.11 goes']);
  assert.deepEqual(compare([lane('t', '3.11'), lane('t', '3.12')], [lane('t', '3.13')]), ['ci.yml job t python-version: 3.11 goes', 'ci.yml job t python-version: 3.12 goes', 'ci.yml job t python-version: 3.13 comes']);
  assert.deepEqual(compare([lane('t', '3.12'), stated('p', '3.12.x')], [stated('p', '3.12.x'), lane('t', '3.12')]), []);
});

test('AP-02: a lane that is only renamed is no change; versions that change places between lanes are', () => {
  assert.deepEqual(compare([lane('test', '3.11'), lane('test', '3.12')], [lane('tests', '3.12'), lane('tests', '3.11')]), []);
  assert.equal(compare([lane('test', '3.12')], [lane('tests', '3.13')]).length, 2);
  assert.equal(compare([lane('test', '3.12')], [lane('tests', '3.12', { blocking: false })]).length, 2, 'one that blocks no more is another');
  assert.equal(compare([lane('test', '3.12'), lane('docs', '3.13')], [lane('test', '3.13'), lane('docs', '3.12')]).length, 2);
  assert.deepEqual(compare([lane('a', '3.12'), lane('b', '3.12')], [lane('c', '3.12')]), ['ci.yml job b python-version: 3.12 goes'], 'of two, one is gone');
});

test('DIS-35: a lane that begins to block, or stops to, is told once, as a change of the blocking ones', () => {
  assert.deepEqual(compare([lane('t', '3.12'), lane('t', '3.14', { blocking: false })], [lane('t', '3.12'), lane('t', '3.14')]), ['ci.yml job t python-version: 3.14 comes']);
  assert.deepEqual(compare([lane('t', '3.12'), lane('t', '3.11')], [lane('t', '3.12'), lane('t', '3.11', { blocking: false })]), ['ci.yml job t python-version: 3.11 goes']);
  assert.deepEqual(compare([lane('t', '3.12')], [lane('t', '3.12'), lane('t', '3.14', { blocking: false })]), ['free ci.yml job t python-version: 3.14 comes']);
});

test('AP-02: to leave a version out is as if it went', () => {
  assert.deepEqual(compare([lane('t', '3.12')], [lane('t', '3.12'), lane('t', '3.12', { excluded: true })]), ['ci.yml job t python-version: 3.12 goes']);
  assert.deepEqual(compare([lane('t', '3.12'), lane('t', '3.12', { excluded: true })], [lane('t', '3.12')]), ['ci.yml job t python-version: 3.12 comes']);
});

const APPROVAL: ApprovalOnRecord = { run: 'ic-7k2m', kind: 'interpreter-change', outcome: 'done', from: '3.12', to: '3.13', environments: ['web-01:/srv/pricer/.venv', 'web-02:/srv/pricer/.venv'], approvedSteps: ['technical-review', 'cab'] };
const change = (fields: Partial<ConstraintChange> = {}): ConstraintChange => ({ file: 'ci.yml', place: 'p', kind: 'ci', lane: { name: 't', blocking: true }, from: '3.12', to: '3.13', ...fields });
const rules = (fields: Partial<ConstraintRules> = {}): ConstraintRules => ({ approvals: [APPROVAL], standingLanes: [], stepsBeforeRevision: ['technical-review', 'security-review'], project: 'pricer', environment: null, ...fields });
const judged = (it: Partial<ConstraintChange>, by: Partial<ConstraintRules> = {}): string => judgeConstraints([change(it)], rules(by)).map(({ allowed, why }) => `${allowed ? 'yes' : 'no'}: ${why}`)[0]!;
const other = (fields: Partial<ApprovalOnRecord>): Partial<ConstraintRules> => ({ approvals: [{ ...APPROVAL, ...fields }] });

test('AP-13: an approval covers exactly its versions', () => {
  for (const it of [{}, { from: null }, { to: null }, { from: '3.12.x', to: '3.13.x' }, { to: '3.13.1' }]) assert.match(judged(it), /^yes: approved by ic-7k2m/, JSON.stringify(it));
  for (const it of [{ from: '3.11' }, { to: '3.14' }, { from: '3.13', to: '3.12' }, { to: '3.130' }, { to: 'pypy3.13' }, { to: '3.13-dev' }, { to: '${{ vars.PY }}' }]) assert.match(judged(it), /^no: ic-7k2m is from 3\.12 to 3\.13/, JSON.stringify(it));
  assert.match(judged({}, other({ to: '3.13.1' })), /^no/, 'an exact version is not its line');
  assert.match(judged({ from: '3.12' }, other({ from: null })), /^no: ic-7k2m is from nothing/);
});

test('AP-13: and exactly the environments it names', () => {
  assert.match(judged({}, { project: 'quoter' }), /^no: ic-7k2m does not name project quoter, it names web-01:/);
  assert.match(judged({}, { environment: 'web-02:/srv/pricer/.venv', project: 'quoter' }), /^yes/);
  assert.match(judged({}, { environment: 'web-03:/srv/pricer/.venv' }), /^no: ic-7k2m does not name web-03/);
});

test('AP-02: only an interpreter change that was approved to its end counts, and the words say of each why not', () => {
  assert.match(judged({}, { approvals: [] }), /^no: no approval was named/);
  for (const outcome of ['denied', 'expired', 'refused', 'rolled-back'] as const) assert.equal(judged({}, other({ outcome })), `no: ic-7k2m ended ${outcome}`);
  assert.equal(judged({}, other({ outcome: null })), 'no: ic-7k2m has not ended');
  assert.match(judged({}, other({ kind: 'change' })), /^no: ic-7k2m is a change, not an interpreter-change/);
  assert.match(judged({}, { approvals: [{ ...APPROVAL, run: 'ic-aaaa', outcome: 'denied' }, { ...APPROVAL, run: 'ic-bbbb', to: '3.14' }] }), /^no: ic-aaaa ended denied; ic-bbbb is from 3\.12 to 3\.14/);
  assert.match(judged({}, { approvals: [{ ...APPROVAL, outcome: 'denied' }, APPROVAL] }), /^yes/);
});

test('AP-03, AP-07: the policy may be updated once the steps before its update are approved, and not before; a lane may not', () => {
  const open = (approvedSteps: string[]) => other({ outcome: null, approvedSteps });
  const policy = { kind: 'policy' as const, lane: null };
  assert.match(judged(policy, open(['technical-review', 'security-review'])), /^yes/);
  assert.equal(judged(policy, open(['technical-review'])), 'no: ic-7k2m still waits for security-review');
  assert.equal(judged({}, open(['technical-review', 'security-review'])), 'no: ic-7k2m has not ended');
  assert.equal(judged(policy, { ...open([]), stepsBeforeRevision: [] }), 'no: ic-7k2m has not ended');
  assert.match(judged(policy, { project: 'policies' }), /^yes/, 'a policy is of no one project');
  assert.match(judged(policy, { environment: 'web-09:/srv/x/.venv' }), /^no/);
});

test('DIS-35: a standing approval is for lanes that do not block, of the projects and lanes the policy names', () => {
  const free = { lane: { name: 'next', blocking: false }, from: null, to: '3.15' };
  for (const standing of ['pricer', 'pricer/next']) assert.match(judged(free, { approvals: [], standingLanes: [standing] }), /^yes: lane next does not block/, standing);
  for (const standing of ['quoter', 'pricer/test', 'next']) assert.match(judged(free, { approvals: [], standingLanes: [standing] }), /^no/, standing);
  assert.match(judged({ ...free, lane: { name: 'next', blocking: true } }, { approvals: [], standingLanes: ['pricer'] }), /^no/);
  for (const kind of ['policy', 'project'] as const) assert.match(judged({ kind, lane: null }, { approvals: [], standingLanes: ['pricer'] }), /^no/, kind);
});
