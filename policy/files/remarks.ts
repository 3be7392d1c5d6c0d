/** What `policy check` remarks and does not refuse: an empty file is a laptop's policy, and production should not be ruled by silence. */
import { parse } from 'yaml';
import type { PolicyFile } from './policy-file.js';

/** The class as it was written, before defaults: 0 that somebody wrote is a decision, 0 by default is none. */
interface Written {
  approvals?: { change?: unknown };
}

/** `text`: the file that `policy` was read from. */
export function policyRemarks(text: string, { hostClasses, defaultClass, policyRevision }: PolicyFile): string[] {
  const written = (parse(text, { stringKeys: true }) ?? {}) as { hostClasses?: Record<string, Written>; defaultClass?: Written };
  const classes = [
    ...Object.entries(hostClasses).map(([name, rules]) => ({ place: `hostClasses.${name}`, rules, said: written.hostClasses?.[name] })),
    { place: 'defaultClass', rules: defaultClass, said: written.defaultClass },
  ].filter(({ rules }) => rules.stage === 'production');
  const silent = classes.filter(({ said }) => said?.approvals?.change === undefined);
  return [
    ...silent.map(({ place }) => `${place} is production and does not say who approves a change, so nobody has to: add "approvals: { change: 2 }" for two of the CAB, or "change: 0" if that is meant`),
    ...(classes.length > 0 && !policyRevision.signed ? [`the policy rules production (${classes.map(({ place }) => place).join(', ')}) and is taken unsigned, so whoever can write its file can change its rules: have it signed (runbook policy sign), and add "policyRevision: { signed: true }"`] : []),
  ];
}
