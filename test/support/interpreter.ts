/** Interpreters as the probe would report them, for tests of what follows from one. */
import type { Interpreter } from '../../policy/model.js';

/** CPython 3.12.1 on Linux x86_64 with glibc 2.36, unless said otherwise. */
export function interpreterOf(changes: Partial<Interpreter> = {}): Interpreter {
  const version = changes.version ?? '3.12.1';
  const [major, minor] = version.split('.');
  return {
    path: `/opt/python/${version}/bin/python`,
    realpath: `/opt/python/${version}/bin/python${major}.${minor}`,
    version,
    implementation: 'cpython',
    build: 'main, GCC',
    soabi: `cpython-${major}${minor}${changes.freeThreaded ? 't' : ''}-${changes.machine ?? 'x86_64'}-linux-gnu`,
    system: 'linux',
    machine: 'x86_64',
    libc: { name: 'glibc', version: '2.36' },
    macosRelease: '',
    freeThreaded: false,
    missingModules: [],
    ...changes,
  };
}
