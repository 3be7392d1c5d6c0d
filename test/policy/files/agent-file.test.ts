import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentFileSchema } from '../../../policy/files/agent-file.js';

test('a host believes its server unless it says otherwise, and says so in one of two words', () => {
  assert.equal(agentFileSchema.parse({ roots: ['/srv'] }).trust, 'server');
  assert.equal(agentFileSchema.parse({ roots: ['/srv'], trust: 'signatures', signers: '/etc/signers.yaml' }).trust, 'signatures');
  assert.equal(agentFileSchema.safeParse({ roots: ['/srv'], trust: 'nobody' }).success, false);
  assert.equal(agentFileSchema.safeParse({ roots: ['/srv'], trust: 'signatures', signers: 'signers.yaml' }).success, false);
});
