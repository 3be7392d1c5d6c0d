import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { markerEnvironment, markerHolds, parseMarker } from '../../policy/markers.js';
import { interpreterOf } from '../support/interpreter.js';
import { installPackaging } from '../support/packaging.js';

const oracle = installPackaging();
after(() => oracle.remove());

const MARKERS = [
  'python_version < "3.12"', "python_version >= '3.12'", 'python_version == "3.1"', 'python_version == "3.12.*"', 'python_version ~= "3.11"', 'python_version != "3.12"',
  "'3.11' < python_version", '"3.12" == python_version', 'python_full_version < "3.13.0rc2"', 'python_full_version >= "3.12.1"', 'python_full_version < "3.12.1"', 'python_version in "3.11 3.12"', 'python_version not in "3.9, 3.10"',
  'sys_platform == "linux"', 'sys_platform != "win32"', 'sys_platform == "darwin"', "platform_system == 'Linux'", 'platform_machine == "x86_64" or platform_machine == "aarch64"', 'os_name == "nt"',
  'implementation_name == "cpython" and sys_platform == "linux"', 'platform_python_implementation == "CPython"', 'platform_python_implementation != "PyPy"', 'implementation_version >= "3.12"',
  'python_version < "3" or (python_version >= "3.12" and sys_platform == "linux")', '(python_version < "3" or python_version >= "3.12") and sys_platform == "win32"', 'python_version < "3" or python_version >= "3.12" and sys_platform == "win32"',
  '((sys_platform == "linux"))', "extra == 'dev'", "extra != 'dev'", 'python_version>="3.8"and sys_platform=="linux"', 'os.name == "posix"', 'sys.platform == "linux"', "platform.machine == 'x86_64'", "python_implementation == 'CPython'", "sys_platform in 'linux darwin'", "'lin' in sys_platform", 'sys_platform >= "linux"', 'sys_platform > "a"', 'platform_machine == "x86" "_64"', "sys_platform == 'a or b'",
];
const BROKEN = ['', 'python_version', 'python_version <', 'python_version < 3.12', 'and', 'python_version < "3" and', '(python_version < "3"', 'python_version < "3")', 'python_version = "3"', 'python_version not "3"', 'python_version << "3"', 'python_version < "3', 'import os'];
const targets = [interpreterOf(), interpreterOf({ version: '3.11.7' }), interpreterOf({ version: '3.13.0rc1' }), interpreterOf({ system: 'macosx', machine: 'arm64', macosRelease: '14.0' }), interpreterOf({ version: '3.12.1+' })];

test('markers hold where packaging says they hold', () => {
  const environments = targets.map((it) => {
    const { extras, dependency_groups, ...texts } = markerEnvironment(it);
    return { ...texts, platform_release: '6.1.0', platform_version: '#1' };
  });
  const script = `
from packaging.markers import Marker, InvalidMarker
def holds(text, environment):
    try: return Marker(text).evaluate(environment)
    except InvalidMarker: return "invalid"
print(json.dumps([[holds(text, it) for text in question["markers"]] for it in question["environments"]]))`;
  const expected = oracle.ask<(boolean | 'invalid')[][]>(script, { markers: [...MARKERS, ...BROKEN], environments });
  for (const [row, target] of targets.entries()) {
    for (const [column, marker] of [...MARKERS, ...BROKEN].entries()) {
      const got = parseMarker(marker) === null ? 'invalid' : markerHolds(marker, markerEnvironment(target));
      assert.equal(got, expected[row]![column], `${marker} on ${target.version} ${target.system}`);
    }
  }
  assert.ok(expected[0]!.includes(true) && expected[0]!.includes(false) && expected[0]!.includes('invalid'));
});

test('what can not be told keeps the pin, unless the rest decides', () => {
  const environment = markerEnvironment(interpreterOf());
  assert.equal(markerHolds(null, environment), true);
  assert.equal(markerHolds('platform_release == "1"', environment), true);
  assert.equal(markerHolds('no_such_variable == "1"', environment), true);
  assert.equal(markerHolds('constructor == "1"', environment), true);
  assert.equal(markerHolds('not a marker at all', environment), true);
  assert.equal(markerHolds('platform_release == "1" and python_version < "3"', environment), false);
  assert.equal(markerHolds('platform_release == "1" or python_version < "3"', environment), true);
});

test('extras are never asked for; dependency groups only where the lock installs them by default', () => {
  const environment = markerEnvironment(interpreterOf(), ['main']);
  assert.equal(markerHolds("'dev' in extras", environment), false);
  assert.equal(markerHolds("'dev' in dependency_groups", environment), false);
  assert.equal(markerHolds("'main' in dependency_groups", environment), true);
  assert.equal(markerHolds("'dev' not in dependency_groups", environment), true);
});
