/** Check 6 (PF-14, DEF-01, DIS-12): no critical file can be written by everybody. One that is not there is noted. */
import { counted } from '../text.js';
import { isWorldWritable, modeText } from './file-mode.js';
import type { EnvironmentFacts } from './facts.js';
import type { Check } from './model.js';
import { fileWord } from './remedies.js';
import { verdictOf, type Finding } from './verdict.js';

export const securityPermissions: Check = {
  name: 'security-permissions',
  title: 'Security',
  blocking: true,
  judge(facts, { criticalFiles }) {
    const findings = criticalFiles.map((path) => findingOf(path, facts));
    const insecure = criticalFiles.filter((_, at) => findings[at]!.status === 'fail');
    const evidence = { insecure, modes: Object.fromEntries(facts.files.map(({ path, mode }) => [path, mode === null ? null : modeText(mode)])) };
    return verdictOf([summary(insecure.length, findings), ...findings], evidence, insecure.length > 0 ? `chmod o-w ${insecure.map((path) => fileWord(facts, path)).join(' ')}` : `ls -l ${criticalFiles.map((path) => fileWord(facts, path)).join(' ')}`);
  },
};

function findingOf(path: string, { files }: EnvironmentFacts): Finding {
  const file = files.find((one) => one.path === path);
  if (file === undefined) return { status: 'unknown', line: `${path}: its permissions were not read` };
  if (file.mode === null) return { status: 'pass', line: `${path}: not present` };
  return isWorldWritable(file.mode) ? { status: 'fail', line: `${path}: everybody may write it (mode ${modeText(file.mode)})` } : { status: 'pass', line: `${path}: secure (mode ${modeText(file.mode)})` };
}

function summary(insecure: number, findings: readonly Finding[]): Finding {
  if (insecure > 0) return { status: 'fail', line: `${counted(insecure, 'file')} can be written by everybody` };
  const untold = findings.filter(({ status }) => status === 'unknown').length;
  return untold > 0 ? { status: 'unknown', line: `${counted(untold, 'file')} could not be judged` } : { status: 'pass', line: 'no critical file can be written by everybody' };
}
