import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { parsePolicy } from '../../../policy/files/load.js';

const STEPS = ['technical-review', 'ci-validation', 'integration', 'security-review', 'document-update', 'cab'];
const steps = (...names: string[]) => names.map((name) => ({ name, stages: [{ role: name === 'cab' ? 'cab' : 'engineering', quorum: 1 }] }));

/** The names of the steps that such a list comes to, or the refusal. */
function read(list: object[]): string[] | string {
  const loaded = parsePolicy(stringify({ interpreterChange: { steps: list } }), 'policy.yaml');
  if ('policy' in loaded) return loaded.policy.interpreterChange.steps.map(({ name }) => name);
  return loaded.objections.map(({ what, expected }) => `${what}: ${expected}`).join('\n');
}

test('AP-09: no step of the documents is left out, twice there, or out of its order, and the CAB is last', () => {
  const [review, ci, ...rest] = STEPS as [string, string];
  const others = [['cab'], [], ...STEPS.map((name) => STEPS.filter((it) => it !== name)), [ci, review, ...rest], [review, review, ci, ...rest], ['cab', ...STEPS], [...STEPS, 'afterwards'], [...STEPS.slice(0, -1), 'cab-2']];
  for (const names of others) assert.match(String(read(steps(...names))), /^policy\.yaml line \d+: interpreterChange\.steps: /, names.join());
  assert.match(String(read(steps('cab'))), /the steps technical-review, ci-validation, integration, security-review, document-update, cab in this order, each once, and cab last/);
  assert.match(String(read([...steps(...STEPS.slice(0, -1)), { name: 'cab', stages: [{ role: 'engineering', quorum: 1 }] }])), /cab last/, 'decided by somebody else');
});

test('AP-09, AP-10: a company has steps of its own between them', () => {
  const own = ['kick-off', ...STEPS.slice(0, 3), 'load-test', ...STEPS.slice(3)];
  assert.deepEqual(read(steps(...own)), own);
  assert.deepEqual(read(steps(...STEPS)), STEPS);
});
