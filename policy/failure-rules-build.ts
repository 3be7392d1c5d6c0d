/** Failures of a source build and of an import; part of the table in failure-rules.ts. */
import type { FailureRule, Tool } from './failures.js';
import type { FailureClass } from './model.js';

const BUILDERS: Tool[] = ['uv', 'pip'];
const PYTHON: Tool[] = ['python'];

const build = (pattern: RegExp, remedy: string): FailureRule => ({ tools: BUILDERS, class: 'BUILD', retryable: false, pattern, remedy });
const onImport = (failure: FailureClass, pattern: RegExp, remedy: string): FailureRule => ({ tools: PYTHON, class: failure, retryable: false, pattern, remedy });

/** A failed build whose text no rule knows; after the network rules, because a build may fail for want of its own requirements. */
export const otherBuildRule: FailureRule = build(/Failed to build|Failed building wheel|The build backend returned an error|metadata-generation-failed|subprocess-exited-with-error/i, 'read the build\'s output; a release with a wheel needs no build');

/** Build rules from the special to the general: a missing header also prints the failed compiler command. */
export const buildRules: FailureRule[] = [
  build(/No module named 'distutils'|Cannot import '?\S*'? ?build backend|BackendUnavailable|backend-unavailable|import \S+ as backend\n/i, 'the source release predates this Python: use a newer release, one with a wheel, or the fallback interpreter'),
  build(/has no attribute 'cython_sources'|use_2to3 is invalid|No module named 'pkg_resources'/i, 'the source release is too old for today\'s build tools: constrain them (cython<3, setuptools<58), or use a newer release'),
  build(/\[Errno 2\] No such file or directory: '[^'\n]*(?:gcc|cc|g\+\+|c\+\+|clang)'|linker .cc. not found|unable to execute '[^'\n]*(?:gcc|cc|g\+\+)'/i, 'no C compiler on this host: install the build tools (build-essential), or build on a builder host'),
  build(/fatal error: Python\.h: No such file/i, 'the interpreter\'s headers are missing: install python3-dev of the same version'),
  build(/fatal error: \S+\.h: No such file|need to install a library that provides/i, 'a library\'s headers are missing: install its -dev package'),
  build(/find valid pkg-config name|was not found in the pkg-config search path|pg_config executable not found|Dependency "?\S+"? not found/i, 'a system library is missing: install its -dev package and pkg-config'),
  build(/maturin failed|rustup|can't find Rust compiler|`cargo` not found/i, 'the build needs Rust, or this release does not build with it: use a release with a wheel'),
  build(/has no member named|implicit declaration of function .Py|error: .*PyThreadState|was not declared in this scope/i, 'the release can\'t be compiled for this Python: use a newer release or the fallback interpreter'),
  build(/ForwardRef\._evaluate\(\) missing/i, 'the release\'s build script does not run on this Python: use a newer release or the fallback interpreter'),
  onImport('IMPORT_ABI', /numpy\.dtype size changed|compiled using NumPy 1\.x|numpy\.core\.multiarray failed to import/i, 'package and numpy do not fit each other: pin numpy<2, or a newer release of the package'),
  onImport('IMPORT_STDLIB_REMOVED', /No module named '(?:distutils|imp|asynchat|asyncore|smtpd|cgi|cgitb|crypt|telnetlib|nntplib|pipes|imghdr|sndhdr|audioop|pkg_resources)'/i, 'the package needs a module this Python no longer has: use a newer release or the fallback interpreter'),
  onImport('IMPORT_NATIVE', /GLIBC(?:XX)?_\d|undefined symbol|cannot open shared object file|wrong ELF class|invalid ELF header/i, 'a native part does not fit this host: install the missing system library, or take a wheel for this platform'),
  { ...onImport('IMPORT_NATIVE', /(?:)/, 'a native part crashed Python: take a release built for this interpreter'), exitCodes: [139] },
  onImport('IMPORT_INCOMPATIBLE', /^(?:[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit)|Exception)(?::.*)?$/m, 'the package installs but does not work on this Python: move it to the first release that imports'),
];
