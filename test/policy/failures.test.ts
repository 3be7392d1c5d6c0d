import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { failureRules } from '../../policy/failure-rules.js';
import { classifyOutput, isRetryable, remedyOf, type Tool } from '../../policy/failures.js';
import type { FailureClass } from '../../policy/model.js';

/** Essential lines of what uv 0.13.8, pip 26.3 and CPython 3.11 to 3.13 printed when each failure was made to happen. */
const SEEN: [FailureClass, Tool, number, string][] = [
  ['WHEEL_MISSING', 'uv', 1, 'error: No solution found when resolving dependencies\n  cause: Because numpy==1.26.4 has no usable wheels and you require numpy==1.26.4, we can conclude that your requirements are unsatisfiable.\n\nhint: Wheels are required for `numpy` because building from source is disabled for all packages (i.e., with `--no-build`)'],
  ['WHEEL_MISSING', 'uv', 1, 'error: No solution found when resolving dependencies\n  cause: Because pywin32==306 has no wheels with a matching Python ABI tag (e.g., `cp313`) and you require pywin32==306, we can conclude that your requirements are unsatisfiable.\n\nhint: You require CPython 3.13 (`cp313`), but we only found wheels for `pywin32` (v306) with the following Python ABI tags: `cp37m`, `cp38`, `cp39`, `cp310`, `cp311`, `cp312`'],
  ['NO_DISTRIBUTION', 'uv', 1, '  cause: Because pywin32==310 has no wheels with a matching platform tag (e.g., `manylinux_2_36_x86_64`) and you require pywin32==310, we can conclude that your requirements are unsatisfiable.\n\nhint: Wheels are available for `pywin32` (v310) on the following platforms: `win32`, `win_amd64`, `win_arm64`'],
  ['VERSION_NOT_FOUND', 'uv', 1, '  cause: Because there is no version of numpy==1.99.9 and you require numpy==1.99.9, we can conclude that your requirements are unsatisfiable.'],
  ['PROJECT_NOT_FOUND', 'uv', 1, '  cause: Because nopkg-zzz-qq was not found in the package registry and you require nopkg-zzz-qq==1.0, we can conclude that your requirements are unsatisfiable.'],
  ['INDEX_AUTH', 'uv', 1, '  cause: Because flask was not found in the package registry and you require flask, we can conclude that your requirements are unsatisfiable.\n\nhint: An index URL (http://127.0.0.1:33367/401) could not be queried due to a lack of valid authentication credentials (401 Unauthorized)'],
  ['INDEX_AUTH', 'uv', 1, '  cause: Because flask was not found in the package registry and you require flask, we can conclude that your requirements are unsatisfiable.\n\nhint: An index (http://127.0.0.1:33367/403) returned a 403 Forbidden error. Check that the index URL is correct and the credentials are valid.'],
  ['REQUIRES_PYTHON', 'uv', 1, '  cause: Because the requested Python version (>=3.11) does not satisfy Python>=3.12 and numpy==2.5.5 depends on Python>=3.12, we can conclude that numpy==2.5.5 cannot be used.\n         And because only numpy<=2.5.5 is available and you require numpy==2.5.5, we can conclude that your requirements are unsatisfiable.'],
  ['CONFLICT', 'uv', 1, '  cause: Because you require flask==2.3.2 and flask==2.3.3, we can conclude that your requirements are unsatisfiable.'],
  ['CONFLICT', 'uv', 1, '  cause: Because pydantic==2.11.0 depends on pydantic-core==2.33.0 and you require pydantic==2.11.0, we can conclude that you require pydantic-core==2.33.0.\n         And because you require pydantic-core==2.20.0, we can conclude that your requirements are unsatisfiable.'],
  ['NET_REFUSED', 'uv', 2, 'error: Failed to fetch: http://127.0.0.1:9/simple/flask/\n  cause: error sending request for url (http://127.0.0.1:9/simple/flask/)\n  cause: client error (Connect)\n  cause: tcp connect error\n  cause: Connection refused (os error 111)'],
  ['NET_DNS', 'uv', 2, 'error: Failed to fetch: http://no-such-host.invalid/simple/flask/\n  cause: dns error\n  cause: failed to lookup address information: Name or service not known'],
  ['NET_TIMEOUT', 'uv', 2, 'error: Failed to fetch: http://127.0.0.1:33367/hang/flask/\n  cause: error sending request for url (http://127.0.0.1:33367/hang/flask/)\n  cause: operation timed out'],
  ['NET_TLS', 'uv', 2, 'error: Failed to fetch: https://127.0.0.1:44043/simple/flask/\n  cause: client error (Connect)\n  cause: invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))'],
  ['INDEX_RATE_LIMIT', 'uv', 2, '  cause: HTTP status client error (429 Too Many Requests) for url (http://127.0.0.1:33367/429/flask/)'],
  ['INDEX_DOWN', 'uv', 2, '  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1:33367/503/flask/)'],
  ['INDEX_NOT_AN_INDEX', 'uv', 1, 'error: Unsupported `Content-Type` "text/plain" for `http://127.0.0.1:33367/portal/flask/`. Expected JSON or HTML.'],
  ['HASH_MISMATCH', 'uv', 1, 'error: Failed to download `hashbad==1.0`\n  cause: Hash mismatch for `hashbad==1.0`\n\n         Expected:\n           sha256:0000'],
  ['HASH_MISSING', 'uv', 2, 'error: In `--require-hashes` mode, all requirements must have a hash, but none were provided for: flask==2.3.2'],
  ['WHEEL_CORRUPT', 'uv', 1, '  cause: Because corrupt==1.0 has an invalid package format and only corrupt==1.0 is available, we can conclude that all versions of corrupt cannot be used.\n         And because you require corrupt, we can conclude that your requirements are unsatisfiable.'],
  ['DISK_FULL', 'uv', 2, 'error: Failed to install: numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl (numpy==2.1.0)\n  cause: failed to copy file: No space left on device (os error 28)'],
  ['PERMISSION', 'uv', 2, 'error: Failed to initialize cache at `cache`\n  cause: failed to create directory: Permission denied (os error 13)'],
  ['SYSTEM_PYTHON', 'uv', 2, 'error: The interpreter at `/usr` is externally managed, and indicates the following:'],
  ['INTERPRETER_MISSING', 'uv', 2, 'error: No interpreter found for Python 3.19 in managed installations or search path'],
  ['INTERPRETER_MISSING', 'uv', 2, 'error: No virtual environment or system Python installation found for path `/nonexistent/bin/python`; run `uv venv` to create an environment'],
  ['INTERPRETER_SHIM', 'uv', 2, 'error: Failed to inspect Python interpreter from first executable in the search path at `shims/python3.13`\n  cause: Querying Python failed with exit status exit status: 127\n\n         pyenv: python3.13: command not found'],
  ['VENV_EXISTS', 'uv', 2, 'error: Failed to create virtual environment\n  cause: A virtual environment already exists at: v313'],
  ['BUILD', 'uv', 1, "error: Failed to build `numpy==1.25.2`\n  cause: The build backend returned an error\n         ModuleNotFoundError: No module named 'distutils'\n\nhint: `distutils` was removed from the standard library in Python 3.12."],
  ['BUILD', 'uv', 1, "         AttributeError: 'build_ext' object has no attribute 'cython_sources'\n\nhint: Build failures usually indicate a problem with the package or the build environment"],
  ['BUILD', 'uv', 1, "         error: [Errno 2] No such file or directory: '/nonexistent/gcc'"],
  ['BUILD', 'uv', 1, '         x.c:1:10: fatal error: nosuchheader.h: No such file or directory\n             1 | #include <nosuchheader.h>'],
  ['BUILD', 'uv', 1, '         Exception: Can not find valid pkg-config name.'],
  ['BUILD', 'uv', 1, '         Package cairo was not found in the pkg-config search path.'],
  ['BUILD', 'uv', 1, "         src/greenlet/greenlet.cpp:3095:36: error: 'PyThreadState' {aka 'struct _ts'} has no member named 'trash_delete_nesting'"],
  ['BUILD', 'uv', 1, "             import nope as backend\n         ModuleNotFoundError: No module named 'nope'"],
  ['BUILD', 'uv', 1, "error: Failed to build `good-c==1.0`\n  cause: The build backend returned an error\n         [stderr]\n         error: command '/nonexistent/gcc' failed: No such file or directory"],
  ['BUILD', 'uv', 1, "  cause: Call to `nope.get_requires_for_build_wheel` failed (exit status: 1)\n\n         [stderr]\n         Traceback (most recent call last):\n           File \"<string>\", line 8, in <module>\n         ModuleNotFoundError: No module named 'nope'"],
  ['BUILD', 'uv', 1, 'error: Failed to build `ownbug==1.0`\n  cause: The build backend returned an error\n         RuntimeError: this setup script knows Python 2 only'],
  ['KILLED', 'uv', 1, 'error: Failed to build `x==1.0`\n  cause: The build backend returned an error\n  cause: Call to `backend.build_wheel` failed (signal: 9 (SIGKILL))'],
  ['KILLED', 'pip', 1, '  × Preparing metadata (pyproject.toml) did not run successfully.\n  │ exit code: -9\n  ╰─> See above for output.'],
  ['NET_REFUSED', 'uv', 2, 'error: Failed to download `pure==1.0`\n  cause: error decoding response body\n  cause: request or response body error\n  cause: error reading a body from connection\n  cause: end of file before message length reached'],
  ['INDEX_NOT_AN_INDEX', 'uv', 1, '  cause: Because there are no versions of pure and you require pure, we can conclude that your requirements are unsatisfiable.'],
  ['INTERPRETER_MISSING', 'uv', 2, 'error: No interpreter found at path `/nonexistent/bin/python3`'],
  ['INTERPRETER_MISSING', 'pip', 1, 'ERROR: Could not locate Python interpreter /srv/v/bin/python'],
  ['INTERPRETER_SHIM', 'pip', 127, 'pyenv: python3.13: command not found'],
  ['WHEEL_WRONG_TAG', 'uv', 2, "error: Failed to determine installation plan\n  cause: A path (/x/other_platform-1.0-py3-none-win_amd64.whl) dependency is incompatible with the current platform"],
  ['HASH_MISMATCH', 'pip', 1, 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.'],
  ['HASH_MISSING', 'pip', 1, 'ERROR: Hashes are required in --require-hashes mode, but they are missing from some requirements.'],
  ['CONFLICT', 'pip', 1, 'ERROR: Cannot install pydantic-core==2.20.0 and pydantic==2.11.0 because these package versions have conflicting dependencies.\n\nERROR: ResolutionImpossible: for help visit'],
  ['WHEEL_WRONG_TAG', 'pip', 1, 'ERROR: uv-0.13.8-py3-none-win_amd64.whl is not a supported wheel on this platform.'],
  ['WHEEL_CORRUPT', 'pip', 1, "  Downloading corrupt-1.0-py3-none-any.whl (100 bytes)\nERROR: Wheel 'corrupt' located at /tmp/pip-unpack-2eso63mh/corrupt-1.0-py3-none-any.whl is invalid.\n"],
  ['SYSTEM_PYTHON', 'pip', 1, 'error: externally-managed-environment\n\n× This environment is externally managed'],
  ['DISK_FULL', 'pip', 1, 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'],
  ['INDEX_AUTH', 'pip', 2, '    return input(message)\nEOFError: EOF when reading a line'],
  ['VENV_CREATE', 'venv', 1, "Error: Command '['/x/bin/python3.11', '-m', 'ensurepip', '--upgrade', '--default-pip']' returned non-zero exit status 1."],
  ['VENV_BASE_GONE', 'python', 127, 'bash: line 1: ./moved.sh: cannot execute: required file not found'],
  ['VENV_BASE_GONE', 'python', 127, ''],
  ['IMPORT_ABI', 'python', 1, 'Traceback (most recent call last):\n  File "pandas/_libs/interval.pyx", line 1, in init pandas._libs.interval\nValueError: numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88 from PyObject'],
  ['IMPORT_STDLIB_REMOVED', 'python', 1, "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\nModuleNotFoundError: No module named 'imp'"],
  ['IMPORT_INCOMPATIBLE', 'python', 1, "Traceback (most recent call last):\n    raise AssertionError(\nAssertionError: Class <class 'sqlalchemy.sql.elements.SQLCoreOperations'> directly inherits TypingOnly but has additional attributes {'__static_attributes__', '__firstlineno__'}."],
  ['KILLED', 'python', 137, 'bash: line 1: 12462 Killed                  python -c 1'],
];

/** pip says the same last line for all of these; its `--log` file tells them apart. */
const PIP_LOGGED: [FailureClass, string][] = [
  ['NET_REFUSED', "2026-11-21T12:44:32,527 Could not fetch URL http://127.0.0.1:9/simple/flask/: connection error: HTTPConnectionPool(host='127.0.0.1', port=9): Max retries exceeded with url: /simple/flask/ (Caused by NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')) - skipping"],
  ['NET_DNS', "Could not fetch URL https://no-such-host.invalid/simple/flask/: connection error: Max retries exceeded (Caused by NewConnectionError('Failed to establish a new connection: [Errno -2] Name or service not known')) - skipping"],
  ['NET_TIMEOUT', "Could not fetch URL http://127.0.0.1:33339/hang/flask/: connection error: Max retries exceeded (Caused by ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=33339): Read timed out. (read timeout=2.0)\")) - skipping"],
  ['NET_TLS', "Could not fetch URL https://127.0.0.1:44043/simple/flask/: There was a problem confirming the ssl certificate: (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)'))) - skipping"],
  ['NET_TLS', 'WARNING: The repository located at no-such-host.invalid is not a trusted or secure host and is being ignored.'],
  ['INDEX_AUTH', 'Could not fetch URL http://127.0.0.1:33339/401/flask/: 401 Client Error: Unauthorized for url: http://127.0.0.1:33339/401/flask/ - skipping'],
  ['INDEX_AUTH', 'Could not fetch URL http://127.0.0.1:33339/403/flask/: 403 Client Error: Forbidden for url: http://127.0.0.1:33339/403/flask/ - skipping'],
  ['PROJECT_NOT_FOUND', 'Could not fetch URL http://127.0.0.1:33339/404/flask/: 404 Client Error: Not Found for url: http://127.0.0.1:33339/404/flask/ - skipping'],
  ['INDEX_RATE_LIMIT', 'Could not fetch URL http://127.0.0.1:33339/429/flask/: 429 Client Error: Too Many Requests for url: http://127.0.0.1:33339/429/flask/ - skipping'],
  ['INDEX_DOWN', "Could not fetch URL http://127.0.0.1:33339/503/flask/: Max retries exceeded with url: /503/flask/ (Caused by ResponseError('too many 503 error responses')) - skipping"],
  ['INDEX_NOT_AN_INDEX', 'WARNING: Skipping page http://127.0.0.1:33339/png/flask/ because the GET request got Content-Type: image/png. The only supported Content-Types are text/html'],
];
const PIP_LAST = 'ERROR: Could not find a version that satisfies the requirement flask (from versions: none)\nERROR: No matching distribution found for flask';

test('every text a tool was seen to print gets its class', () => {
  for (const [expected, tool, exitCode, text] of SEEN) assert.equal(classifyOutput(text, tool, exitCode).class, expected, text);
  for (const [expected, line] of PIP_LOGGED) assert.equal(classifyOutput(`${line}\n${PIP_LAST}`, 'pip', 1).class, expected, line);
});

test('pip without its log is ambiguous, never "no wheel"', () => {
  assert.equal(classifyOutput(PIP_LAST, 'pip', 1).class, 'AMBIGUOUS');
  assert.equal(classifyOutput('ERROR: Could not find a version that satisfies the requirement numpy==1.26.4 (from versions: 2.1.0, 2.1.1)\nERROR: No matching distribution found for numpy==1.26.4', 'pip', 1).class, 'AMBIGUOUS');
});

test('a warning pip got over does not decide: the failure it ended with does', () => {
  const warning = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('[Errno 111] Connection refused')': /simple/flask/";
  assert.equal(classifyOutput(`${warning}\nERROR: Cannot install a and b because these package versions have conflicting dependencies.`, 'pip', 1).class, 'CONFLICT');
  assert.equal(classifyOutput(`${warning}\nERROR: something nobody has seen`, 'pip', 1).class, 'UNKNOWN');
});

test('Requires-Python is the cause only for the pin that was asked for', () => {
  const ignored = (version: string): string => `ERROR: Ignored the following versions that require a different python version: 2.4.0 Requires-Python >=3.12; ${version} Requires-Python >=3.12\nERROR: Could not find a version that satisfies the requirement numpy==2.5.5 (from versions: 1.23.2)\nERROR: No matching distribution found for numpy==2.5.5`;
  assert.equal(classifyOutput(ignored('2.5.5'), 'pip', 1).class, 'REQUIRES_PYTHON');
  assert.equal(classifyOutput(ignored('2.5.4'), 'pip', 1).class, 'AMBIGUOUS');
});

test('a hash mismatch stops everything: first of all rules, never retried', () => {
  const worst = SEEN.map(([, , , text]) => text).join('\n');
  for (const tool of ['uv', 'pip'] as const) assert.deepEqual([classifyOutput(worst, tool, 1).class, classifyOutput(worst, tool, 1).retryable], ['HASH_MISMATCH', false]);
  assert.equal(classifyOutput('Hash mismatch for `x==1`', 'uv', 137).class, 'HASH_MISMATCH');
  assert.equal(isRetryable('HASH_MISMATCH'), false);
});

test('what can pass by itself is retried, and nothing that says no', () => {
  const retryable = new Set(failureRules.filter((it) => it.retryable).map((it) => it.class));
  assert.deepEqual([...retryable].sort(), ['INDEX_DOWN', 'INDEX_RATE_LIMIT', 'KILLED', 'NET_DNS', 'NET_REFUSED', 'NET_TIMEOUT', 'WHEEL_CORRUPT']);
  for (const one of retryable) assert.ok(failureRules.filter((it) => it.class === one).every((it) => it.retryable), `${one} has one answer`);
});

test('builds have one class and remedies of their own', () => {
  const remedies = SEEN.filter(([failure]) => failure === 'BUILD').map(([, tool, code, text]) => classifyOutput(text, tool, code).remedy);
  assert.ok(new Set(remedies).size >= 6, [...new Set(remedies)].join('\n'));
  assert.match(classifyOutput('x.c:1: fatal error: Python.h: No such file or directory', 'pip', 1).remedy, /python3-dev/);
  assert.match(classifyOutput("error: [Errno 2] No such file or directory: 'gcc'", 'pip', 1).remedy, /build-essential/);
});

test('a build that could not fetch its own requirements is a network failure', () => {
  const text = 'error: Failed to build `x==1`\n  cause: Failed to resolve requirements from `build-system.requires`\n  cause: Failed to fetch: http://127.0.0.1:9/simple/setuptools/\n  cause: Connection refused (os error 111)';
  assert.deepEqual([classifyOutput(text, 'uv', 1).class, classifyOutput(text, 'uv', 1).retryable], ['NET_REFUSED', true]);
});

test('the same words mean different things from different tools', () => {
  const text = "ModuleNotFoundError: No module named 'distutils'";
  assert.equal(classifyOutput(text, 'python', 1).class, 'IMPORT_STDLIB_REMOVED');
  assert.equal(classifyOutput(text, 'uv', 1).class, 'BUILD');
  assert.equal(classifyOutput("ModuleNotFoundError: No module named 'pandas'", 'python', 1).class, 'IMPORT_INCOMPATIBLE');
  assert.equal(classifyOutput('ImportError: libpq.so.5: cannot open shared object file: No such file or directory', 'python', 1).class, 'IMPORT_NATIVE');
  assert.equal(classifyOutput('', 'python', 139).class, 'IMPORT_NATIVE');
});

test('the evidence is the line that decided, masked', () => {
  assert.equal(classifyOutput('Resolved 1 package\nerror: Failed\n  cause: Connection refused (os error 111)\nmore', 'uv', 2).evidence, 'cause: Connection refused (os error 111)');
  const { evidence } = classifyOutput('error: Failed to fetch https://robot:hunter2@index.example/simple: Connection refused', 'uv', 2);
  assert.ok(!evidence.includes('hunter2') && evidence.includes('index.example'), evidence);
  assert.ok(classifyOutput(`${'x'.repeat(5000)} Connection refused`, 'uv', 2).evidence.length <= 301);
});

test('what no rule knows is UNKNOWN, not retried, and says where to look', () => {
  assert.deepEqual(classifyOutput('first\nsomething nobody has seen\n', 'uv', 1), { class: 'UNKNOWN', retryable: false, remedy: remedyOf('UNKNOWN'), evidence: 'something nobody has seen' });
  assert.equal(classifyOutput('', 'uv', 1).evidence, 'exit code 1, no output');
  assert.equal(classifyOutput('', 'pip', null).class, 'KILLED');
});

test('classifying is quick on any output, and every rule can be hit', () => {
  const hostile = ['depends on ', 'Requires-Python ', 'different python version: x; ', 'because you require ', 'error: ', 'Could not fetch URL ', 'ensurepip', 'pyenv: '];
  const long = hostile.map((it) => it.repeat(20_000)).join('\n').repeat(20);
  const start = process.hrtime.bigint();
  for (const tool of ['uv', 'pip', 'venv', 'python'] as const) classifyOutput(long, tool, 1);
  assert.ok(process.hrtime.bigint() - start < 5_000_000_000n, 'no rule backtracks without end');
  fc.assert(fc.property(fc.string(), fc.constantFrom<Tool>('uv', 'pip', 'venv', 'python'), fc.option(fc.nat(255)), (text, tool, code) => classifyOutput(text, tool, code).remedy !== ''));
  for (const one of failureRules) assert.ok(one.tools.length > 0 && one.remedy.length > 20 && !one.pattern.global);
});

test('the document names every class there is, and no other', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/when-things-go-wrong.md'), 'utf8');
  const rows = page.slice(page.indexOf('## Classes of failure')).split('\n').filter((line) => /^\| `[A-Z]/.test(line));
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name!));
  assert.deepEqual([...named].sort(), [...new Set([...failureRules.map((rule) => rule.class), 'UNKNOWN'])].sort());
});
