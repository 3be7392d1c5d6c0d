/** PF-25: the project runs in its own environment, apart from the system's packages and from other environments. */
import type { EnvironmentFacts, VirtualFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { changeCommands, createCommands, isForeign, isManaged, targetWord } from './remedies.js';
import { unmeasured, verdictOf, type Finding } from './verdict.js';
import { oneLine, shellWord } from '../text.js';

export const isolation: Check = {
  name: 'isolation',
  title: 'Environment isolation',
  blocking: false,
  judge(facts, rules) {
    const { interpreter, virtual, virtualEnv } = facts;
    if (!interpreter.ok) return unmeasured(`no interpreter could be asked: ${oneLine(interpreter.problem)}`, changeCommands(facts, rules));
    const { isVirtual, executable } = interpreter.value;
    if (!isVirtual) return verdictOf([{ status: 'warn', line: `${executable} is of no virtual environment: packages of the system are seen` }], { isVirtual, virtualEnv }, createCommands(facts, rules));
    if (virtual === null) return unmeasured(`${executable} says it is of a virtual environment, and no pyvenv.cfg could be read`, createCommands(facts, rules));
    const apart: Finding = virtual.systemSitePackages
      ? { status: 'warn', line: 'packages of the system are seen, too (include-system-site-packages)' }
      : { status: 'pass', line: `it runs in ${virtual.path}, without packages of the system` };
    const remedy = virtual.systemSitePackages ? apartCommands(facts, virtual, rules) : 'deactivate # or: unset VIRTUAL_ENV';
    return verdictOf([apart, ...otherActive(facts, virtual)], { isVirtual, path: virtual.path, systemSitePackages: virtual.systemSitePackages, virtualEnv }, remedy);
  },
};

/** A tree that a run verified is not edited: its hashes are on record. */
function apartCommands(facts: EnvironmentFacts, { path }: VirtualFacts, rules: CheckRules): string {
  if (isForeign(facts)) return createCommands(facts, rules);
  if (isManaged(facts)) return `runbook env reset ${targetWord(facts)} --reason "sees packages of the system"`;
  return `sed -i 's/^include-system-site-packages.*/include-system-site-packages = false/' ${shellWord(`${path}/pyvenv.cfg`)}`;
}

/** Another environment is active in the process: what is called by name is not the project's. */
function otherActive({ virtualEnv, link }: EnvironmentFacts, { path }: VirtualFacts): Finding[] {
  const active = virtualEnv?.replace(/(.)\/+$/, '$1') ?? null;
  return active === null || active === link || active === path ? [] : [{ status: 'warn', line: `VIRTUAL_ENV names another environment: ${oneLine(active)}` }];
}
