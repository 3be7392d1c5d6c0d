/** Every command in one line each. A command's own file is loaded when it is the one that was typed. */
import type { Command } from 'commander';
import type { Io } from './io.js';

type Register = (program: Command, io: Io) => void;

export interface CommandEntry {
  /** Name and arguments as commander writes them. */
  usage: string;
  summary: string;
  load(): Promise<Register>;
}

/** In the order of a first session. */
export const COMMANDS: CommandEntry[] = [
  { usage: 'init [path]', summary: 'write runbook.yaml for a project, and agent.yaml for this host', load: async () => (await import('./commands/init.js')).initCommand },
  { usage: 'doctor', summary: 'look at this host: server, agent, interpreters, index, policy', load: async () => (await import('./commands/doctor.js')).doctorCommand },
  { usage: 'demo', summary: 'see a wheel fallback on a real service, here, in a minute', load: async () => (await import('./commands/demo.js')).demoCommand },
  { usage: 'up', summary: 'start server, Web UI, control worker and agent here', load: async () => (await import('./commands/processes.js')).upCommand },
  { usage: 'agent', summary: "run this host's agent against an existing server", load: async () => (await import('./commands/processes.js')).agentCommand },
  { usage: 'worker', summary: 'run a control worker against an existing server', load: async () => (await import('./commands/processes.js')).workerCommand },
  { usage: 'plan <kind> <target>', summary: 'say what a run would do, and change nothing', load: async () => (await import('./commands/plan.js')).planCommand },
  { usage: 'describe <kind>', summary: 'a runbook in words: steps, limits, commands, and how to do it by hand', load: async () => (await import('./commands/describe.js')).describeCommand },
  { usage: 'wheels [target]', summary: 'which packages have a wheel, for primary and fallback; health of what stands', load: async () => (await import('./commands/wheels.js')).wheelsCommand },
  { usage: 'preflight [path]', summary: 'may this environment run? seven checks, alone', load: async () => (await import('./commands/preflight.js')).preflightCommand },
  { usage: 'verify [path]', summary: 'verify an environment: PASSED 0, WARNING 2, FAILED 1', load: async () => (await import('./commands/verify.js')).verifyCommand },
  { usage: 'guard [command...]', summary: 'run a command only in a compliant environment that has not ended', load: async () => (await import('./commands/guard.js')).guardCommand },
  { usage: 'gate [path] [command...]', summary: 'preflight and verify before a deployment, then the deployment', load: async () => (await import('./commands/gate.js')).gateCommand },
  { usage: 'compliance', summary: "the policy's compliance check: interpreter and project", load: async () => (await import('./commands/compliance.js')).complianceCommand },
  { usage: 'run <kind> <target>', summary: 'plan, ask, carry out, and follow it', load: async () => (await import('./commands/run.js')).runCommand },
  { usage: 'inbox', summary: 'what waits for a decision: yours first, the nearest deadline first', load: async () => (await import('./commands/inbox.js')).inboxCommand },
  { usage: 'approve <run>', summary: 'sign for a run that waits, with a key of your own', load: async () => (await import('./commands/approve.js')).approveCommand },
  { usage: 'reject <run>', summary: 'sign against it', load: async () => (await import('./commands/approve.js')).rejectCommand },
  { usage: 'vote <text-file> <sig-file>', summary: 'carry back what somebody signed with ssh-keygen', load: async () => (await import('./commands/vote.js')).voteCommand },
  { usage: 'evidence <run> <step> <file>', summary: 'hand in a document that a step of a review waits for', load: async () => (await import('./commands/evidence.js')).evidenceCommand },
  { usage: 'list', summary: 'runs, newest first', load: async () => (await import('./commands/list.js')).listCommand },
  { usage: 'show <run>', summary: 'one run: its steps, its state, what it waits for', load: async () => (await import('./commands/show.js')).showCommand },
  { usage: 'watch <run>', summary: 'follow a run to its end; the exit code is its outcome', load: async () => (await import('./commands/watch.js')).watchCommand },
  { usage: 'logs <run>', summary: 'the trail of one run, entry by entry', load: async () => (await import('./commands/logs.js')).logsCommand },
  { usage: 'why <target>', summary: 'which Python stands there, since when, and who put it there', load: async () => (await import('./commands/why.js')).whyCommand },
  { usage: 'abort <run>', summary: 'stop a run and undo what it did', load: async () => (await import('./commands/abort.js')).abortCommand },
  { usage: 'undo [target]', summary: 'go back to the environment before the last change', load: async () => (await import('./commands/undo.js')).undoCommand },
  { usage: 'settle <run>', summary: 'decide about what a terminated run left behind', load: async () => (await import('./commands/settle.js')).settleCommand },
  { usage: 'env', summary: 'environments: list, create, adopt, reset, prune, history', load: async () => (await import('./commands/env.js')).envCommand },
  { usage: 'host', summary: 'hosts: list, accept, interpreters', load: async () => (await import('./commands/host.js')).hostCommand },
  { usage: 'policy', summary: 'the policy in force: check, show, versions, sign, signers', load: async () => (await import('./commands/policy.js')).policyCommand },
  { usage: 'exception', summary: 'exceptions: list, root-cause', load: async () => (await import('./commands/exception.js')).exceptionCommand },
  { usage: 'due', summary: 'dates of the policy and ends of exceptions: what is overdue, what comes', load: async () => (await import('./commands/due.js')).dueCommand },
  { usage: 'ci', summary: 'checks for pipelines: version, wheels, matrix, constraints', load: async () => (await import('./commands/ci-approvals.js')).ciCommand },
  { usage: 'audit', summary: 'the audit trail: verify, export', load: async () => (await import('./commands/audit.js')).auditCommand },
  { usage: 'completion <shell>', summary: 'completion for bash, zsh or fish', load: async () => (await import('./commands/completion.js')).completionCommand },
];

export const nameOf = ({ usage }: CommandEntry): string => usage.split(' ')[0]!;
