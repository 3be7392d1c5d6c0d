/** Decisions and their votes as every report tells them, and how anybody checks the signatures without this product. */
import { roleText, voteText, type DecisionTold } from '../decisions-told.js';
import { code, fields, table, words } from './page.js';
import type { Block, Section, Words } from './page.js';
import { instant } from './steps.js';

export function decisionBlocks(decisions: readonly DecisionTold[]): Block[] {
  if (decisions.length === 0) return [words('Nobody was asked.')];
  return decisions.flatMap((decision) => [fields(...factsOf(decision)), ...votes(decision)]);
}

function factsOf({ purpose, request, needs, askedAt, deadline, outcome, message, decidedAt, isSigned, evidence }: DecisionTold): [string, Words][] {
  return [
    ['decision', [`${purpose}, request `, code(request)]],
    ['needs', needs],
    ['asked', `${instant(askedAt)}, until ${instant(deadline)}${isSigned ? ', with a signed request' : ''}`],
    ...evidence.map(({ name, sha256 }): [string, Words] => ['on', [`${name}, sha256 `, code(sha256)]]),
    ['decided', outcome === null ? 'not yet' : `${instant(decidedAt!)}: ${outcome}. ${message}`],
  ];
}

function votes({ votes: told }: DecisionTold): Block[] {
  if (told.length === 0) return [words('No vote came in.')];
  return table(['at', 'who', 'as', 'vote', 'key'], told.map((vote): Words[] => [instant(vote.at), vote.person, roleText(vote), voteText(vote), vote.fingerprint === null ? '—' : code(vote.fingerprint)]));
}

/** Where signatures were counted: what to run, with tools that everybody has. */
export function signatureSection(run: string, decisions: readonly DecisionTold[]): Section[] {
  if (!decisions.some(({ votes: told, isSigned }) => isSigned || told.some(({ counted }) => counted))) return [];
  return [{ title: 'Verifying the signatures', blocks: [
    words(code(`runbook audit export --run ${run}`), ' writes the signed request, every counted vote with its signature, the keys as they were then, and ', code('VERIFY.txt'), ': the commands of stock ', code('ssh-keygen -Y verify'), ' that check each of them as of its own time. Nothing of this product is needed for that.'),
  ] }];
}
