import type { Command } from 'commander';
import { describe, seconds, type RunState } from '../../../policy/describe.js';
import { REPORT_FORMS, runReport, type ReportForm } from '../../../policy/report.js';
import { SIGNATURE_NAMESPACE, type VoteVerdict } from '../../../policy/model-approval.js';
import type { RunKind } from '../../../policy/model.js';
import type { RunView } from '../../../policy/run-view.js';
import { approvalText } from '../../../policy/signed-texts.js';
import { statusQuery } from '../../../workflows/messages.js';
import { decisionOf } from '../decisions.js';
import { documentsText, headLine, stepLine, uiLink, widthOf } from '../follow.js';
import { findInstance, type Instance } from '../instance.js';
import { localTime, refusal, type Io } from '../io.js';
import { recordsOf } from '../known-runs.js';
import { approvalLines, decidedJson, reportMore } from '../run-approval.js';
import { findWorkflowId } from '../runs.js';
import { withClient } from '../temporal.js';
import { tilde } from '../words.js';

/** `runbook show RUN`: where it stands, from the records; what runs right now, from the run itself. */
export function showCommand(program: Command, io: Io): void {
  program
    .command('show <run>')
    .option('--report <form>', 'the whole record as md, html or json; made from the records alone')
    .option('--to-sign', 'exactly the text a vote for it signs, and nothing else')
    .option('--reject', 'with --to-sign: the text of a vote against it')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  runbook show fb-7k2m\n  runbook show fb-7k2m --report html > report.html\n  runbook show ex-3p9d --to-sign > v.txt')
    .action(async (run: string, options: { report?: string; json?: boolean; toSign?: boolean; reject?: boolean }) => {
      const instance = findInstance();
      if (options.toSign) return printTextToSign(io, instance, run, options.reject ? 'reject' : 'approve');
      const form = options.report === undefined ? null : readForm(options.report, run);
      const records = recordsOf(instance);
      const view = records?.run(run) ?? null;
      if (form) {
        if (!view) throw refusal([{ what: `run ${run}`, expected: 'a run on record', got: 'none of that name', wayOut: 'runbook list' }]);
        return io.out(runReport(form, view, records!.entriesOf(run), reportMore(records!, view, io.now())).trimEnd());
      }
      const live = view && (view.outcome || isUnsettled(view)) ? null : await askRun(instance, run, view === null);
      const entries = view ? records!.entriesOf(view.chain).map(({ entry }) => entry) : [];
      if (options.json) return io.out(JSON.stringify(view ? { ...view, ...decidedJson(view, entries) } : live, null, 2));
      if (view) printView(io, view, live, instance, approvalLines(view, entries, io.now()));
      else printLive(io, live!);
    });
}

/** The bytes to be signed: no folding and no line of ours between them. */
async function printTextToSign(io: Io, instance: Instance, run: string, verdict: VoteVerdict): Promise<void> {
  const { state: { request: { facts, deadline }, outcome } } = await withClient(instance, (client) => decisionOf(instance, client, run));
  if (outcome !== null) throw refusal([{ what: `the decision of ${run}`, expected: 'one that is open', got: outcome, wayOut: `runbook show ${run}` }]);
  io.out(approvalText(facts, verdict).replace(/\n$/, ''));
  io.talk(`to sign it as v.txt: ssh-keygen -Y sign -n ${SIGNATURE_NAMESPACE.approval} -f YOUR_KEY v.txt\nto carry it back, until ${localTime(deadline)}: runbook vote v.txt v.txt.sig`);
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

function printView(io: Io, view: RunView, live: RunState | null, instance: Instance, decided: string[]): void {
  io.out(headLine({ run: view.run, kind: view.kind as RunKind, env: view }, `${view.from ?? live?.from ?? '—'} → ${view.to ?? live?.to ?? '—'}`));
  io.out(`asked by ${view.requester} ${localTime(view.startedAt)}: ${view.reason}`);
  if (view.approval) io.out(`${WITHOUT_LEAVE.has(view.approval) ? 'approval' : 'allowed'}: ${view.approval}`);
  for (const line of decided) io.out(line);
  for (const step of live?.steps ?? view.steps) io.out(stepLine(step, widthOf(view.kind)));
  for (const line of live?.review ? reviewLeft(live.review) : []) io.out(line);
  io.out(tilde(live ? describe(live).message : stateLine(view)));
  const command = isUnsettled(view) ? `runbook settle ${view.run} --keep or --undo` : live?.waitsFor?.command;
  if (command) io.out(`to act: ${command}`);
  const link = uiLink(instance.uiUrl, instance.namespace, view.workflowId);
  if (link) io.talk(`Web UI ${link}`);
}

/** Steps that are still to come, the open one with what it misses or has. */
function reviewLeft(review: NonNullable<RunState['review']>): string[] {
  const { steps, open, missing } = review;
  return steps.filter(({ outcome }) => outcome === null).map(({ name, evidence }) => {
    const has = evidence.map((one) => `${one.name} sha256:${one.sha256.slice(0, 8)}… from ${one.by}`).join(', ');
    return `  ${name === open ? '…' : '·'} ${name.padEnd(widthOf('interpreter-change')!)}  ${name !== open ? 'to come' : missing.length > 0 ? `open: waits for ${documentsText(review)}` : `open${has ? `: ${has}` : ''}`}`;
  });
}

/** What is said of an approval while nobody has given it. */
const WITHOUT_LEAVE: ReadonlySet<string> = new Set(['not yet', 'asked', 'denied', 'expired', 'withdrawn']);

/** Ended from outside: it would still answer with what it believed then. */
const isUnsettled = (view: RunView): boolean => view.phase === 'unsettled';

function stateLine(view: RunView): string {
  if (isUnsettled(view)) return `unsettled: ${view.message}`;
  return view.outcome ? `${view.outcome} in ${seconds({ startedAt: view.startedAt, endedAt: view.endedAt! })}: ${view.message}` : `${view.phase}: no answer from the run now`;
}

function printLive(io: Io, state: RunState): void {
  io.out(tilde(`${state.run}  ${state.kind}  ${state.where}  ${state.from ?? '—'} → ${state.to ?? '—'}`));
  for (const step of state.steps) io.out(stepLine(step, widthOf(state.kind)));
  for (const line of state.review ? reviewLeft(state.review) : []) io.out(line);
  io.out(describe(state).message);
}
