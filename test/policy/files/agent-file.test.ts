import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentFileSchema } from '../../../policy/files/agent-file.js';

test('a host that asks for signed warrants is refused: this version can\'t check them', () => {
  assert.equal(agentFileSchema.safeParse({ roots: ['/srv'], trust: 'signatures' }).success, false);
  assert.equal(agentFileSchema.parse({ roots: ['/srv'] }).trust, 'server');
});
