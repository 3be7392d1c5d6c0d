import type { Command } from 'commander';
import { describe, seconds, type RunState } from '../../../policy/describe.js';
import { REPORT_FORMS, runReport, type ReportForm } from '../../../policy/report.js';
import type { RunKind } from '../../../policy/model.js';
import type { RunView } from '../../../policy/run-view.js';
import { statusQuery } from '../../../workflows/messages.js';
import { headLine, stepLine, uiLink } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import { localTime, refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { findWorkflowId } from '../runs.js';
import { withClient } from '../temporal.js';
import { tilde } from '../words.js';

/** `runbook show RUN`: where it stands, from the records; what runs right now, from the run itself. */
export function showCommand(program: Command, io: Io): void {
  program
    .command('show <run>')
    .option('--report <form>', 'the whole record as md, html or json; made from the records alone')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  runbook show fb-7k2m\n  runbook show fb-7k2m --report html > report.html')
    .action(async (run: string, options: { report?: string; json?: boolean }) => {
      const instance = findInstance();
      const form = options.report === undefined ? null : readForm(options.report, run);
      const records = recordsOf(instance);
      const view = records?.run(run) ?? null;
      if (form) {
        if (!view) throw refusal([{ what: `run ${run}`, expected: 'a run on record', got: 'none of that name', wayOut: 'runbook list' }]);
        return io.out(runReport(form, view, records!.entriesOf(run)).trimEnd());
      }
      const live = view && (view.outcome || isUnsettled(view)) ? null : await askRun(instance, run, view === null);
      if (options.json) return io.out(JSON.stringify(view ?? live, null, 2));
      if (view) printView(io, view, live, instance);
      else printLive(io, live!);
    });
}

function readForm(given: string, run: string): ReportForm {
  const form = REPORT_FORMS.find((known) => known === given);
  if (form) return form;
  throw refusal([{ what: '--report', expected: 'md, html or json', got: given, wayOut: `runbook show ${run} --report md` }]);
}

/** What the run says of itself; null where only the records can tell. */
function askRun(instance: Instance, run: string, required: boolean): Promise<RunState | null> {
  const asked = withClient(instance, async (client) => {
    const handle = client.workflow.getHandle(await findWorkflowId(instance, client, run));
    return client.withDeadline(Date.now() + 5_000, () => handle.query(statusQuery));
  });
  return required ? asked : asked.catch(() => null);
}

function printView(io: Io, view: RunView, live: RunState | null, instance: Instance): void {
  io.out(headLine({ run: view.run, kind: view.kind as RunKind, env: view }, `${view.from ?? '—'} → ${view.to ?? '—'}`));
  io.out(`asked by ${view.requester} ${localTime(view.startedAt)}: ${view.reason}`);
  if (view.approval) io.out(`allowed: ${view.approval}`);
  for (const step of live?.steps ?? view.steps) io.out(stepLine(step));
  io.out(tilde(live ? describe(live).message : stateLine(view)));
  const command = isUnsettled(view) ? `runbook settle ${view.run} --keep or --undo` : live?.waitsFor?.command;
  if (command) io.out(`to act: ${command}`);
  const link = uiLink(instance.uiUrl, instance.namespace, view.workflowId);
  if (link) io.talk(`Web UI ${link}`);
}

/** Ended from outside: it would still answer with what it believed then. */
const isUnsettled = (view: RunView): boolean => view.phase === 'unsettled';

function stateLine(view: RunView): string {
  if (isUnsettled(view)) return `unsettled: ${view.message}`;
  return view.outcome ? `${view.outcome} in ${seconds({ startedAt: view.startedAt, endedAt: view.endedAt! })}: ${view.message}` : `${view.phase}: no answer from the run now`;
}

function printLive(io: Io, state: RunState): void {
  io.out(tilde(`${state.run}  ${state.kind}  ${state.where}  ${state.from ?? '—'} → ${state.to ?? '—'}`));
  for (const step of state.steps) io.out(stepLine(step));
  io.out(describe(state).message);
}
