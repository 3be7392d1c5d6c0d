import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequirementsLock } from '../../policy/lock.js';
import { firstGood, knownGoodLines, lockText, relockLines, verifiedCandidates } from '../../policy/proposals.js';

const pins = [{ project: 'numpy', version: '1.25.2' }, { project: 'pandas', version: '2.0.3' }, { project: 'six', version: '1.16.0' }];

test('a minimal relock keeps every pin as a lower bound, and floors raise them', () => {
  assert.deepEqual(relockLines(pins), ['numpy>=1.25.2', 'pandas>=2.0.3', 'six>=1.16.0']);
  assert.deepEqual(relockLines(pins, new Map([['six', '1.17.0']])).at(-1), 'six>=1.17.0');
});

test('WF-40: known-good pins are exact; the rest stays, or moves up where that does not resolve', () => {
  const good = { Pandas: '2.1.4', NumPy: '1.26.2', scipy: '1.11' };
  assert.deepEqual(knownGoodLines(pins, ['numpy'], good, false), ['numpy==1.26.2', 'pandas==2.1.4', 'six==1.16.0']);
  assert.deepEqual(knownGoodLines(pins, ['numpy', 'six'], good, false), ['numpy==1.26.2', 'pandas==2.1.4', 'six>=1.16.0']);
  assert.deepEqual(knownGoodLines(pins, ['numpy'], good, true)!.at(-1), 'six>=1.16.0');
  assert.equal(knownGoodLines(pins, ['six'], good, false), null, 'they have nothing to do with what is missing');
  assert.equal(knownGoodLines(pins, ['numpy'], { numpy: '1.25.2' }, false), null, 'the lock has them already');
  assert.equal(knownGoodLines([{ project: 'six', version: '1' }], ['six'], good, false), null);
});

test('verified locks: every project of this one, another version of what is missing, the nearest first, no twins', () => {
  const lock = (numpy: string, pandas: string, more: string[] = []) => ({ pins: [{ project: 'NumPy', version: numpy }, { project: 'pandas', version: pandas }, { project: 'six', version: '1.16' }, ...more.map((project) => ({ project, version: '1' }))] });
  const found = verifiedCandidates(pins, ['numpy'], [lock('1.26.4', '2.2.0'), lock('1.26.2', '2.0.3', ['other']), lock('1.25.2', '2.2.0'), lock('1.26.2', '2.0.3'), { pins: [{ project: 'numpy', version: '2' }] }]);
  assert.deepEqual(found.map((one) => one.map(({ version }) => version).slice(0, 2)), [['1.26.2', '2.0.3'], ['1.26.4', '2.2.0']]);
  assert.deepEqual(found[0]!.map(({ project }) => project), ['numpy', 'pandas', 'six'], 'what else that lock held is not taken');
  assert.deepEqual(verifiedCandidates(pins, [], [lock('9', '9')]), []);
});

test('the text of a proposed lock: hashes, markers kept, pins for other platforms as they were; it reads back', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const before = parseRequirementsLock(`tomli==2.0.0 ; python_version < "3.12" --hash=sha256:${a}\nwin==1.0 ; sys_platform == "win32"\n`).pins;
  const after = parseRequirementsLock(`tomli==2.0.1 --hash=sha256:${b} --hash=sha256:${a}\nadded==1 --hash=sha256:${a}\n`).pins;
  const text = lockText(after, [before[0]!], [before[1]!]);
  assert.equal(text, `added==1 \\\n    --hash=sha256:${a}\ntomli==2.0.1 ; python_version < "3.12" \\\n    --hash=sha256:${a} \\\n    --hash=sha256:${b}\nwin==1.0 ; sys_platform == "win32"\n`);
  const read = parseRequirementsLock(text);
  assert.deepEqual([read.problems, read.pins.map(({ project, version, marker, hashes }) => [project, version, marker, hashes.length])], [[], [['added', '1', null, 1], ['tomli', '2.0.1', 'python_version < "3.12"', 2], ['win', '1.0', 'sys_platform == "win32"', 0]]]);
});

test('the first good release is found by halving, within its number of questions', async () => {
  const search = async (from: number, of: number, most: number): Promise<[number | null, number]> => {
    let asked = 0;
    const found = await firstGood(Array.from({ length: of }, (_, at) => at), most, async (one) => {
      asked += 1;
      return one >= from;
    });
    return [found, asked];
  };
  for (let of = 0; of <= 63; of += 1) for (let from = 0; from <= of; from += 7) assert.deepEqual((await search(from, of, 6))[0], from < of ? from : null, `${from} of ${of}`);
  const [found, asked] = await search(200, 1000, 6);
  assert.ok(asked === 6 && found !== null && found >= 200, 'good, if not the first');
  assert.deepEqual(await search(0, 0, 6), [null, 0]);
});
