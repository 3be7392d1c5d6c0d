import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicy } from '../../../policy/files/load.js';
import { policyRemarks } from '../../../policy/files/remarks.js';

/** First words of each remark. */
function remarks(text: string): string[] {
  const loaded = parsePolicy(text, 'policy.yaml');
  assert.ok('policy' in loaded, JSON.stringify(loaded));
  return policyRemarks(text, loaded.policy).map((remark) => remark.split(/ is production| and is taken/)[0]!);
}

const SIGNED = 'policyRevision: { signed: true }\n';

test('a laptop\'s policy is remarked on by nothing', () => {
  for (const text of ['', '# nothing yet\n', 'hostClasses: {}\n', 'hostClasses: { lab: { hosts: ["*"], stage: staging } }\n', 'defaultClass: { stage: development }\n']) assert.deepEqual(remarks(text), [], text);
});

test('AP-01: each class of production that leaves its approvals to the default is named, also by what it does not say of itself', () => {
  assert.deepEqual(remarks(`${SIGNED}hostClasses:\n  prod: { hosts: ["*"] }\n  lab: { hosts: [lab], stage: staging }\n  old: { hosts: [old], approvals: { fallback: 1 } }\n`), ['hostClasses.prod', 'hostClasses.old']);
  assert.deepEqual(remarks(`${SIGNED}defaultClass: { publicIndex: true }\n`), ['defaultClass'], 'a class is production unless it says otherwise');
  for (const rule of ['0', '2', '[{ role: security, quorum: 1 }]']) assert.deepEqual(remarks(`${SIGNED}hostClasses: { prod: { hosts: ["*"], approvals: { change: ${rule} } } }\n`), [], rule);
});

test('AP-11: a policy for production that is taken unsigned is remarked on once, with its classes', () => {
  assert.deepEqual(remarks('hostClasses:\n  prod: { hosts: [a], approvals: { change: 2 } }\n  bank: { hosts: [b], approvals: { change: 0 } }\n'), ['the policy rules production (hostClasses.prod, hostClasses.bank)']);
});
