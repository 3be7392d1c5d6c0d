import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { freezeHash, freezeLines, parsePylock, parseRequirementsLock } from '../../policy/lock.js';

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures');
const read = (name: string): string => readFileSync(path.join(fixtures, name), 'utf8');
const HASH = 'a'.repeat(64);
const OTHER = 'B'.repeat(64);

test('a real lock is 41 pins and no problem', () => {
  const { pins, problems } = parseRequirementsLock(read('lock2023.txt'));
  assert.deepEqual(problems, []);
  assert.equal(pins.length, 41);
  assert.deepEqual(pins[0], { project: 'annotated-types', version: '0.5.0', hashes: [], marker: null, line: 1 });
});

test('hashes, continuations, comments, extras and markers are read; names are normalised', () => {
  const { pins, problems } = parseRequirementsLock(
    [
      '# compiled by a tool', '', `Flask==2.3.2 \\`, `    --hash=sha256:${HASH} \\`, `    --hash=sha256:${OTHER}`, '    # via -r requirements.in',
      'SQLAlchemy[asyncio,postgresql] == 2.0.20  # pinned', 'typing_extensions==4.7.1 ; python_version < "3.12" --hash=sha256:' + HASH, 'ruamel.yaml==0.17\r', `tail==1.0 --hash sha512:${'0'.repeat(128)}`,
    ].join('\n'),
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(pins, [
    { project: 'flask', version: '2.3.2', hashes: [`sha256:${HASH}`, `sha256:${'b'.repeat(64)}`], marker: null, line: 3 },
    { project: 'sqlalchemy', version: '2.0.20', hashes: [], marker: null, line: 7 },
    { project: 'typing-extensions', version: '4.7.1', hashes: [`sha256:${HASH}`], marker: 'python_version < "3.12"', line: 8 },
    { project: 'ruamel-yaml', version: '0.17', hashes: [], marker: null, line: 9 },
    { project: 'tail', version: '1.0', hashes: [`sha512:${'0'.repeat(128)}`], marker: null, line: 10 },
  ]);
});

const NOT_PINS = [
  'pandas>=2', 'pandas', 'pandas[all]', 'pandas==', 'pandas==2.*', 'pandas===2.0', 'pandas==2.0,<3', 'pandas~=2.0', 'pandas=2.0', 'pandas (==2.0)', '==2.0', 'pandas==2.0 extra', 'pandas==latest',
  'pkg @ https://index.example/pkg-1.0.whl', 'https://index.example/pkg.whl', 'git+https://index.example/pkg', './pkg', '../pkg.whl', '/abs/pkg.whl', 'file:///tmp/pkg.whl',
  '-e .', '--editable=.', '-r other.txt', '-c constraints.txt', '--index-url=x', '--index-url https://index.example/simple', '-i https://index.example', '--extra-index-url=x', '--find-links=x', '--no-binary :all:', '--require-hashes', '--hash=sha256:' + HASH,
  '--index-url=x==1.0', '-e==1.0', 'a; rm -rf /', 'a;rm -rf /==1.0', '$(reboot)==1.0', '`reboot`==1.0', 'a|b==1.0', '../../etc==1.0', '.==1.0', '-==1.0', 'a b==1.0', 'a==1.0; rm -rf /', 'a==1.0 --hash=md5:abc', `a==1.0 --hash=sha256:${'z'.repeat(64)}`, 'a==1.0 --hash=sha256:abc', '${NAME}==1.0', 'a==${VERSION}', 'ñandu==1.0', 'a==1.0\u0007',
];

test('PV-15: what is no exact pin is a problem with its line, and never a pin', () => {
  for (const text of NOT_PINS) {
    const { pins, problems } = parseRequirementsLock(`good==1.0\n${text}\nlast==2.0\n`);
    assert.deepEqual(pins.map((it) => it.project), ['good', 'last'], text);
    assert.equal(problems.length, 1, text);
    assert.match(problems[0]!.what, /^line 2 of the lock$/);
    for (const field of ['expected', 'got', 'wayOut'] as const) assert.notEqual(problems[0]![field], '', text);
  }
});

test('PV-15: the way out fits the mistake', () => {
  const wayOut = (text: string): string => parseRequirementsLock(`${text}\nok==1\n`).problems[0]!.wayOut;
  assert.match(wayOut('pandas>=2'), /pin one version with ==/);
  assert.match(wayOut('pandas'), /add the version: pandas==VERSION/);
  assert.match(wayOut('--index-url https://index.example'), /agent\.yaml/);
  assert.match(wayOut('-r more.txt'), /compile all files into one lock/);
  assert.match(wayOut('-e .'), /build the project into a wheel/);
  assert.match(wayOut('pkg @ https://index.example/p.whl'), /pin the released version by name/);
});

test('credentials in a lock are never shown', () => {
  const { problems } = parseRequirementsLock('--index-url https://robot:hunter2@index.example/simple\n--extra-index-url https://x:hun/ter2@index.example\nok==1\n');
  assert.equal(problems.length, 2);
  assert.ok(!JSON.stringify(problems).includes('ter2'), JSON.stringify(problems));
  assert.match(problems[0]!.got, /https:\/\/\*\*\*@index\.example/);
});

test('one project has one version, unless markers part them', () => {
  const twice = parseRequirementsLock('numpy==1.25.2\nNumPy==1.26.4\n');
  assert.deepEqual(twice.problems.map((it) => [it.what, it.got]), [['line 2 of the lock', '1.26.4, after 1.25.2 on line 1']]);
  const same = parseRequirementsLock(`numpy==1.25.2 --hash=sha256:${HASH}\nnumpy==1.25.2 --hash=sha256:${OTHER}\n`);
  assert.deepEqual([same.problems.length, same.pins.length, same.pins[0]!.hashes.length], [0, 1, 2]);
  const parted = parseRequirementsLock('numpy==1.25.2 ; python_version < "3.12"\nnumpy==1.26.4 ; python_version >= "3.12"\n');
  assert.deepEqual([parted.problems.length, parted.pins.length], [0, 2]);
});

test('a file that is no lock is one clear problem', () => {
  const files: Record<string, string> = {
    'binary file': '\u007fELF\u0000\u0001', 'not UTF-8': 'abc\ufffd\ufffd', 'without a single pin': '', 'single pin': '# only a comment\n\n', HTML: '<!DOCTYPE html>\n<html></html>', JSON: '{"packages": []}', 'a JSON file': '["a", "b"]',
    TOML: '# This file was generated\n[[package]]\nname = "a"\n', 'TOML or INI': 'lock-version = "1.0"\n',
  };
  for (const [words, text] of Object.entries(files)) {
    const { pins, problems } = parseRequirementsLock(text);
    assert.deepEqual([pins.length, problems.length], [0, 1], words);
    assert.match(problems[0]!.got, new RegExp(words), words);
    assert.match(problems[0]!.expected, /NAME==VERSION/);
  }
});

test('a thousand mistakes are counted, not listed', () => {
  const { problems } = parseRequirementsLock('word\n'.repeat(1000));
  assert.equal(problems.length, 21);
  assert.equal(problems.at(-1)!.what, '980 more lines of the lock');
});

test('no text makes the parser throw, and every pin it yields is safe to pass on', () => {
  const fragment = fc.constantFrom('flask', '==', '1.0', ' ', '\n', '\\\n', '--hash=', 'sha256:', HASH, ';', '#', '-r', '[x]', '$', '\u0000', '"', "'", 'python_version', '<');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fragment, { maxLength: 20 }).map((it) => it.join(''))), (text) => {
      const { pins, problems } = parseRequirementsLock(text);
      assert.ok(pins.length + problems.length > 0);
      for (const { project, version } of pins) assert.match(`${project}==${version}`, /^[a-z0-9][a-z0-9-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*$/);
    }),
    { numRuns: 3000 },
  );
});

test('PV-18: the freeze hash is that of the sorted, normalised lines without seed packages', () => {
  const installed = [{ project: 'typing_extensions', version: '4.7.1' }, { project: 'Flask', version: '2.3.2' }, { project: 'pip', version: '26.3' }, { project: 'setuptools', version: '68' }, { project: 'Wheel', version: '0.41' }, { project: 'foo', version: '1' }, { project: 'foo-bar', version: '1.0-1' }];
  const lines = ['flask==2.3.2', 'foo-bar==1.0.post1', 'foo==1', 'typing-extensions==4.7.1'];
  assert.deepEqual(freezeLines(installed), lines);
  assert.equal(freezeHash(installed), createHash('sha256').update(`${lines.join('\n')}\n`).digest('hex'));
  assert.equal(freezeHash([...installed].reverse()), freezeHash(installed));
  assert.notEqual(freezeHash([...installed, { project: 'extra', version: '1' }]), freezeHash(installed));
});

test('a real pylock holds every wheel by name and hash', () => {
  const { packages, problems, requiresPython } = parsePylock(read('pylock.py311.toml'));
  assert.deepEqual(problems, []);
  assert.equal(requiresPython, '>=3.11');
  assert.equal(packages.length, 41);
  assert.equal(packages.flatMap((it) => it.wheels).length, 181);
  const flask = packages.find((it) => it.project === 'flask')!;
  assert.deepEqual(flask.wheels.map((it) => it.name), ['Flask-2.3.2-py3-none-any.whl']);
  assert.match(flask.wheels[0]!.sha256, /^[0-9a-f]{64}$/);
});

const pylock = (entry: string): ReturnType<typeof parsePylock> => parsePylock(`lock-version = "1.0"\n[[packages]]\n${entry}`);

test('PEP 751: names from name, path or address; markers and Requires-Python are kept', () => {
  const { packages, problems } = pylock(
    `name = "Torch_CPU"\nversion = "2.1.0"\nmarker = "sys_platform == 'linux'"\nrequires-python = ">=3.8"\nwheels = [{ url = "https://index.example/t/torch_cpu-2.1.0%2Bcpu-py3-none-any.whl#sha256=x", hashes = { sha256 = "${HASH}" } }, { path = "wheels/b-1-py3-none-any.whl", hashes = { sha256 = "${HASH}" } }, { name = "c.whl", url = "x", hashes = { sha256 = "${OTHER}" }, requires-python = "<3.12" }]`,
  );
  assert.deepEqual(problems, []);
  const [torch] = packages;
  assert.deepEqual([torch!.project, torch!.marker, torch!.requiresPython, torch!.sdist], ['torch-cpu', "sys_platform == 'linux'", '>=3.8', null]);
  assert.deepEqual(torch!.wheels.map((it) => it.name), ['torch_cpu-2.1.0+cpu-py3-none-any.whl', 'b-1-py3-none-any.whl', 'c.whl']);
  assert.deepEqual([torch!.wheels[2]!.requiresPython, torch!.wheels[2]!.sha256], ['<3.12', OTHER.toLowerCase()]);
});

test('a pylock that can not stand for exact files is refused in words', () => {
  const bad: Record<string, ReturnType<typeof parsePylock>> = {
    TOML: parsePylock('<html>'), 'lock-version': parsePylock('name = "x"'), packages: parsePylock('lock-version = "1.0"'), 'lock-version = "1.0"': parsePylock('lock-version = "2.0"'),
    'released version': pylock('name = "x"\n[packages.vcs]\ntype = "git"\nurl = "https://index.example"'), 'a version': pylock('name = "x"'), 'project name': pylock('name = "--index-url"\nversion = "1"'),
    sha256: pylock('name = "x"\nversion = "1"\nwheels = [{ name = "x-1-py3-none-any.whl", hashes = {} }]'), 'files with a name': pylock(`name = "x"\nversion = "1"\nwheels = [{ name = "../x.whl", hashes = { sha256 = "${HASH}" } }]`), 'a table': parsePylock('lock-version = "1.0"\npackages = [3]'),
  };
  for (const [words, { packages, problems }] of Object.entries(bad)) {
    assert.deepEqual([packages.length, problems.length], [0, 1], words);
    assert.ok(problems[0]!.expected.includes(words) || problems[0]!.expected.includes('[[packages]]'), `${words}: ${problems[0]!.expected}`);
  }
});

test('invariant 7: the time for a lock grows with its size, not with the square of it', () => {
  const blanks = ' '.repeat(500_000);
  const texts = [
    `a${blanks}x`, `a==1${blanks}x`, `a==1;${blanks}x\u2028`, `a [x]${blanks}x`, `a==1 ${'# '.repeat(250_000)}\u2028x`, 'a'.repeat(500_000), `a==1 --hash=${'x:'.repeat(250_000)}`, 'a://'.repeat(125_000),
    Array.from({ length: 19_000 }, (_, i) => `p${i}==1`).join('\n'), `a==1 --hash=sha256:${HASH}\n`.repeat(20_000), Array.from({ length: 20_000 }, (_, i) => `a==1 --hash=sha256:${String(i).padStart(64, '0')}`).join('\n'),
  ];
  for (const text of texts) {
    const began = performance.now();
    const { pins, problems } = parseRequirementsLock(text);
    assert.ok(pins.length + problems.length > 0);
    assert.ok(performance.now() - began < 3_000, `${text.slice(0, 30)}: ${performance.now() - began} ms`);
  }
});

test('more than any lock has is one problem that says so', () => {
  const { pins, problems } = parseRequirementsLock(Array.from({ length: 30_000 }, (_, i) => `p${i}==1`).join('\n'));
  assert.deepEqual([pins, problems.length], [[], 1]);
  assert.match(problems[0]!.got, /more than 20000 pins/);
  assert.match(parseRequirementsLock('#'.repeat(3 * 1024 * 1024)).problems[0]!.got, /3145728 characters/);
  assert.match(parsePylock('#'.repeat(5 * 1024 * 1024)).problems[0]!.expected, /at most 4194304/);
});
