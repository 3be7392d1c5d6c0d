/** The host's name is the one that the agent's own reader finds, however the line is spelled. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findInstance } from '../../client/cli/instance.js';
import { plainHost } from '../../policy/files/agent-host.js';
import { findPolicy } from '../../worker/guard/policy.js';
import { loadAgentFile } from '../../worker/load-agent-file.js';
import { runbookPaths } from '../../worker/paths.js';

const PLAIN = ['host: web-01', 'host: "web-01"', "host: 'web-01'", 'host: web-01  # of the shop', 'host: "web-01" # of the shop', 'host:\tweb-01\r', 'host:   web-01   '];
const PARSED = ['"host": web-01', 'host : web-01', 'host:\n  web-01', 'host: "web\\x2d01"', 'host: !!str web-01', 'host: &name web-01'];
const NONE = ['', '# host: web-02', 'linkMode: copy # host: web-02', 'uv: /srv/host:web-02/uv'];

test('guard, the command line and the agent read the same name out of agent.yaml', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'agent-host-'));
  try {
    const env = { RUNBOOK_HOME: home };
    const { agentFile } = runbookPaths(env);
    mkdirSync(path.dirname(agentFile), { recursive: true });
    for (const line of [...PLAIN, ...PARSED, ...NONE]) {
      writeFileSync(agentFile, `roots: [/srv]\n${line}\nusers: []\n`);
      const own = loadAgentFile(agentFile).host ?? hostname();
      assert.equal(own, NONE.includes(line) ? hostname() : 'web-01', line);
      assert.deepEqual([(await findPolicy(env)).host, findInstance(env).host], [own, own], line);
    }
    writeFileSync(agentFile, '{"host": "web-01", "roots": ["/srv"]}');
    assert.deepEqual([(await findPolicy(env)).host, findInstance(env).host], ['web-01', 'web-01']);
    writeFileSync(agentFile, 'roots: [/srv\n"host": web-01\n');
    await assert.rejects(findPolicy(env), { code: 69 });
    assert.equal(findInstance(env).host, hostname());
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('the usual forms take no parser', () => {
  for (const line of PLAIN) assert.equal(plainHost(`roots: [/srv]\n${line}\n`), 'web-01', line);
  for (const line of PARSED) assert.equal(plainHost(`roots: [/srv]\n${line}\n`), undefined, line);
});
