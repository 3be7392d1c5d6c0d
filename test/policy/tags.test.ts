import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import type { Interpreter } from '../../policy/model.js';
import { parsePylock } from '../../policy/pylock.js';
import { bestWheel, parseWheelName, supportedTags } from '../../policy/tags.js';
import { interpreterOf } from '../support/interpreter.js';
import { installedPythons, installPackaging } from '../support/packaging.js';

const oracle = installPackaging();
after(() => oracle.remove());

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures');
const pylocks = ['311', '312', '313'].map((line) => parsePylock(readFileSync(path.join(fixtures, `pylock.py${line}.toml`), 'utf8')));
const wheelNames = [...new Set(pylocks.flatMap((it) => it.packages.flatMap((one) => one.wheels.map((file) => file.name))))];

/** What a probe reports, asked of the interpreters that are really here. */
const PROBE = `
import platform, sysconfig
libc = platform.libc_ver()
own = {"version": platform.python_version(), "implementation": sys.implementation.name, "soabi": sysconfig.get_config_var("SOABI"), "machine": platform.machine(), "libc": {"name": libc[0], "version": libc[1]}, "freeThreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED"))}
from packaging.tags import sys_tags
print(json.dumps({"own": own, "tags": [str(it) for it in sys_tags()]}))`;

/** Tags of hosts that are not here: the platform part of packaging is told what it would find there. */
const ELSEWHERE = `
import sysconfig
from packaging import tags, _manylinux, _musllinux
def platforms(target):
    if target["system"] == "macosx":
        return list(tags.mac_platforms(tuple(int(it) for it in target["macosRelease"].split(".")[:2]), target["machine"]))
    libc = target["libc"]
    version = tuple(int(it) for it in libc["version"].split(".")[:2]) if libc["version"] else (-1, -1)
    sysconfig.get_platform = lambda: "linux-" + target["machine"]
    _manylinux._get_glibc_version = lambda: version if libc["name"] == "glibc" else (-1, -1)
    _manylinux._have_compatible_abi = lambda executable, archs: True
    _musllinux._get_musl_version = lambda executable: _musllinux._MuslVersion(*version) if libc["name"] == "musl" else None
    return list(tags._linux_platforms(is_32bit="-i386-" in target["soabi"]))
def tags_of(target):
    version = [int(it) for it in target["version"].split(".")[:2]]
    own = "cp%d%d" % tuple(version)
    abi = own + ("t" if target["freeThreaded"] else "")
    found = platforms(target)
    return [str(it) for it in [*tags.cpython_tags(version, [abi], found), *tags.compatible_tags(version, own, found)]]
print(json.dumps([tags_of(it) for it in question]))`;

const targets: Record<string, Interpreter> = {
  'x86_64 glibc 2.36': interpreterOf(),
  'x86_64 glibc 2.17': interpreterOf({ version: '3.11.7', libc: { name: 'glibc', version: '2.17' } }),
  'x86_64 glibc 2.4, older than manylinux1': interpreterOf({ libc: { name: 'glibc', version: '2.4' } }),
  'a glibc 3 to come': interpreterOf({ libc: { name: 'glibc', version: '3.1' } }),
  'aarch64 glibc': interpreterOf({ version: '3.13.0', machine: 'aarch64', libc: { name: 'glibc', version: '2.28' } }),
  'ppc64le': interpreterOf({ machine: 'ppc64le', libc: { name: 'glibc', version: '2.31' } }),
  'armv8l takes armv7l': interpreterOf({ machine: 'armv8l', libc: { name: 'glibc', version: '2.31' } }),
  '32-bit Python on a 64-bit kernel': interpreterOf({ soabi: 'cpython-312-i386-linux-gnu' }),
  'musl 1.2': interpreterOf({ version: '3.13.0', libc: { name: 'musl', version: '1.2.4' } }),
  'no libc known': interpreterOf({ libc: { name: 'none', version: '' } }),
  'free-threaded 3.13': interpreterOf({ version: '3.13.0', freeThreaded: true }),
  'free-threaded 3.15': interpreterOf({ version: '3.15.0a2', freeThreaded: true }),
  'macOS 14 arm64': interpreterOf({ system: 'macosx', machine: 'arm64', macosRelease: '14.5', libc: { name: 'none', version: '' } }),
  'macOS 13 x86_64': interpreterOf({ system: 'macosx', machine: 'x86_64', macosRelease: '13.0', libc: { name: 'none', version: '' } }),
  'macOS 10.15': interpreterOf({ version: '3.11.13', system: 'macosx', machine: 'x86_64', macosRelease: '10.15', libc: { name: 'none', version: '' } }),
  'macOS 26': interpreterOf({ version: '3.14.0', system: 'macosx', machine: 'arm64', macosRelease: '26.1', libc: { name: 'none', version: '' } }),
};

test('the tags of every interpreter on this machine are those of packaging, in its order', () => {
  for (const python of installedPythons()) {
    const { own, tags } = oracle.ask<{ own: Partial<Interpreter>; tags: string[] }>(PROBE, null, python);
    assert.deepEqual(supportedTags(interpreterOf(own)), tags, python);
    assert.ok(tags.length > 100);
  }
});

test('the tags of other hosts are those of packaging, in its order', () => {
  const expected = oracle.ask<string[][]>(ELSEWHERE, Object.values(targets));
  for (const [index, [name, target]] of Object.entries(targets).entries()) {
    assert.deepEqual([...new Set(supportedTags(target))], [...new Set(expected[index])], name);
  }
});

const ODD = [
  'foo-1.0-py3-none-any.whl', 'Foo.Bar_baz-1.0-1-py3-none-any.whl', 'foo-1.0-12abc-cp311.cp312-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl', 'foo-1.0-abc-py3-none-any.whl',
  'foo-1.0-py2.py3-none-any.whl', 'foo-1.0-PY3-None-ANY.whl', 'foo-1.0.tar.gz', 'foo-1.0-py3-none.whl', 'foo-1.0-1-2-py3-none-any.whl', 'foo__bar-1.0-py3-none-any.whl', 'foo-notaversion-py3-none-any.whl',
  'foo-1.0-py3..py2-none-any.whl', 'foo-1.0-3py-none-any.whl', '-1.0-py3-none-any.whl', 'foo-1.0+local.1-py3-none-any.whl', 'foo-1!2.0-py3-none-any.whl', 'foo bar-1.0-py3-none-any.whl', '.whl', 'foo-1.0-py3-none-any.whl.metadata', 'foo-1.0-py3-none-any.WHL',
];

test('wheel file names are read as packaging reads them: build tags, compressed tag sets, normalised names', () => {
  const script = `
from packaging.utils import parse_wheel_filename
def read(name):
    try: project, version, build, tags = parse_wheel_filename(name)
    except ValueError: return None
    return {"project": project, "build": list(build) or None, "tags": sorted(str(it) for it in tags)}
print(json.dumps([read(it) for it in question]))`;
  const names = [...ODD, ...wheelNames];
  const expected = oracle.ask<({ project: string; build: [number, string] | null; tags: string[] } | null)[]>(script, names);
  for (const [index, name] of names.entries()) {
    const read = parseWheelName(name);
    const got = read === null ? null : { project: read.project, build: read.build, tags: [...new Set(read.tags)].sort() };
    assert.deepEqual(got, expected[index], name);
  }
  assert.ok(expected.slice(0, ODD.length).filter((it) => it === null).length >= 10);
});

test('a name that stands for more tags than any real one is refused', () => {
  const many = Array.from({ length: 100 }, (_, index) => `p${index}`).join('.');
  assert.equal(parseWheelName(`foo-1.0-${many}-${many}-any.whl`), null);
});

test('PV-20: of a real lock, the wheel chosen for each package and host is the one packaging ranks first', () => {
  const chosen = `
from packaging.utils import parse_wheel_filename
def best(names, ranks):
    fitting = []
    for name in names:
        _, _, build, tags = parse_wheel_filename(name)
        places = [ranks[str(it)] for it in tags if str(it) in ranks]
        if places: fitting.append((-min(places), build, name))
    return max(fitting, key=lambda it: it[:2])[2] if fitting else None
print(json.dumps([[best(names, {tag: place for place, tag in reversed(list(enumerate(tags)))}) for names in question["packages"]] for tags in question["tags"]]))`;
  const packages = pylocks.flatMap((it) => it.packages.map((one) => one.wheels.map((file) => file.name)));
  const tags = oracle.ask<string[][]>(ELSEWHERE, Object.values(targets));
  const expected = oracle.ask<(string | null)[][]>(chosen, { packages, tags });
  let cells = 0;
  for (const [row, [host, target]] of Object.entries(targets).entries()) {
    for (const [column, names] of packages.entries()) {
      assert.equal(bestWheel(names.map((name) => ({ name })), target)?.name ?? null, expected[row]![column], `${host}: ${names[0]}`);
      cells += 1;
    }
  }
  assert.ok(cells > 1500, `${cells} cells`);
  assert.ok(expected.flat().some((it) => it === null) && expected.flat().some((it) => it?.includes('musllinux')));
});

const best = (names: string[], target: Interpreter): string | null => bestWheel(names.map((name) => ({ name })), target)?.name ?? null;

test('abi3 wheels serve later versions, but never free-threaded builds', () => {
  const abi3 = 'foo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl';
  assert.equal(best([abi3], interpreterOf({ version: '3.13.0' })), abi3);
  assert.equal(best(['foo-1.0-cp313-abi3-manylinux_2_17_x86_64.whl'], interpreterOf({ version: '3.12.1' })), null);
  assert.equal(best([abi3], interpreterOf({ version: '3.13.0', freeThreaded: true })), null);
  const abi3t = 'foo-1.0-cp315-abi3t-manylinux_2_17_x86_64.whl';
  assert.equal(best([abi3t], interpreterOf({ version: '3.15.0', freeThreaded: true })), abi3t);
  assert.equal(best([abi3t], interpreterOf({ version: '3.15.0' })), null);
});

test('the most specific tag wins, then the higher build tag as a number, then the first listed', () => {
  const host = interpreterOf();
  const exact = 'foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl';
  assert.equal(best(['foo-1.0-py3-none-any.whl', 'foo-1.0-cp38-abi3-manylinux_2_17_x86_64.whl', exact], host), exact);
  assert.equal(best(['foo-1.0-9-py3-none-any.whl', 'foo-1.0-10-py3-none-any.whl', 'foo-1.0-py3-none-any.whl'], host), 'foo-1.0-10-py3-none-any.whl');
  assert.equal(best(['foo-1.0-py3-none-any.whl', 'Foo-1.0-py3-none-any.whl'], host), 'foo-1.0-py3-none-any.whl');
  assert.equal(best(['foo-1.0-99-py3-none-any.whl', exact], host), exact);
});

test('another libc, a newer glibc and another architecture are no fit', () => {
  const host = interpreterOf();
  for (const platform of ['musllinux_1_1_x86_64', 'manylinux_2_37_x86_64', 'manylinux_2_17_aarch64', 'macosx_11_0_arm64', 'win_amd64', 'manylinux1_i686']) {
    assert.equal(best([`foo-1.0-cp312-cp312-${platform}.whl`], host), null, platform);
  }
  assert.equal(best(['foo.tar.gz', 'not a wheel'], host), null);
});

test('other implementations get pure wheels only; an unreadable version none', () => {
  const pypy = interpreterOf({ implementation: 'pypy' });
  assert.equal(best(['foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl'], pypy), null);
  assert.equal(best(['foo-1.0-py3-none-any.whl'], pypy), 'foo-1.0-py3-none-any.whl');
  assert.deepEqual(supportedTags(interpreterOf({ version: '3.12' })), []);
});

test('a debug build also takes the files of the normal one', () => {
  const debug = interpreterOf({ soabi: 'cpython-312d-x86_64-linux-gnu' });
  assert.equal(best(['foo-1.0-cp312-cp312-linux_x86_64.whl', 'foo-1.0-cp312-cp312d-linux_x86_64.whl'], debug), 'foo-1.0-cp312-cp312d-linux_x86_64.whl');
  assert.notEqual(best(['foo-1.0-cp312-cp312-linux_x86_64.whl'], debug), null);
});
