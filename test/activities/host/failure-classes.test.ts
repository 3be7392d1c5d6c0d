/** Every class an index and a resolver can cause, from the real tools: class, whether trying again helps, and where it leads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Branch, FailureClass, Interpreter } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost } from '../../support/host.js';
import type { AgentFields, TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { IndexMode, TestIndex } from '../../support/index.js';
import { facts, realInstall } from '../../support/real-tools.js';
import type { Failure, RealInstall } from '../../support/real-tools.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
const hosts: TestHost[] = [];

before(async () => {
  uv = await sharedUv();
  index = await testIndex([
    { name: 'pure', version: '1.0', files: { 'pure.py': '' }, bulk: 300_000 },
    { name: 'pure', version: '1.1', files: { 'pure.py': '' } },
    { name: 'other-abi', version: '1.0', tag: 'cp27-cp27mu-manylinux1_x86_64' },
    { name: 'other-platform', version: '1.0', tag: 'py3-none-win_amd64' },
    { name: 'source-only', version: '1.0', sdist: true },
    { name: 'too-new', version: '1.0', requiresPython: '>=4.0' },
    { name: 'no-archive', version: '1.0', corrupt: true },
  ]);
  python = await someInterpreter((await host()).ctx);
});
afterEach(() => (index.mode = 'ok'));
after(() => {
  index.close();
  hosts.forEach((one) => one.close());
});

async function host(fields: AgentFields = {}): Promise<TestHost> {
  const made = testHost({ uv, index: { url: index.url }, ...fields });
  hosts.push(made);
  return made;
}

type Expected = [FailureClass, boolean, Branch];

for (const tool of ['uv', 'pip'] as const) {
  const install = async (requirement: string | string[], how: Partial<RealInstall> = {}, fields: AgentFields = {}): Promise<Failure | null> =>
    realInstall({ on: await host(fields), uv, python, tool, requirements: [requirement].flat(), ...how });

  describe(`by ${tool}`, () => {
    const modes: [IndexMode, Expected][] = [
      [401, ['INDEX_AUTH', false, 'index']],
      [403, ['INDEX_AUTH', false, 'index']],
      [404, ['PROJECT_NOT_FOUND', false, 'index']],
      [429, ['INDEX_RATE_LIMIT', true, 'index']],
      [500, ['INDEX_DOWN', true, 'index']],
      ['wrong-type', ['INDEX_NOT_AN_INDEX', false, 'index']],
      ['hang', ['NET_TIMEOUT', true, 'ask-again']],
      ['wrong-hash', ['HASH_MISMATCH', false, 'stop']],
    ];
    for (const [mode, expected] of modes) {
      test(`WF-20: an index that answers ${mode}: ${expected.join(', ')}`, async () => {
        index.mode = mode;
        const failure = await install('pure==1.0');
        assert.deepEqual(facts(failure), expected, failure?.text);
        assert.ok(failure!.remedy.length > 20);
      });
    }

    test('an index that breaks off in the middle of a file is never "no wheel"', async () => {
      index.mode = 'truncated';
      const failure = await install('pure==1.0');
      // Older pips see no more than that the bytes are others than promised, and stop.
      const allowed = tool === 'uv' ? [['NET_REFUSED', true, 'ask-again']] : [['NET_REFUSED', true, 'ask-again'], ['HASH_MISMATCH', false, 'stop']];
      assert.ok(allowed.some((one) => JSON.stringify(one) === JSON.stringify(facts(failure))), failure?.text);
    });

    test('nobody listens, and a host that does not exist', async () => {
      assert.deepEqual(facts(await install('pure==1.0', {}, { index: { url: 'http://127.0.0.1:9/simple' } })), ['NET_REFUSED', true, 'ask-again']);
      const failure = await install('pure==1.0', {}, { index: { url: 'https://no-such-host.invalid/simple' } });
      assert.deepEqual(facts(failure), ['NET_DNS', true, 'ask-again'], failure?.text);
    });

    const refusals: [string | string[], Expected][] = [
      ['pure==7.7', tool === 'uv' ? ['VERSION_NOT_FOUND', false, 'relock'] : ['AMBIGUOUS', false, 'ask-again']],
      ['too-new==1.0', ['REQUIRES_PYTHON', false, 'fallback-interpreter']],
      [['pure==1.0', 'pure==1.1'], ['CONFLICT', false, 'relock']],
      ['other-abi==1.0', tool === 'uv' ? ['WHEEL_MISSING', false, 'fallback-interpreter'] : ['AMBIGUOUS', false, 'ask-again']],
      ['other-platform==1.0', tool === 'uv' ? ['NO_DISTRIBUTION', false, 'fallback-interpreter'] : ['AMBIGUOUS', false, 'ask-again']],
      ['source-only==1.0', tool === 'uv' ? ['WHEEL_MISSING', false, 'fallback-interpreter'] : ['AMBIGUOUS', false, 'ask-again']],
      ['no-archive==1.0', ['WHEEL_CORRUPT', true, 'purge-and-rebuild']],
    ];
    for (const [requirement, expected] of refusals) {
      test(`WF-20: ${[requirement].flat().join(' and ')}: ${expected.join(', ')}, with the package's name`, async () => {
        const failure = await install(requirement);
        assert.deepEqual(facts(failure), expected, failure?.text);
        assert.ok(failure!.findings.some((one) => one.project === [requirement].flat()[0]!.split('==')[0]), failure!.text);
      });
    }

    test('a file for another platform, named itself', async () => {
      const on = await host();
      const { name } = index.file('other-platform', '1.0');
      const path = join(on.folder, name);
      writeFileSync(path, Buffer.from(await (await fetch(`${index.url.replace(/\/simple$/, '')}/files/${name}`)).arrayBuffer()));
      const failure = await realInstall({ on, uv, python, tool, requirements: [path] });
      assert.deepEqual(facts(failure), ['WHEEL_WRONG_TAG', false, 'fallback-interpreter'], failure?.text);
      assert.equal(failure!.findings[0]!.cause, 'architecture-incompatibility');
    });

    test('hashes asked for and not given', async () => {
      const on = await host();
      const file = join(on.folder, 'lock.txt');
      writeFileSync(file, 'pure==1.0\n');
      const failure = await realInstall({ on, uv, python, tool, requirements: [], flags: ['--require-hashes', '-r', file] });
      assert.deepEqual(facts(failure), ['HASH_MISSING', false, 'stop'], failure?.text);
    });

    test('a certificate nobody vouches for', { skip: tool === 'pip' && 'pip asks twice for a second each; its words are in the policy\'s test' }, async () => {
      const on = await host();
      const [key, cert] = [join(on.folder, 'key.pem'), join(on.folder, 'cert.pem')];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '1', '-subj', '/CN=127.0.0.1'], { stdio: 'ignore' });
      const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => response.end('no'));
      await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
      try {
        const failure = await install('pure==1.0', {}, { index: { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/simple` } });
        assert.deepEqual(facts(failure), ['NET_TLS', false, 'index'], failure?.text);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });
}

test('a log-in page instead of an index: asked for any version, uv finds not one file', async () => {
  const on = await host();
  index.mode = 'html-page';
  const failure = await realInstall({ on, uv, python, tool: 'uv', requirements: ['pure'] });
  assert.deepEqual(facts(failure), ['INDEX_NOT_AN_INDEX', false, 'index'], failure?.text);
});

test('WF-20: a wheel that went bad in the cache: the cache is dropped, and the same install succeeds', async () => {
  const on = await host();
  const cache = join(on.folder, 'cache-bad');
  const input: RealInstall = { on, uv, python, tool: 'uv', requirements: ['pure==1.0'], cache };
  assert.equal(await realInstall(input), null);
  // uv unpacks into its archive; what is gone from there can't be linked any more.
  const [archive] = readdirSync(join(cache, 'uv')).filter((name) => name.startsWith('archive-'));
  for (const name of readdirSync(join(cache, 'uv', archive!))) execFileSync('find', [join(cache, 'uv', archive!, name), '-name', 'WHEEL', '-delete']);
  const failure = await realInstall(input);
  assert.ok(failure === null || failure.branch === 'purge-and-rebuild', failure?.text);
  assert.notEqual(failure, null, 'a damaged cache is noticed');
  execFileSync('rm', ['-rf', join(cache, 'uv')]);
  assert.equal(await realInstall(input), null);
});
