/** The report of a fallback: what was wrong, what was done, how to get back. Every sentence rests on a field of the record. */
import { seconds } from '../describe.js';
import { boundRecord } from '../fallback-bounds.js';
import { failureReason, fallbackVersion, performanceText, primaryVersion, startedAt } from '../fallback-record.js';
import type { FallbackRecord } from '../fallback-record.js';
import { formatEnvironment } from '../ids.js';
import type { LockVerdict, Outcome, PinVerdict } from '../model.js';
import { counted } from '../text.js';
import { diagnosisBlocks } from './diagnosis.js';
import { evidenceBlocks, verificationBlocks } from './evidence.js';
import { proposalBlocks, buildBlocks } from './ladder.js';
import { code, fields, list, ordered, plain, preformatted, strong, table, words } from './page.js';
import type { Block, Page, Section, Words } from './page.js';
import { recommendations } from './recommend.js';
import { instant, objectionBlocks, stepTable } from './steps.js';

export function fallbackPage(whole: FallbackRecord): Page {
  const record = boundRecord(whole);
  const { result, recipients = [] } = record;
  return {
    title: `Wheel fallback ${result.run}`,
    badge: badgeOf(result.outcome),
    lead: headline(record),
    sections: [
      section('Summary', summary(record)),
      section('Root cause', rootCause(record)),
      section('Resolution steps', [...stepTable(result.steps, 'Nothing was begun.'), ...objectionBlocks(result.objections)]),
      ...optional('Source builds', buildBlocks(record)),
      ...optional('Proposed locks', proposalBlocks(record)),
      section('Verification', verificationBlocks(record)),
      section('Impact', impact(record)),
      section('How to go back', wayBack(record)),
      section('Recommendations', [ordered([...recommendations(record), readTheTrail(record)])]),
      section('Evidence', evidenceBlocks(record)),
      ...optional('Recipients', recipients.length > 0 ? [list(recipients)] : []),
    ],
  };
}

const section = (title: string, blocks: Block[]): Section => ({ title, blocks });

const optional = (title: string, blocks: Block[]): Section[] => (blocks.length > 0 ? [{ title, blocks }] : []);

export function badgeOf(outcome: Outcome): Page['badge'] {
  const isGood = outcome === 'done' || outcome === 'not-needed' || outcome === 'rolled-back';
  return { word: outcome, tone: isGood ? (outcome === 'rolled-back' ? 'open' : 'good') : 'bad' };
}

function headline(record: FallbackRecord): Words {
  const { result } = record;
  const where = code(formatEnvironment(result.env));
  const before = result.from ?? 'none';
  switch (result.outcome) {
    case 'done':
      return [where, ` runs Python ${fallbackVersion(record)} instead of ${before}, verified.`];
    case 'not-needed':
      return ['No fallback was needed; ', where, ` was left as it was, on Python ${before}.`];
    case 'rolled-back':
      return ['The fallback failed or was stopped; ', where, ` is on Python ${before} as before.`];
    case 'rollback-incomplete':
      return ['The fallback failed ', strong('and the way back is not complete'), ': ', where, ' needs a person now.'];
    default:
      return [`The fallback ended ${result.outcome}; `, where, ` was left as it was, on Python ${before}.`];
  }
}

function summary(record: FallbackRecord): Block[] {
  const { result, at, hostClass } = record;
  return [fields(
    ['Date', `${instant(startedAt(record))} to ${instant(at)} (${duration(record)})`],
    ['Environment', code(`${result.env.host}:${result.env.link}`)],
    ['Host class', hostClass ?? 'not known'],
    ['Primary Python', primaryVersion(record)],
    ['Fallback Python', fallbackVersion(record)],
    ['Outcome', [`${result.outcome}. ${result.message}`]],
    [`Asked by ${record.requester}`, record.reason],
    ['Plan', result.planDigest ? ['sha256 ', code(result.planDigest)] : 'none was made'],
  )];
}

const duration = (record: FallbackRecord): string => seconds({ startedAt: startedAt(record), endedAt: record.at });

function rootCause(record: FallbackRecord): Block[] {
  const { verdicts, causes = {} } = record;
  const without = verdicts[0]?.pins.filter(({ verdict }) => verdict !== 'wheel') ?? [];
  return [
    words(`${sentence(failureReason(record))}.`),
    ...(without.length > 0 ? table(['package', 'verdict', 'cause', 'why'], without.map((pin) => pinRow(pin, causes))) : []),
    ...(verdicts.length > 0 ? [list(verdicts.map(verdictLine))] : []),
    ...diagnosisBlocks(record),
  ];
}

const pinRow = ({ project, version, verdict, why, cause }: PinVerdict, causes: NonNullable<FallbackRecord['causes']>): Words[] => [
  `${project} ${version}`, verdict, (causes[project] ?? cause ?? 'not known').replaceAll('-', ' '), why,
];

function verdictLine({ version, pins, missing, error }: LockVerdict): string {
  if (error) return `Python ${version}: could not be judged, ${error.class}: ${error.text}`;
  return `Python ${version}: ${pins.length - missing.length} of ${counted(pins.length, 'package')} can be installed from wheels`;
}

function wayBack({ result, plan }: FallbackRecord): Block[] {
  const show = code(`runbook show ${result.run}`);
  if (result.outcome === 'rollback-incomplete') return [words('Ask ', show, ', repair what it names, then ', code(`runbook settle ${result.run} --undo --reason …`), '.')];
  if (result.outcome !== 'done') return [words('Nothing is left to undo.')];
  const armed = result.steps.find(({ step, ok }) => step === 'arm' && ok)?.fact.replace(/^undo: /, '');
  const target: Words = plan?.undoTarget ? [code(`.venvs/${plan.undoTarget}`), `, Python ${result.from ?? 'none'}`] : [`Python ${result.from ?? 'none'}`];
  return [
    words('Undo returns to ', ...target, armed ? ` (${armed}):` : ':'),
    preformatted(`runbook undo ${formatEnvironment(result.env)} --reason …`),
    words('On the host itself, with no server at all: ', code('runbook undo PATH --local --reason …'), ', or the two commands in ', code('.venvs/README'), '.'),
    // WF-27. This product changes no Windows host; the advice stays for people who work on one.
    words('By hand: ', code('source .venv/bin/activate'), ' on Linux and macOS; a Windows checkout has ', code('.venv\\Scripts\\activate'), ' instead.'),
  ];
}

function impact(record: FallbackRecord): Block[] {
  const { result, plan } = record;
  const restarted = plan && plan.serviceActions.length > 0 ? `; ${plan.serviceActions.join(', ')}, announced as at most ${plan.restartWindowSeconds} s without an answer` : '';
  const functionality = { done: 'not affected as far as the verification above tells', 'rollback-incomplete': 'not certain', superseded: 'not known: another run has the environment now' }[result.outcome as string] ?? 'not affected: the environment is what it was';
  return [fields(
    ['Functionality', `${functionality}${result.outcome === 'done' ? restarted : ''}`],
    ['Performance', performanceText(record)],
    ['Duration', `${duration(record)}${result.outcome === 'done' ? '; the fallback holds until it is undone or the primary is restored' : ''}`],
  )];
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

const readTheTrail = ({ result }: FallbackRecord): Words => ['Read the trail: ', code(`runbook show ${result.run}`), ', ', code(`runbook why ${formatEnvironment(result.env)}`), '.'];

/** Recommendations on one line, for logs. */
export const recommendationLine = (record: FallbackRecord): string => recommendations(record).map((one) => plain(one).replace(/\.$/, '')).join('; ');
