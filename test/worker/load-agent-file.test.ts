import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { loadAgentFile } from '../../worker/load-agent-file.js';
import { temporaryFolder } from '../support/servers.js';

test('decision 8: "trust: signatures" without a list of people is refused at start; with one, and with trust: server, it is read', (t) => {
  const { dir, remove } = temporaryFolder('agent-file');
  t.after(remove);
  const load = (text: string) => {
    const file = path.join(dir, 'agent.yaml');
    writeFileSync(file, `roots: [/srv]\n${text}`);
    return loadAgentFile(file);
  };
  assert.throws(() => load('trust: signatures\n'), /agent\.yaml, trust: expected "signers" beside "trust: signatures".*got none\. write it as root/);
  assert.deepEqual([load('trust: signatures\nsigners: /etc/signers.yaml\n').signers, load('').trust], ['/etc/signers.yaml', 'server']);
  assert.throws(() => load('trust: signatures\nsigners: signers.yaml\n'), /expected an absolute path/);
});
