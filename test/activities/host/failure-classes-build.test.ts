/** Every way a source build fails that takes seconds, from real builds: class, cause, where it leads, and what to do (rows 33 to 41 of the table). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { classifyOutput } from '../../../policy/failures.js';
import type { Branch, Interpreter, WheelFailureCause } from '../../../policy/model.js';
import { sharedUv, someInterpreter, testHost } from '../../support/host.js';
import type { TestHost } from '../../support/host.js';
import { testIndex } from '../../support/index.js';
import type { TestIndex } from '../../support/index.js';
import { facts, realInstall, setuptoolsWheel } from '../../support/real-tools.js';
import type { Failure } from '../../support/real-tools.js';

let index: TestIndex;
let python: Interpreter;
let uv: string;
let on: TestHost;

/** Built by setuptools, as most are. */
const bySetuptools = (setup: string, more: Record<string, string> = {}): Record<string, string> => ({ 'pyproject.toml': '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n', 'setup.py': setup, ...more });
const extension = (name: string, c: string): Record<string, string> => bySetuptools(`from setuptools import Extension, setup\nsetup(name="${name}", version="1.0", ext_modules=[Extension("${name}", ["x.c"])])\n`, { 'x.c': c });
/** Built by a backend of its own, which needs nothing from an index. */
const byItself = (backend: string): Record<string, string> => ({ 'pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', 'backend.py': backend });

const GOOD_C = '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "good", 0, -1, 0};\nPyMODINIT_FUNC PyInit_good(void) { return PyModule_Create(&m); }\n';

const SOURCES: Record<string, Record<string, string>> = {
  good: extension('good', GOOD_C),
  capi: extension('capi', '#include <Python.h>\nint f(PyThreadState *s) { return s->trash_delete_nesting; }\n'),
  header: extension('header', '#include <nosuchheader.h>\n'),
  backend: { 'pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "nope"\n' },
  distutils: byItself('from distutils.core import setup\n'),
  twoto3: bySetuptools('from setuptools import setup\nsetup(name="twoto3", version="1.0", use_2to3=True)\n'),
  resources: byItself('import pkg_resources\n'),
  pkgconfig: bySetuptools('import subprocess\nsubprocess.check_call(["pkg-config", "--cflags", "nosuchlib"])\n'),
  scripted: bySetuptools('raise RuntimeError("this setup script knows another Python")\n'),
  pythonh: byItself('import subprocess\ndef build_wheel(*a, **k):\n    open("x.c", "w").write("#include <Python.h>\\n")\n    subprocess.check_call(["cc", "-c", "x.c"])\n'),
  killed: byItself('import os, signal\ndef build_wheel(*a, **k):\n    os.kill(os.getpid(), signal.SIGKILL)\nprepare_metadata_for_build_wheel = build_wheel\n'),
  needs: { 'pyproject.toml': '[build-system]\nrequires = ["no-such-build-tool"]\nbuild-backend = "x"\n' },
};

before(async () => {
  uv = await sharedUv();
  on = testHost({ uv });
  python = await someInterpreter(on.ctx, '3.12');
  const setuptools = { name: 'setuptools', version: '75.8.0', path: await setuptoolsWheel(on, python) };
  index = await testIndex([setuptools, ...Object.entries(SOURCES).map(([name, source]) => ({ name, version: '1.0', sdist: true, source }))]);
  on.ctx.agentFile.index.url = index.url;
});
after(() => {
  index.close();
  on.close();
});

const build = (name: string, tool: 'uv' | 'pip', env: Record<string, string> = {}): Promise<Failure | null> => realInstall({ on, uv, python, tool, requirements: [`${name}==1.0`], kinds: 'build', env });

const CASES: [string, string, Branch, WheelFailureCause | null, RegExp][] = [
  ['capi', 'C code for another Python', 'relock', 'python-version-mismatch', /can't be compiled for this Python/],
  ['header', 'a header that is not there', 'system-package', 'missing-system-dependency', /-dev package/],
  ['pythonh', 'no headers of Python', 'system-package', 'missing-system-dependency', /python3-dev/],
  ['pkgconfig', 'a library pkg-config does not know', 'system-package', 'missing-system-dependency', /system library/],
  ['distutils', 'distutils, which is gone', 'relock', 'python-version-mismatch', /distutils/],
  ['backend', 'a build backend that is not there', 'relock', null, /build backend/],
  ['twoto3', 'an option setuptools no longer has', 'relock', null, /setuptools<58/],
  ['resources', 'pkg_resources, which is gone', 'relock', null, /setuptools<81/],
  ['scripted', 'a build script with an error of its own', 'relock', 'python-version-mismatch', /own build script/],
];

/** pip takes three seconds to make a place to build in: what setuptools says is read the same way for each of these. */
const UV_ALONE = new Set(['pkgconfig', 'twoto3', 'scripted', 'capi']);

for (const tool of ['uv', 'pip'] as const) {
  describe(`by ${tool}`, () => {
    test('a good release is built', async () => assert.equal(await build('good', tool), null));

    for (const [name, what, branch, cause, remedy] of CASES.filter(([name]) => tool === 'uv' || !UV_ALONE.has(name))) {
      test(`WF-20: ${what}: BUILD, ${branch}`, { skip: name === 'pkgconfig' && !existsSync('/usr/bin/pkg-config') && 'no pkg-config here' }, async () => {
        const failure = await build(name, tool);
        assert.deepEqual(facts(failure), ['BUILD', false, branch], failure?.text);
        assert.equal(failure!.findings[0]!.cause, cause);
        assert.match(failure!.remedy, remedy, failure!.text);
        assert.ok(failure!.findings.some((one) => one.project === name), JSON.stringify(failure!.findings.map((one) => one.project)));
      });
    }

    test('WF-63: no compiler', async () => {
      const failure = await build('good', tool, { CC: '/nonexistent/gcc' });
      assert.deepEqual(facts(failure), ['BUILD', false, 'system-package'], failure?.text);
      assert.match(failure!.remedy, /no C compiler/);
    });

    test('a build that is killed may be tried again', async () => {
      const failure = await build('killed', tool);
      assert.deepEqual(facts(failure), ['KILLED', true, 'ask-again'], failure?.text);
    });

    test('a build requirement the index does not have is no fault of the build', async () => {
      const failure = await build('needs', tool);
      assert.ok(['PROJECT_NOT_FOUND', 'AMBIGUOUS'].includes(failure!.class), failure?.text);
    });
  });
}

test('a build for want of its own requirements on a dead network is a network failure', async () => {
  const dead = testHost({ uv, index: { url: 'http://127.0.0.1:9/simple' } });
  try {
    const failure = await realInstall({ on: dead, uv, python, tool: 'uv', requirements: [`needs @ ${index.url.replace(/\/simple$/, '')}/files/needs-1.0.tar.gz`], kinds: 'build' });
    assert.deepEqual(facts(failure), ['NET_REFUSED', true, 'ask-again'], failure?.text);
  } finally {
    dead.close();
  }
});

test('the build script of an old release on a new Python, in the words Python really prints', async () => {
  const evaluate = byItself('import typing\ndef build_wheel(*a, **k):\n    typing.ForwardRef("int")._evaluate(None, None)\n');
  const own = await testIndex([{ name: 'forward', version: '1.0', sdist: true, source: evaluate }]);
  const host = testHost({ uv, index: { url: own.url } });
  try {
    const failure = await realInstall({ on: host, uv, python, tool: 'uv', requirements: ['forward==1.0'], kinds: 'build' });
    assert.deepEqual(facts(failure), ['BUILD', false, 'relock'], failure?.text);
    assert.match(classifyOutput(failure!.text, 'uv', 1).remedy, /build script does not run on this Python/);
  } finally {
    own.close();
    host.close();
  }
});
