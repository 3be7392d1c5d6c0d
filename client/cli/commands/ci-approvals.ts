import path from 'node:path';
import type { Command } from 'commander';
import { approvalOnRecord } from '../../../policy/approval-record.js';
import { readConstraints, statesVersions, type ConstraintFile } from '../../../policy/constraint-files.js';
import { changeText, compareConstraints, judgeConstraints, type ApprovalOnRecord, type Constraint, type ConstraintJudgement, type ConstraintRules } from '../../../policy/constraints.js';
import { parseWith } from '../../../policy/files/explain.js';
import { projectFileSchema } from '../../../policy/files/project-file.js';
import { isShortId, parseTarget } from '../../../policy/ids.js';
import { readPolicy } from '../files.js';
import { readFiles } from '../git-tree.js';
import { findInstance, type Instance } from '../instance.js';
import { couldNotTell, EXIT, refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { ciMatrixCommand } from './ci-matrix.js';
import { ciVersionCommand } from './ci-version.js';
import { ciWheelsCommand } from './ci-wheels.js';

interface Options {
  base: string;
  head: string;
  approval: string[];
  environment?: string;
  project?: string;
  policy: string;
  json?: boolean;
}

const PROJECT_FILE = 'runbook.yaml';

/** `runbook ci version|wheels|matrix|constraints`: what a pipeline asks. `constraints`: the check for pull requests (AP-02, AP-03, DIS-35). */
export function ciCommand(program: Command, io: Io): void {
  const ci = program.command('ci');
  ciVersionCommand(ci, io);
  ciWheelsCommand(ci, io);
  ciMatrixCommand(ci, io);
  ci.command('constraints')
    .description('refuse changes of Python versions that no interpreter change approved')
    .requiredOption('--base <place>', 'as it is: REF, REF:PATH, or ./PATH')
    .option('--head <place>', 'as it would be', '.')
    .option('--approval <run>', 'an interpreter change on record; may be repeated', (id: string, all: string[]) => [...all, id], [])
    .option('--environment <HOST:PATH>', 'the environment the approval must name; else one of the project')
    .option('--project <name>', `name of the project; else that of ${PROJECT_FILE}, or of the directory`)
    .option('--policy <path>', 'where the policy is in the repository', 'policy.yaml')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  runbook ci constraints --base origin/main --approval ic-7k2m')
    .action((options: Options) => {
      const instance = findInstance();
      const judged = judge(options, instance, process.cwd());
      tell(io, judged, options.json === true);
      process.exitCode = judged.every(({ allowed }) => allowed) ? EXIT.yes : EXIT.no;
    });
}

/** What changed, and what covers it. `cwd`: the repository. What a pull request says of itself decides nothing: the project's name is the base's. */
function judge(options: Options, instance: Instance, cwd: string): ConstraintJudgement[] {
  const policyPath = path.posix.normalize(options.policy);
  const wanted = (name: string): boolean => name === PROJECT_FILE || statesVersions(name, policyPath);
  const [base, head] = [readFiles(options.base, cwd, wanted), readFiles(options.head, cwd, wanted)];
  const project = options.project ?? projectOf(base.files) ?? path.basename(cwd);
  const files = base.isSingle || head.isSingle ? sameFile(base.files, head.files, policyPath) : withPolicy([base.files, head.files], policyPath);
  const [before, after] = files.map((some) => constraintsOf(some.filter(({ path: name }) => name !== PROJECT_FILE), policyPath));
  const changes = compareConstraints(before!, after!);
  return changes.length === 0 ? [] : judgeConstraints(changes, rulesOf(options, instance, project));
}

/** Two files that are compared have one name: what their own names, or the policy's, say they are. */
function sameFile(base: ConstraintFile[], head: ConstraintFile[], policyPath: string): ConstraintFile[][] {
  const name = [...base, ...head].map((file) => file.path).find((it) => statesVersions(it, policyPath)) ?? policyPath;
  return withPolicy([base, head].map((files) => files.slice(0, 1).map(({ text }) => ({ path: name, text }))), policyPath);
}

/** Where one side has a policy and the other none, the other has the documents' policy. */
function withPolicy(sides: ConstraintFile[][], policyPath: string): ConstraintFile[][] {
  const has = (files: ConstraintFile[]): boolean => files.some((file) => file.path === policyPath);
  return sides.some(has) ? sides.map((files) => (has(files) ? files : [...files, { path: policyPath, text: '' }])) : sides;
}

function constraintsOf(files: ConstraintFile[], policyPath: string): Constraint[] {
  const read = readConstraints(files, policyPath);
  if ('constraints' in read) return read.constraints;
  const { file, got } = read.problem;
  throw refusal([{ what: file, expected: 'a file whose Python versions can be read', got, wayOut: file === policyPath ? 'correct it (runbook policy check FILE), or name the policy with --policy PATH' : 'correct it' }]);
}

function projectOf(files: ConstraintFile[]): string | null {
  const file = files.find((it) => it.path === PROJECT_FILE);
  if (!file) return null;
  const parsed = parseWith(projectFileSchema, file.text, { file: PROJECT_FILE, format: 'yaml' });
  if (!parsed.ok) throw refusal(parsed.objections);
  return parsed.value.name;
}

/** From the policy in force and the records: a pull request can't bring its own. */
function rulesOf(options: Options, instance: Instance, project: string): ConstraintRules {
  const { interpreterChange } = readPolicy(instance.paths).policy;
  const revision = interpreterChange.steps.findIndex((step) => step.policyRevision);
  return {
    approvals: approvalsOf(options.approval, instance),
    standingLanes: interpreterChange.standingLanes,
    stepsBeforeRevision: interpreterChange.steps.slice(0, Math.max(0, revision)).map(({ name }) => name),
    project,
    environment: options.environment === undefined ? null : environmentOf(options.environment, instance),
  };
}

function environmentOf(raw: string, { host }: Instance): string {
  const parsed = parseTarget(raw);
  if ('problem' in parsed || !path.posix.isAbsolute(parsed.path)) throw refusal([{ what: `environment ${JSON.stringify(raw)}`, expected: 'HOST:PATH[#NAME] with an absolute path', got: 'problem' in parsed ? parsed.problem : 'a relative path', wayOut: 'runbook env list' }]);
  const isLink = parsed.name === null && path.posix.basename(parsed.path).startsWith('.venv');
  return `${parsed.host ?? host}:${isLink ? parsed.path : path.posix.join(parsed.path, parsed.name ?? '.venv')}`;
}

function approvalsOf(ids: string[], instance: Instance): ApprovalOnRecord[] {
  const unfit = ids.find((id) => !isShortId(id));
  if (unfit !== undefined) throw unknownApproval(unfit);
  if (ids.length === 0) return [];
  const records = recordsOf(instance);
  if (records === null) throw couldNotTell('the approval', `records at ${instance.paths.recordsDb}`, 'none', 'run this where the records are, or set RUNBOOK_HOME');
  try {
    return ids.map((id) => {
      const view = records.run(id);
      if (view === null) throw unknownApproval(id);
      return approvalOnRecord(view, records.entriesOf(view.chain).map(({ entry }) => entry));
    });
  } finally {
    records.close();
  }
}

const unknownApproval = (id: string) => refusal([{ what: `--approval ${id}`, expected: 'the short id of an interpreter change on record', got: 'none of that name', wayOut: 'runbook list' }]);

function tell(io: Io, judged: ConstraintJudgement[], asJson: boolean): void {
  const refused = judged.filter(({ allowed }) => !allowed);
  if (asJson) io.out(JSON.stringify({ allowed: refused.length === 0, changes: judged }, null, 2));
  else if (judged.length === 0) io.out('no Python version changed');
  else for (const { change, allowed, why } of judged) io.out(`${allowed ? '✓' : '✗'} ${changeText(change)}: ${why}`);
  if (refused.length === 0) return;
  io.talk(`refused: ${refused.length} of ${judged.length} changes of Python versions: expected an interpreter change on record for each, from and to exactly these versions (AP-02, AP-03)`);
  io.talk('  try: runbook run interpreter-change, and then --approval ic-…; lanes that never block can have a standing approval (interpreterChange.standingLanes of the policy)');
}
