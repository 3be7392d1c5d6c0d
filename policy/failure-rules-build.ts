/** Failures of a source build and of an import; part of the table in failure-rules.ts. */
import type { FailureRule, Tool } from './failures.js';
import type { FailureClass, WheelFailureCause } from './model.js';

const BUILDERS: Tool[] = ['uv', 'pip'];
const PYTHON: Tool[] = ['python'];

/** One class for all builds; what the text names decides the cause, and with it where the failure leads. */
const build = (cause: WheelFailureCause | null, pattern: RegExp, remedy: string): FailureRule => ({ tools: BUILDERS, class: 'BUILD', retryable: false, pattern, remedy, cause });
const onImport = (failure: FailureClass, pattern: RegExp, remedy: string): FailureRule => ({ tools: PYTHON, class: failure, retryable: false, pattern, remedy });

const SYSTEM = 'missing-system-dependency';
const PYTHON_VERSION = 'python-version-mismatch';
const BUILD_FAILED = /Failed to (?:download and )?build|Failed building wheel|The build backend returned an error|metadata-generation-failed|subprocess-exited-with-error/i;

/** Failed builds whose text no rule names; after the network rules, because a build may fail for want of its own requirements. */
export const otherBuildRules: FailureRule[] = [
  { ...build(PYTHON_VERSION, /^ *[A-Za-z_][\w.]*(?:Error|Exception)(?:: .*)?$/m, 'the release\'s own build script fails on this Python: use a newer release, or one with a wheel'), also: BUILD_FAILED },
  build(null, BUILD_FAILED, 'read the build\'s output; a release with a wheel needs no build'),
];

/** Build rules from the special to the general: a missing header also prints the failed compiler command. */
export const buildRules: FailureRule[] = [
  build(PYTHON_VERSION, /No module named 'distutils'/i, 'the source release predates this Python, which has no distutils any more: use a newer release, one with a wheel, or the fallback interpreter'),
  build(null, /has no attribute 'cython_sources'/i, 'the source release is too old for today\'s Cython: constrain the build tools (cython<3), or use a newer release'),
  build(null, /use_2to3 is invalid/i, 'the source release is too old for today\'s setuptools: constrain the build tools (setuptools<58), or use a newer release'),
  build(null, /No module named 'pkg_resources'/i, 'the build needs pkg_resources, which today\'s setuptools has no more: constrain the build tools (setuptools<81), or use a newer release'),
  build(null, /Cannot import '?\S*'? ?build backend|BackendUnavailable|backend-unavailable|import \S+ as backend\n|Call to `(\w+)[^`\n]*` failed[^]{0,1500}?No module named '\1'/i, 'the build backend that the source release names can\'t be imported: use a newer release, or one with a wheel'),
  build(SYSTEM, /\[Errno 2\] No such file or directory: '[^'\n]*(?:gcc|cc|g\+\+|c\+\+|clang)'|command '[^'\n]*(?:gcc|cc|g\+\+|c\+\+|clang)[^'\n/]*' failed: No such file|linker .cc. not found|unable to execute '[^'\n]*(?:gcc|cc|g\+\+)'/i, 'no C compiler on this host: install the build tools (build-essential), or build on a builder host'),
  build(SYSTEM, /fatal error: Python\.h: No such file/i, 'the interpreter\'s headers are missing: install python3-dev of the same version'),
  build(SYSTEM, /fatal error: \S+\.h(?:pp)?: No such file|need to install a library that provides/i, 'a library\'s headers are missing: install its -dev package'),
  build(SYSTEM, /find valid pkg-config name|was not found in the pkg-config search path|pg_config executable not found|Dependency "?\S+"? not found|No (?:lapack\/blas|BLAS\/LAPACK) (?:resources|libraries) found/i, 'a system library is missing: install its -dev package and pkg-config'),
  build(SYSTEM, /can't find Rust compiler|`?cargo`? not found|rustup|Cargo, the Rust package manager, is not installed/i, 'the build needs Rust, and this host has none: install cargo, or use a release with a wheel'),
  build(null, /maturin failed/i, 'the Rust part of this release does not build here: read the last error of its output, or use a release with a wheel'),
  build(PYTHON_VERSION, /has no member named|implicit declaration of function .Py|error: .*PyThreadState|was not declared in this scope/i, 'the release can\'t be compiled for this Python: use a newer release or the fallback interpreter'),
  build(PYTHON_VERSION, /ForwardRef\._evaluate\(\) missing/i, 'the release\'s build script does not run on this Python: use a newer release or the fallback interpreter'),
  build(null, /but doesn't declare it as a build dependency/i, 'the source release doesn\'t name all that its build needs: use a newer release, or one with a wheel'),
  onImport('IMPORT_ABI', /numpy\.dtype size changed|compiled using NumPy 1\.x|numpy\.core\.multiarray failed to import/i, 'package and numpy do not fit each other: pin numpy<2, or a newer release of the package'),
  onImport('IMPORT_STDLIB_REMOVED', /No module named '(?:distutils|imp|asynchat|asyncore|smtpd|cgi|cgitb|crypt|telnetlib|nntplib|pipes|imghdr|sndhdr|audioop|pkg_resources)'/i, 'the package needs a module this Python no longer has: use a newer release or the fallback interpreter'),
  onImport('IMPORT_NATIVE', /GLIBC(?:XX)?_\d|undefined symbol|cannot open shared object file|wrong ELF class|invalid ELF header/i, 'a native part does not fit this host: install the missing system library, or take a wheel for this platform'),
  { ...onImport('IMPORT_NATIVE', /(?:)/, 'a native part crashed Python: take a release built for this interpreter'), exitCodes: [139] },
  onImport('IMPORT_INCOMPATIBLE', /^(?:[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit)|Exception)(?::.*)?$/m, 'the package installs but does not work on this Python: move it to the first release that imports'),
];
