/** People at their command lines: commands in this process, votes by hand, and what a policy needs for them to decide. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { approveCommand, rejectCommand } from '../../client/cli/commands/approve.js';
import { planCommand } from '../../client/cli/commands/plan.js';
import { runCommand } from '../../client/cli/commands/run.js';
import type { DecisionState } from '../../policy/model-approval.js';
import { decisionQuery, statusQuery } from '../../workflows/messages.js';
import { inProcess } from './in-process.js';
import { poll, type CliAnswer, type TestInstance } from './instance.js';
import { peopleOf, type TestPerson } from './people.js';

export { inProcess } from './in-process.js';

/** Nothing of the keys of whoever runs the tests. */
export function withoutOwnKeys(dir: string): void {
  Object.assign(process.env, { HOME: path.join(dir, 'home'), GIT_CONFIG_GLOBAL: '/dev/null' });
  delete process.env['RUNBOOK_KEY'];
  mkdirSync(process.env['HOME']!);
}

/** Puts people, roles and more beside what the instance's policy says. */
export function changePolicy(it: TestInstance, more: object): void {
  const file = path.join(it.home, 'config', 'policy.yaml');
  writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), ...more }));
}

/** `people` of a policy but for those who are strangers to it. */
export const peopleWithout = (people: Record<string, TestPerson>, ...strangers: string[]): ReturnType<typeof peopleOf> => peopleOf(Object.fromEntries(Object.entries(people).filter(([name]) => !strangers.includes(name))));

/** What a decision says itself; null before it is asked. */
export async function decisionOfRun(it: TestInstance, run: string): Promise<DecisionState | null> {
  const records = it.records();
  const workflowId = records.run(run)?.workflowId;
  records.close();
  if (!workflowId) return null;
  const asked = (await it.client.workflow.getHandle(workflowId).query(statusQuery)).decision;
  return asked ? it.client.workflow.getHandle(asked.workflowId).query(decisionQuery).catch(() => null) : null;
}

/** Waits until a run asks people for this, and nobody has decided it. */
export const untilAsked = (it: TestInstance, run: string, purpose: string): Promise<DecisionState> =>
  poll(async () => {
    const state = await decisionOfRun(it, run);
    return state?.request.facts.purpose === purpose && state.outcome === null ? state : null;
  }) as Promise<DecisionState>;

/** A voter who has nothing but ssh-keygen: text file and signature file. */
export function signByHand(dir: string, text: string, { file: key }: TestPerson, namespace = 'runbook.approval'): [string, string] {
  const file = path.join(mkdtempSync(path.join(dir, 'vote-')), 'v.txt');
  writeFileSync(file, text);
  execFileSync('ssh-keygen', ['-Y', 'sign', '-n', namespace, '-f', key, file], { stdio: 'ignore' });
  return [file, `${file}.sig`];
}

/** Plans an exception and asks for it; answers with what `run` said. */
export async function declare(it: TestInstance, asker: TestPerson, words: string[]): Promise<CliAnswer> {
  const plan = await inProcess(planCommand, 'plan', 'exception', it.project, ...words);
  const digest = /^plan ([0-9a-f]{8})/m.exec(plan.stdout)?.[1];
  if (digest === undefined) return plan;
  return inProcess(runCommand, 'run', 'exception', it.project, ...words, '--yes', '--plan', digest, '--key', asker.file, '--detach', '--json');
}

/** Short id of a run that was started with `--detach --json`. */
export const startedRun = ({ stdout, stderr }: CliAnswer): string => {
  const id = /"run":"([^"]+)"/.exec(stdout)?.[1];
  if (id === undefined) throw new Error(`expected a run to have been started, got ${stdout}${stderr}`);
  return id;
};

/** Looks at what is signed, and signs it as a script would: for the digest that was shown. */
export async function vote(run: string, person: TestPerson, verdict: 'approve' | 'reject' = 'approve'): Promise<CliAnswer> {
  const command = verdict === 'approve' ? approveCommand : rejectCommand;
  const looked = await inProcess(command, verdict, run, '--key', person.file);
  const digest = /the same words with --yes --plan ([0-9a-f]{8})/.exec(looked.stderr)?.[1];
  return digest === undefined ? looked : inProcess(command, verdict, run, '--yes', '--plan', digest, '--key', person.file);
}
