/** What of a host's news is somebody's business, and telling it to people. */
import { workflowInfo } from '@temporalio/workflow';
import { healthKey } from '../../policy/checks/health-key.js';
import type { HealthAlert } from '../../policy/checks/health-alert.js';
import type { ForeignInterpreter, HealthState } from '../../policy/checks/results.js';
import { watchRun } from '../../policy/host-keys.js';
import type { HostEvent } from '../../activities/host/contract.js';
import { control } from './host.js';
import { inBatches } from './host-record.js';
import { Pager } from './paging.js';

/** What was told last, by link; nothing: well. */
export type ToldHealth = Record<string, string>;

const WELL = 'GOOD';
/** Equal to no health: what could not be told is news again. */
const UNTOLD = 'untold';

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

/** PV-35: on record when what is in use has changed. */
export const foreignText = ({ foreign = [] }: HostEvent): string => foreign.map(({ path, version }) => `${path} ${version ?? ''}`).sort().join('\n');

/** Interpreters that were not there at the last news. Without a path: processes that could not be looked at, which is told on record only. */
export function appearedForeign({ foreign = [] }: HostEvent, before: string): ForeignInterpreter[] {
  const known = new Set(before.split('\n').map((line) => line.slice(0, line.lastIndexOf(' '))));
  return foreign.filter(({ path }) => path !== '' && !known.has(path));
}

/** Pages of one event about environments, each about its own; those that are left share one. */
const PAGES = 50;
const NAMED = 20;

/** Pages of one host, about its environments and itself (no link); a run of its own tells them. */
export class HealthPager {
  private readonly pagers = new Map<string, Pager>();

  constructor(private readonly host: string, private readonly told: ToldHealth) {}

  /** False: nobody knows whom to tell now, so that this health is news again. `isFit`: in parts, and so many pages at most. */
  async tell(health: HealthState[], foreign: ForeignInterpreter[], isFit: boolean): Promise<boolean> {
    if (health.length + foreign.length === 0) return true;
    const alerts: HealthAlert[] = [];
    let to: string[] = [];
    for (const [at, part] of (isFit ? inBatches(health) : [health]).entries()) {
      const answer = await control.healthAlerts({ host: this.host, health: part, ...(at === 0 && foreign.length > 0 ? { foreign } : {}) });
      if (answer.isUnknown) {
        for (const { link } of health) this.told[link] = UNTOLD;
        return false;
      }
      alerts.push(...answer.alerts);
      ({ to } = answer);
    }
    for (const alert of isFit ? together(this.host, alerts) : alerts) await this.page(alert, to);
    return true;
  }

  private async page({ link, severity, subject, lines, command = `runbook verify ${link}   # on ${this.host}` }: HealthAlert, to: string[]): Promise<void> {
    await this.pagerOf(link).page({ event: 'health', subject, severity, lines, command, deadline: null, to, otherwise: [] });
  }

  private pagerOf(link: string): Pager {
    const { host } = this;
    const known = this.pagers.get(link) ?? new Pager({ run: watchRun(host), kind: 'watch', env: { host, link: link || '/' }, requester: `agent@${host}`, reason: 'host watch' }, `${workflowInfo().runId}/${this.pagers.size}`);
    this.pagers.set(link, known);
    return known;
  }
}

/** The worst by themselves, the others in one. */
function together(host: string, alerts: HealthAlert[]): HealthAlert[] {
  if (alerts.length <= PAGES) return alerts;
  const sorted = RANK.flatMap((rank) => alerts.filter(({ severity }) => severity === rank));
  const [own, rest] = [sorted.slice(0, PAGES), sorted.slice(PAGES)];
  const lines = rest.slice(0, NAMED).map(({ subject }) => `- ${subject}`);
  return [...own, { link: '', severity: rest[0]!.severity, subject: `changed health of ${rest.length} more environments on ${host}`, lines, command: `runbook verify   # in each project, on ${host}` }];
}

const RANK = ['critical', 'warning', 'info'] as const;
