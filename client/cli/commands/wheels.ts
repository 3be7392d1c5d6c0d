import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import type { EnvironmentRef } from '../../../policy/model.js';
import { toHtml } from '../../../policy/report/html.js';
import { toMarkdown } from '../../../policy/report/markdown.js';
import { checklistLines, checklistPage, verdictWord, wheelChecklist, type Checklist } from '../../../policy/wheel-checklist.js';
import type { PlanAnswer } from '../../../workflows/plan-change.js';
import { findInstance, type Instance } from '../instance.js';
import { couldNotTell, EXIT, refusal, table, type Io } from '../io.js';
import { changeRequest } from '../request.js';
import { readTarget } from '../target.js';
import { withClient } from '../temporal.js';
import { placeOf } from '../words.js';
import { askForPlan } from './plan.js';
import { wheelsHealthCommand } from './wheels-health.js';

/** What the exit code says: is there a way back to the fallback interpreter, should it be needed (PV-17)? */
const CODES = { yes: EXIT.yes, no: EXIT.no, 'could-not-tell': EXIT.couldNotTell } as const;

/** `runbook wheels [PATH]`: the wheel-availability checklist of a project's lock (PV-13); `health`: of what stands. Change nothing. */
export function wheelsCommand(program: Command, io: Io): void {
  const wheels = program.command('wheels [target]');
  wheelsHealthCommand(wheels, io);
  wheels
    .option('--report <form>', 'md or html, to publish it; default: a table')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExit code: 0 the fallback has a wheel for each package, 1 it lacks one, 69 could not tell\n\nExamples:\n  runbook wheels\n  runbook wheels web-01:/srv/pricer --report md > wheels.md')
    .action(async (target: string | undefined, options: { report?: string; json?: boolean }) => {
      const { report } = options;
      if (report !== undefined && report !== 'md' && report !== 'html') throw refusal([{ what: '--report', expected: 'md or html', got: report, wayOut: 'runbook wheels --report md' }]);
      const instance = findInstance();
      const checklist = await askForChecklist(instance, readTarget(target ?? '.', instance));
      if (options.json) io.out(JSON.stringify(checklist, null, 2));
      else if (report) io.out((report === 'md' ? toMarkdown : toHtml)(checklistPage(checklist)).trimEnd());
      else printChecklist(io, checklist, instance);
      process.exitCode = CODES[checklist.verdict];
    });
}

/** Asks the host's agent through the plan of a fallback: the same question, the same answer. */
function askForChecklist(instance: Instance, env: EnvironmentRef): Promise<Checklist> {
  // Of a project that has no environment yet, too.
  const create = env.host === instance.host && !existsSync(env.link);
  const { request } = changeRequest(instance, 'fallback', env, { create });
  return withClient(instance, async (client) => {
    const answer = await askForPlan(client, instance, request);
    const [primary, fallback] = verdictsOf(answer);
    if (primary && fallback) return wheelChecklist(env, primary, fallback);
    if (answer.refused) throw refusal(answer.refused);
    throw couldNotTell(`wheels of ${env.link}`, 'a verdict for the primary and the fallback interpreter', 'none', 'runbook doctor');
  });
}

/** The verdicts stand also where a plan is refused for another reason: disk, what runs there. */
const verdictsOf = (answer: PlanAnswer): Extract<PlanAnswer, { verdicts: object }>['verdicts'] => ('verdicts' in answer ? (answer as Extract<PlanAnswer, { verdicts: object }>).verdicts : []);

function printChecklist(io: Io, checklist: Checklist, instance: Instance): void {
  const { rows, primary, fallback, missing, env } = checklist;
  const cells = rows.map((row) => [row.project, row.version, verdictWord(row.primary), verdictWord(row.fallback), row.why]);
  for (const line of table(['PACKAGE', 'VERSION', primary, fallback, 'WHY'], cells, 'start')) io.out(line);
  for (const line of checklistLines(checklist)) io.talk(line);
  if (missing.primary.length > 0 && checklist.verdict === 'yes') io.talk(`next: runbook plan fallback ${placeOf(env, instance.host)}`);
}
