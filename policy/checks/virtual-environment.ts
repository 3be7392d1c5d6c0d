/** Check 2 (PF-07, PF-08, DEF-02): the environment still is of the interpreter it was made from. */
import { oneLine, shellWord } from '../text.js';
import { comparePython, matchesSpec, parsePythonVersion } from '../versions.js';
import type { EnvironmentFacts, VirtualFacts } from './facts.js';
import type { Check, CheckRules } from './model.js';
import { changeCommands, createCommands, executableOf, isForeign, isManaged, reinstallCommands, targetWord } from './remedies.js';
import { unmeasured, verdictOf, type Finding } from './verdict.js';

export const virtualEnvironment: Check = {
  name: 'virtual-environment',
  title: 'Virtual environment',
  blocking: true,
  judge(facts, rules) {
    const { interpreter, virtual } = facts;
    if (!interpreter.ok) return unmeasured(`no interpreter could be asked: ${oneLine(interpreter.problem)}`, changeCommands(facts, rules));
    const { version, isVirtual, executable } = interpreter.value;
    if (!isVirtual) {
      return verdictOf([{ status: 'warn', line: `${executable} runs outside a virtual environment; one keeps the project's packages apart` }], { isVirtual, version }, createCommands(facts, rules));
    }
    if (virtual === null) return unmeasured(`${executable} says it is of a virtual environment, and no pyvenv.cfg could be read`, rebuildCommands(facts, rules));
    const evidence = { isVirtual, path: virtual.path, version, configured: virtual.configured, base: virtual.base.ok ? virtual.base.value.version : null };
    return verdictOf([againstBase(version, virtual), ...againstConfigured(version, virtual), { status: 'pass', line: `virtual environment ${virtual.path}` }], evidence, rebuildCommands(facts, rules));
  },
};

function againstBase(version: string, { base }: VirtualFacts): Finding {
  if (!base.ok) return { status: 'unknown', line: `the interpreter it was made from could not be asked: ${oneLine(base.problem)}` };
  const { executable, version: own } = base.value;
  if (isSame(version, own)) return { status: 'pass', line: `it runs Python ${version}, as the interpreter it was made from, ${executable}` };
  return { status: 'fail', line: `it runs Python ${version}; the interpreter it was made from, ${executable}, is ${own}` };
}

/** A base that was replaced in place: environment and base agree with each other, and neither is what the packages were made for. */
function againstConfigured(version: string, { configured }: VirtualFacts): Finding[] {
  if (configured === null) return [];
  const made = configured.replace(/\.final\.0$/, '');
  if (isSameRelease(version, made) || matchesSpec(version, made)) return [];
  if (parsePythonVersion(made) === null && !/^\d+\.\d+$/.test(made)) return [{ status: 'unknown', line: `its pyvenv.cfg names no version that can be read: ${oneLine(configured, 80)}` }];
  return [{ status: 'fail', line: `it was made for Python ${configured} (pyvenv.cfg), and runs ${version}` }];
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [parsePythonVersion(a), parsePythonVersion(b)];
  return left !== null && right !== null ? comparePython(left, right) === 0 : a === b;
}

/** venv writes three numbers and no more: of a release candidate, too. */
function isSameRelease(a: string, b: string): boolean {
  const [left, right] = [parsePythonVersion(a), parsePythonVersion(b)];
  return left !== null && right !== null && left.major === right.major && left.minor === right.minor && left.patch === right.patch;
}

function rebuildCommands(facts: EnvironmentFacts, rules: CheckRules): string {
  if (isForeign(facts)) return createCommands(facts, rules);
  if (isManaged(facts)) return `runbook env reset ${targetWord(facts)} --reason "its interpreter was replaced"`;
  const version = facts.interpreter.ok ? facts.interpreter.value.version : '3';
  return [`${executableOf(version)} -m venv --clear ${shellWord(facts.virtual?.path ?? facts.link)}`, reinstallCommands(facts, facts.lock.path, rules)].join('\n');
}
