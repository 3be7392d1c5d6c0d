import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CheckContext } from '../../../../activities/host/checks/context.js';
import { measureEnvironment } from '../../../../activities/host/checks/measure-environment.js';
import { placeForChecks } from '../../../../activities/host/checks/place.js';
import type { EnvironmentFacts } from '../../../../policy/checks/facts.js';
import { agentFileSchema } from '../../../../policy/files/agent-file.js';
import { checkedBench, type CheckedBench } from '../../../support/checked-environment.js';
import { testIndex, type TestIndex } from '../../../support/index.js';

let bench: CheckedBench;
let index: TestIndex;
before(async () => {
  bench = checkedBench();
  index = await testIndex([{ name: 'alpha', version: '1.0' }, { name: 'native', version: '1.0', tag: 'cp38-cp38-manylinux2014_x86_64' }, { name: 'source', version: '1.0', sdist: true }]);
});
after(() => {
  index.close();
  bench.close();
});

async function wheels(lock: string, url = index.url): Promise<EnvironmentFacts['wheels']> {
  const at = await bench.environment({ files: { 'requirements.lock': lock } });
  // One that stands alone asks by pip: it installs nothing for a single question.
  const ctx: CheckContext = { ...bench.host.ctx, standsAlone: true, agentFile: agentFileSchema.parse({ roots: ['/'], index: { url } }) };
  const facts = await measureEnvironment(ctx, placeForChecks(at.project, null), { probe: false, importTime: false, integrity: false, manual: true, rules: at.rules({ required: [] }), env: {} });
  return facts.wheels;
}

test('PF-22: packages of the lock that have no wheel for this interpreter, by the host\'s index', async () => {
  assert.deepEqual(await wheels('alpha==1.0\nnative==1.0\nsource==1.0\n'), { ok: true, value: { missing: ['native', 'source'], total: 3 } });
  assert.deepEqual(await wheels('alpha==1.0\n'), { ok: true, value: { missing: [], total: 1 } });
});

test('an index that gives no answer is no missing wheel', async () => {
  index.mode = 500;
  try {
    const answer = await wheels('alpha==1.0\n');
    assert.match(answer?.ok === false ? answer.problem : 'answered', /^[A-Z_]+: /);
  } finally {
    index.mode = 'ok';
  }
});

test('a lock that can\'t be read can\'t be asked about', async () => {
  const answer = await wheels('alpha>=1\n');
  assert.match(answer?.ok === false ? answer.problem : 'answered', /^line 1 of the lock: /);
});
