/** What docs/checks.md says of each check beside what the check itself says: what it looks at, and what its failing means for who stands in front of it. */

export interface CheckWords {
  looksAt: string;
  means: string;
}

/** By name of the check. */
export const CHECK_WORDS: Record<string, CheckWords> = {
  'python-version': {
    looksAt: 'The interpreter that answers for the project: that of its link, else of `VIRTUAL_ENV`, else the first `python3` on PATH. It is started and asked; the policy says which versions may run, and from which patch on.',
    means: 'The project would run on a Python that nobody approved, or on none. Services that run already go on running; what is started next is what is judged here. If it was right an hour ago, ask `runbook why` first: somebody changed the link, or an exception ended.',
  },
  'virtual-environment': {
    looksAt: 'The version that the environment runs, the version of the interpreter it was made from, started by itself, and the version in its `pyvenv.cfg`.',
    means: 'The interpreter below the environment was replaced or removed, often by an upgrade of the system: compiled packages were made for another one. A program that runs still has the old files open; its next start may fail.',
  },
  'package-dependencies': {
    looksAt: 'Each module of `checks.required` (or of the project\'s own list under `checks.projects`), imported in a process of its own.',
    means: 'The program will not start, or will fail at the first use. The line has the error of the import itself: `No module named` is a package that is not there; anything about a `.so` file or a symbol is one that was built for something else.',
  },
  'wheel-status': {
    looksAt: 'The lock that runbook.yaml names: that it is there, not empty, not older than `checks.lockMaxAgeSeconds`, and that what is installed is what it pins.',
    means: 'Without a lock nobody can build this environment again. A difference is a package that somebody installed, upgraded or removed by hand, or a lock that was changed and never installed. An old lock only warns.',
  },
  'environment-configuration': {
    looksAt: '`PREFIX_PYTHON_VERSION` and `PREFIX_WHEEL_STATUS` (`envPrefix` of runbook.yaml), in the process or in the project\'s file of variables.',
    means: 'Programs that read these variables are told nothing, or something that is not so. It never blocks.',
  },
  'security-permissions': {
    looksAt: 'The permission bits of the lock, the configuration files and `checks.criticalFiles`.',
    means: 'Every user of this machine can change what this project installs or how it is configured. Closing the file is not enough: look at who wrote it last and whether its content is what it was (`git diff`).',
  },
  'performance-baseline': {
    looksAt: 'How long the required imports and a small sum take, in one process, against `checks.probeMaxSeconds`.',
    means: 'A cold disk, a loaded machine, or a package that was built from source without its optimizations. It never blocks; measure again before you act on it.',
  },
  'version-documented': {
    looksAt: '`python_version` in the project\'s configuration files (`configFiles` of runbook.yaml).',
    means: 'Nobody can tell from the project which Python it is for, and drift can\'t be noticed.',
  },
  'package-compatibility': {
    looksAt: 'What the installed packages require of each other, as `pip check` reads it.',
    means: 'Some package works with a version it says it does not support. Imports may still succeed.',
  },
  'wheel-availability': {
    looksAt: 'The package index: whether it has a wheel of each pinned version for this interpreter and platform.',
    means: 'This environment can\'t be built again on this interpreter without compiling. What is installed now goes on working; the next rebuild would not.',
  },
  'config-content': {
    looksAt: 'Whether `python_version` in each configuration file is the version that runs.',
    means: 'File and interpreter disagree: one of them was changed without the other. In a build the same is drift, and `runbook ci version` ends with 1.',
  },
  'python-on-path': {
    looksAt: 'The first `python3` on PATH.',
    means: 'Scripts that call `python3` by its name find none.',
  },
  'insecure-packages': {
    looksAt: 'The installed versions against `checks.advisories` of the policy.',
    means: 'A version with a published vulnerability is installed. If it can be reached from outside, tell security before anything else; an interpreter that itself is vulnerable is for `runbook run exception`.',
  },
  isolation: {
    looksAt: 'Whether the interpreter is of a virtual environment, whether that sees packages of the system, and whether another environment is active.',
    means: 'The project may import packages that no lock names, and that an upgrade of the system changes.',
  },
  'memory-use': {
    looksAt: 'The most memory that the process of the imports had, against `checks.rssMaxMiB`.',
    means: 'Each worker process of the service starts with that much: compare with the memory of the machine and the number of workers.',
  },
  'startup-time': {
    looksAt: 'How long the interpreter and the imports of `checks.healthImports` take, against `checks.startupMaxSeconds`.',
    means: 'Restarts, and so switches and undos, take that much longer.',
  },
};

/** By part of the verifier's result: what it looks at, and what to do about what it says. */
export const VERIFIER_WORDS: Record<string, { looksAt: string; todo: string }> = {
  python_version: { looksAt: 'The interpreter, judged as preflight judges it.', todo: '[Python version](#python-version)' },
  package_integrity: {
    looksAt: 'The packages of `checks.minimumVersions`, and every file of the environment by its hash: against what the run that made it verified, else against the packages\' own `RECORD`s.',
    todo: 'missing: [Package dependencies](#package-dependencies); too old: raise the pin in the lock, then `runbook run change /srv/pricer`; files that differ: `runbook why /srv/pricer` says who changed it last; keep a copy (`cp -a`) for whoever finds out why, then `runbook env reset /srv/pricer --reason "its files differ"`',
  },
  wheel_status: { looksAt: 'The lock, and whether what is installed is what it pins.', todo: '[Wheel status](#wheel-status)' },
  environment_config: { looksAt: 'Variables and configuration files that say which Python the project expects.', todo: '[Environment configuration](#environment-configuration), [Configuration content](#configuration-content)' },
  security: { looksAt: 'Permissions, advisories, and packages of the system that can be seen.', todo: '[Security](#security), [Insecure packages](#insecure-packages), [Environment isolation](#environment-isolation)' },
  performance: { looksAt: 'Time and memory of importing `checks.healthImports`.', todo: '[Start-up time](#start-up-time), [Memory use](#memory-use)' },
  reported_metrics: {
    looksAt: 'What the project\'s own last run reported (`metrics` of runbook.yaml).',
    todo: 'read the log of that run. If it began with a change of this environment (`runbook why /srv/pricer`), go back: `runbook undo /srv/pricer --reason "it crashes"`',
  },
};
