/** What a host told about its own health, put on record and, where it is somebody's business, told to people. */
import { workflowInfo } from '@temporalio/workflow';
import { healthKey } from '../../policy/checks/health-key.js';
import type { HealthState } from '../../policy/checks/results.js';
import { watchRun } from '../../policy/host-keys.js';
import type { AuditEntry } from '../../policy/records.js';
import type { HostEvent } from '../../activities/host/contract.js';
import { control } from './host.js';
import { Pager } from './paging.js';

/** An entry of a host's watch; `key` is unique within this execution. */
export function watchEntry(host: string, key: string, event: AuditEntry['event'], data: AuditEntry['data']): AuditEntry {
  const { workflowId, runId, firstExecutionRunId: chain } = workflowInfo();
  return { key: `${runId}/${key}`, run: watchRun(host), kind: 'watch', event, at: new Date().toISOString(), workflowId, runId, chain, actor: `agent@${host}`, host, link: '', justification: 'host watch', data };
}

/** What was told last, by link; nothing: well. */
export type ToldHealth = Record<string, string>;

const WELL = 'GOOD';

const keyOf = ({ state, problems, verification }: HealthState): string => healthKey(state, problems, verification);

/** Environments whose health is another than was told last, whatever the event is; remembers it. What is gone is forgotten. */
export function healthNews({ kind, health }: HostEvent, told: ToldHealth): HealthState[] {
  if (!health) return [];
  const news = health.filter((one) => keyOf(one) !== (told[one.link] ?? WELL));
  for (const one of news) told[one.link] = keyOf(one);
  // A change names what changed; the others name every environment there is.
  const isWhole = kind === 'check-in' || kind === 'hourly';
  const here = new Set(health.map(({ link }) => link));
  for (const [link, key] of Object.entries(told)) if (key === WELL || (isWhole && !here.has(link))) delete told[link];
  return news;
}

export const healthEntries = (news: AuditEntry, health: readonly HealthState[]): AuditEntry[] =>
  health.map((one, at) => ({ ...news, key: `${news.key}/health/${at}`, event: 'health', link: one.link, data: { ...one } }));

/** PV-35: on record when what is in use has changed. */
export const foreignText = ({ foreign = [] }: HostEvent): string => foreign.map(({ path, version }) => `${path} ${version ?? ''}`).sort().join('\n');

/** Pages of one host, about its environments; a run of its own tells them. */
export class HealthPager {
  private readonly pagers = new Map<string, Pager>();

  constructor(private readonly host: string) {}

  async tell(health: HealthState[]): Promise<void> {
    if (health.length === 0) return;
    const { alerts, to } = await control.healthAlerts({ host: this.host, health });
    for (const { link, severity, subject, lines } of alerts) await this.pagerOf(link).page({ event: 'health', subject, severity, lines, command: `runbook verify ${link}   # on ${this.host}`, deadline: null, to, otherwise: [] });
  }

  private pagerOf(link: string): Pager {
    const { host } = this;
    const known = this.pagers.get(link) ?? new Pager({ run: watchRun(host), kind: 'watch', env: { host, link }, requester: `agent@${host}`, reason: 'host watch' }, `${workflowInfo().runId}/${this.pagers.size}`);
    this.pagers.set(link, known);
    return known;
  }
}
