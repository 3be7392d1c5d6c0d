/** One long run per host: its only pending step is the agent's next news (decision 12). */
import { ActivityFailure, continueAsNew, patched, proxyActivities, setCurrentDetails, sleep, TimeoutFailure, workflowInfo } from '@temporalio/workflow';
import { expiredEntry } from '../policy/exception-view.js';
import { hostEventsQueue } from '../policy/names.js';
import { markdownText } from '../policy/text.js';
import type { HostActivities, HostEvent, LeaseView, NextEventInput } from '../activities/host/contract.js';
import { endedEntry } from './lib/ended.js';
import { failureText } from './lib/failures.js';
import { control, DEFAULT_TUNING, hostActivities } from './lib/host.js';
import { appearedForeign, foreignText, healthNews, HealthPager, type ToldHealth } from './lib/host-news.js';
import { healthEntries, putOnRecord, upTo, watchEntry, withoutProblems } from './lib/host-record.js';

export interface HostWatchInput {
  host: string;
  cursor: number;
  /** Digest of the rules that the agent checks its health by; null: not told yet. Absent in executions that began before there were any: they ask for none. */
  rules?: string | null;
  /** It did not answer when the execution before this one ended. */
  isSilent?: boolean;
  /** Health of its environments, as it was told last. */
  told?: ToldHealth;
  /** Interpreters in use that no policy approves, as they were told last. */
  foreign?: string;
  /** Milliseconds of silence after which the host counts as unreachable. Absent: 60 s. */
  heartbeatMs?: number;
}

const HEARTBEAT_MS = 60_000;

/** Events per execution; continue-as-new keeps the history of a host small, and sooner where there are many environments. */
const EVENTS_PER_EXECUTION = 500;
/** An agent that answers with an error is asked again after this share of a heartbeat: 5 s. */
const AGAIN = 1 / 12;

/** Characters of what is handed on about health; what is beyond is told once more. */
const LONGEST_TOLD = 500_000;

/** `unasked`: an execution that began before there was health. */
type Known = 'there' | 'silent' | 'unasked';

export async function hostWatch({ host, cursor, rules, isSilent = false, foreign = '', told = {}, heartbeatMs = HEARTBEAT_MS }: HostWatchInput): Promise<void> {
  const pager = new HealthPager(host, told);
  const asksHealth = rules !== undefined;
  for (let count = 0; count < EVENTS_PER_EXECUTION && !(asksHealth && workflowInfo().continueAsNewSuggested); count++) {
    const input = { cursor, ...(asksHealth ? await question(host, rules ?? null, isSilent) : {}) };
    const event = await nextNews(host, input, { count, heartbeatMs, known: !asksHealth ? 'unasked' : isSilent ? 'silent' : 'there' });
    if (!event) {
      isSilent = true;
      continue;
    }
    cursor = event.cursor;
    const isFit = patched('host-news-fit');
    const news = watchEntry(host, `event/${cursor}`, event.kind === 'changed' || event.drift ? 'changed' : 'check-in', isFit ? withoutProblems(event) : { ...event });
    const back = asksHealth && isSilent ? [watchEntry(host, `back/${cursor}`, 'host-back', {})] : [];
    const health = asksHealth ? healthNews(event, told) : [];
    const isForeignNews = asksHealth && event.foreign !== undefined && foreignText(event) !== foreign;
    const found = isForeignNews ? [watchEntry(host, `foreign/${cursor}`, 'foreign-interpreter', { foreign: event.foreign })] : [];
    await putOnRecord([...back, news, ...(event.expired ?? []).map((one) => expiredEntry(news, one)), ...healthEntries(news, health), ...found], isFit);
    isSilent = false;
    if (asksHealth) rules = event.rules ?? null;
    setCurrentDetails(details(host, event));
    const isTold = await pager.tell(health, isFit && isForeignNews ? appearedForeign(event, foreign) : [], isFit);
    // What nobody was told is news again.
    if (isForeignNews && isTold) foreign = foreignText(event);
    for (const lease of event.quiet) await askAfter(host, lease);
  }
  await continueAsNew<typeof hostWatch>({ host, cursor, rules: rules ?? null, isSilent, foreign, told: Object.fromEntries(upTo(LONGEST_TOLD, Object.entries(told))), heartbeatMs });
}

/** What goes with the question: rules that are new to the agent, and that it was missed. */
async function question(host: string, known: string | null, isSilent: boolean): Promise<Pick<NextEventInput, 'health' | 'greet'>> {
  const { health } = await control.healthRules({ host, known });
  return { ...(health ? { health } : {}), ...(isSilent ? { greet: true } : {}) };
}

/**
 * The agent completes this when there is news; an hour without any is news too. Silence for a heartbeat, or nobody who takes the
 * question for as long: unreachable, as a fact, once. A host that is missed already is waited for.
 */
async function nextNews(host: string, input: NextEventInput, { count, heartbeatMs, known }: { count: number; heartbeatMs: number; known: Known }): Promise<HostEvent | null> {
  const { nextEvent } = proxyActivities<Pick<HostActivities, 'nextEvent'>>({
    taskQueue: hostEventsQueue(host),
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: heartbeatMs,
    ...(known === 'there' ? { scheduleToStartTimeout: heartbeatMs } : {}),
    retry: { maximumAttempts: 1 },
    summary: `news of ${host}`,
  });
  try {
    return await nextEvent(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    if (known !== 'silent') await putOnRecord([watchEntry(host, `silent/${count}`, 'host-unreachable', { problem: failureText(error) })]);
    setCurrentDetails(`### ${host} does not answer\n${failureText(error)}`);
    if (known === 'silent' && !(error.cause instanceof TimeoutFailure)) await sleep(heartbeatMs * AGAIN, { summary: `ask ${host} again` });
    return null;
  }
}

/** A lease whose holder orders nothing: is its run still open? If not, the agent is told, and settles or frees it. What hinders that ends no watch: the agent asks again later. */
async function askAfter(host: string, lease: LeaseView): Promise<void> {
  try {
    await tellEnded(host, lease);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    setCurrentDetails(`### ${host} could not be told that ${lease.holder?.run} has ended\n${failureText(error)}`);
  }
}

async function tellEnded(host: string, { holder, env }: LeaseView): Promise<void> {
  if (!holder || !(await control.isChainClosed(holder))) return;
  const { result } = await hostActivities(host, DEFAULT_TUNING, `${holder.run} has ended`).holderEnded({ env, chain: holder.chain });
  if (result === 'not-holder') return;
  const entry = watchEntry(host, `ended/${holder.chain}`, 'check-in', {});
  await control.appendRecords({ entries: [endedEntry(entry, holder, env, result)] });
}

function details(host: string, event: HostEvent): string {
  const rows = event.environments.map((e) => `| ${e.link} | ${e.version ?? '—'} | ${e.tree} | ${e.state} |`);
  const ill = (event.health ?? []).filter(({ state }) => state === 'DEGRADED').map((h) => `- **${markdownText(h.link)}** is degraded since ${h.since}: ${markdownText(h.problems[0]?.message ?? 'no problem told')}`);
  return [`### ${host} · ${event.kind} ${event.at}`, `agent ${event.agentVersion}`, '', '| environment | version | tree | state |', '| --- | --- | --- | --- |', ...rows, ...(event.drift ?? []).map((d) => `- **${markdownText(d.link)}**: ${markdownText(d.what)}`), ...ill].join('\n');
}
