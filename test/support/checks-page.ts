/** docs/checks.md: every check as an operator meets it, made from the checks themselves over facts on which they do not pass (PF-28). */
import { checkLines } from '../../client/cli/check-output.js';
import { MANUAL_SECTIONS } from '../../policy/checks/manual-items.js';
import type { Check, CheckRules } from '../../policy/checks/model.js';
import { judge, MANUAL_CHECKS, manualPreflight, PREFLIGHT_CHECKS } from '../../policy/checks/preflight.js';
import { verify } from '../../policy/checks/verification.js';
import { goodFacts, rules } from './check-facts.js';
import { CHECK_WORDS, VERIFIER_WORDS } from './checks-words.js';
import { FAILING_CHECKS, FAILING_VERIFIER, type FailingCase } from './failing-facts.js';

/** No advisory fits what is installed: only a case that is about them has some that do. */
const RULES: Partial<CheckRules> = { advisories: [{ project: 'jinja2', versions: '<3.1.6', id: 'CVE-2025-27516', text: '' }] };
const ELSEWHERE: Partial<CheckRules> = { stage: 'staging', onWarning: 'pass', severity: { lockMissing: 'warning', lockMismatch: 'warning' } };

const INTRO = `# The checks, one by one

What each check of \`runbook preflight\` and \`runbook verify\` looks at, what it means that it does not pass, and what to type. \`/srv/pricer\` stands for your
project; the same commands with your paths are below each line of \`runbook preflight PATH\`. [preflight.md](preflight.md) has statuses, exit codes and the gate.

<!-- Written by dist/test/write-checks-page.js from the checks themselves; a test says when it is stale. -->

## First

1. \`runbook preflight PATH\` and \`runbook verify PATH\`: all of it, not only the line in the alert. Both only look, and leave a log or a result in the working folder.
2. \`runbook why PATH\`: which run put there what stands, when, and who allowed it; or that somebody changed it by hand.
3. It was well before the last run: \`runbook undo PATH --reason "…"\` goes back within seconds; with no server, \`runbook undo PATH --local --reason "…"\`.
4. Otherwise find the line below. \`runbook run\`, \`env create\` and \`env reset\` show their plan and ask first; \`pip\` and \`chmod\` do not.

\`✗\` failed, \`?\` could not be measured (never taken for a pass), \`!\` is a warning. A check that blocks makes preflight \`NOT_READY\` with \`✗\` or \`?\`.
An environment that a run made (\`.venvs/…\` behind the link) is replaced, never repaired in place; one made by hand is repaired by \`pip\`: where a line stands here
twice, that is why.
`;

/** The whole page. */
export function checksPage(): string {
  return [
    INTRO, indexTable(), '## Preflight\n',
    ...PREFLIGHT_CHECKS.map((check) => section(check, check.blocking ? 'blocks' : 'only warns')),
    '## With `--manual`\n\nAsked beside the seven by `runbook preflight PATH --manual`, for the form that a person signs. None of them blocks by itself.\n',
    ...MANUAL_CHECKS.map((check) => section(check, 'for the form')),
    '## The verifier\n\n`FAILED` (1) where a line is `critical`, `WARNING` (2) where one is `warning`; a `notice` changes nothing. At a gate `critical` always blocks, and for a `warning` the\nclass of hosts says what it means ([preflight.md](preflight.md#before-a-deployment)).\n',
    ...Object.keys(FAILING_VERIFIER).map(verifierSection),
  ].join('\n');
}

function indexTable(): string {
  const row = ({ title, name }: Check, what: string): string => `| [${title}](#${anchor(title)}) | \`${name}\` | ${what} |`;
  return ['| line | in `--json` | |', '| --- | --- | --- |', ...PREFLIGHT_CHECKS.map((check) => row(check, check.blocking ? 'blocks' : 'only warns')), ...MANUAL_CHECKS.map((check) => row(check, '`--manual`')), ''].join('\n');
}

const anchor = (title: string): string => title.toLowerCase().replaceAll(' ', '-');

function section(check: Check, what: string): string {
  const { looksAt, means } = wordsOf(CHECK_WORDS, check.name);
  return [`### ${check.title}\n`, `\`${check.name}\`, ${what}. ${looksAt}\n`, `${means}\n`, '```', casesOf(check).join('\n\n'), '```\n', ...byHand(check.name)].join('\n');
}

/** As preflight prints them. Two situations with the same lines are one to who reads them. */
const casesOf = (check: Check): string[] => [...new Set(wordsOf(FAILING_CHECKS, check.name).map((given) => checkLines([resultOf(check, given)]).join('\n')))];

function resultOf(check: Check, { facts, rules: changed }: FailingCase): ReturnType<typeof judge> {
  const result = judge(check, goodFacts(facts), rules({ ...RULES, ...changed }));
  if (result.status === 'pass') throw new Error(`${check.name}: expected facts on which it does not pass, got ${result.lines.join('; ')}`);
  return result;
}

/** The manual list's commands, of an environment that is right. */
function byHand(name: string): string[] {
  const report = manualPreflight(goodFacts(), rules(RULES));
  const commands = MANUAL_SECTIONS.flatMap(({ items }) => items.filter(({ check }) => check === name).map((item) => item.byHand(report)));
  return commands.length === 0 ? [] : ['To look by hand:\n', '```sh', ...new Set(commands), '```\n'];
}

function verifierSection(part: string): string {
  const { looksAt, todo } = wordsOf(VERIFIER_WORDS, part);
  const rows = wordsOf(FAILING_VERIFIER, part).flatMap((given) => verifierRows(part, given));
  return [`### \`${part}\`\n`, `${looksAt}\n`, '| says | production | elsewhere |', '| --- | --- | --- |', ...new Set(rows), '', `What to do: ${todo}.\n`].join('\n');
}

/** A row for each message, by its weight on either kind of host. */
function verifierRows(part: string, { facts, rules: changed }: FailingCase): string[] {
  const [production, elsewhere] = [RULES, { ...RULES, ...ELSEWHERE }].map((stage) => weights(part, { facts, rules: { ...stage, ...changed } }));
  if (production!.size === 0) throw new Error(`${part}: expected facts of which the verifier says something, got none`);
  return [...production!].map(([message, weight]) => `| ${message.replaceAll('|', '\\|')} | ${weight} | ${elsewhere!.get(message) ?? 'nothing'} |`);
}

function weights(part: string, { facts, rules: changed }: FailingCase): Map<string, string> {
  const { violations, warnings } = verify(goodFacts(facts), rules(changed));
  return new Map([...violations, ...warnings.map((one) => ({ ...one, severity: 'notice' }))].filter(({ check }) => check === part).map(({ message, severity }) => [message, severity]));
}

function wordsOf<T>(all: Record<string, T>, name: string): T {
  const found = all[name];
  if (found === undefined) throw new Error(`${name}: expected words and facts for docs/checks.md (test/support/checks-words.ts, failing-facts.ts), got none`);
  return found;
}
