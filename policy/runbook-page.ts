/** A runbook as a page to read before it is needed: steps, limits, what is asked, the commands, and what was learned (WF-54). */
import type { PolicyFile } from './files/policy-file.js';
import type { RunKind } from './model.js';
import { code, fields, list, preformatted, words } from './report/page.js';
import type { Block, Page, Words } from './report/page.js';
import { RUNBOOKS } from './runbook-steps.js';
import type { RunbookStep } from './runbook-steps.js';

/** A runbook with the versions and lessons of a policy in it; the JSON form of `runbook describe`. */
export interface DescribedRunbook {
  kind: RunKind;
  title: string;
  when: string;
  policy: { version: string; effective: string; digest: string };
  interpreters: { primary: string; fallback: string };
  steps: RunbookStep[];
  asks: string[];
  commands: { command: string; what: string }[];
  knownIssues: PolicyFile['knownIssues'];
}

export function describeRunbook(kind: RunKind, { policy, digest }: { policy: PolicyFile; digest: string }): DescribedRunbook {
  const { steps, ...runbook } = RUNBOOKS[kind];
  const { primary, fallback } = policy.interpreters;
  const names = { PRIMARY: executable(primary.version), FALLBACK: executable(fallback.version), NEW: executable(kind === 'fallback' ? fallback.version : primary.version) };
  const named = (text: string): string => text.replace(/\b(PRIMARY|FALLBACK|NEW)\b/g, (word) => names[word as keyof typeof names]);
  return {
    ...runbook,
    policy: { version: policy.header.version, effective: policy.header.effective, digest },
    interpreters: { primary: primary.version, fallback: fallback.version },
    steps: steps.map((step) => ({ ...step, byHand: step.byHand.map(named) })),
    knownIssues: policy.knownIssues,
  };
}

/** `3.12.x` is `python3.12` on a shell. */
const executable = (version: string): string => `python${version.split('.').slice(0, 2).join('.')}`;

export function runbookPage({ title, kind, when, policy, interpreters, steps, asks, commands, knownIssues }: DescribedRunbook): Page {
  return {
    title: `${title} (${kind})`,
    badge: { word: `policy ${policy.version}`, tone: 'open' },
    lead: when,
    sections: [
      { title: 'Which interpreters', blocks: [fields(['Primary', interpreters.primary], ['Fallback', interpreters.fallback], ['Policy', [`${policy.version}, effective ${policy.effective}, sha256 `, code(policy.digest)]])] },
      { title: 'Commands', blocks: [list(commands.map(({ command, what }): Words => [code(command), `: ${what}`]))] },
      { title: 'What a person is asked', blocks: [list(asks)] },
      ...steps.map((step, at) => ({ title: `${at + 1}. ${step.name}`, blocks: stepBlocks(step) })),
      { title: 'Known issues', blocks: [knownIssues.length > 0 ? list(knownIssues.map(({ packages, python, text }) => `${packages.join(', ')} on Python ${python}: ${text}`)) : words('None is in the policy. What a run finds out goes there, under ', code('knownIssues'), '.')] },
    ],
  };
}

function stepBlocks({ does, otherwise, limit, byHand, only }: RunbookStep): Block[] {
  const rows: [string, Words][] = [...(only ? [['Only', only] as [string, Words]] : []), ['If not', otherwise], ['Time limit', limit]];
  return [words(does), fields(...rows), ...(byHand.length > 0 ? [words('By hand:'), preformatted(byHand.join('\n'))] : [])];
}
