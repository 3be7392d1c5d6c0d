/** An agent as the server sees it: what it tells is made up, when and how it tells it is not. Its light checks stay with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { HostEvent, NextEventInput } from '../../activities/host/contract.js';
import type { HealthState } from '../../policy/checks/results.js';

const HOUR_MS = 3_600_000;
/** As the agent's own loop looks for news. */
const LOOK_EVERY_MS = 1_000;
/** Until it is given rules that say otherwise. */
const CHECK_EVERY_SECONDS = 300;

/** Answers `nextEvent` as an agent without troubles does: when it starts, when it was missed, and every hour. */
export class SimulatedAgent {
  private isCheckedIn = false;
  private rules: string | undefined;
  private checkEverySeconds = CHECK_EVERY_SECONDS;
  private readonly startedAt = Date.now();
  private hourAt: number;

  /** `phase`: part of the hour (0 to 1) after which its first hour is told; a fleet does not tell its hours all at once. */
  constructor(private readonly host: string, phase: number) {
    this.hourAt = Date.now() + phase * HOUR_MS;
  }

  readonly nextEvent = async ({ cursor, health, greet }: NextEventInput): Promise<HostEvent> => {
    const context = Context.current();
    if (health) [this.rules, this.checkEverySeconds] = [health.digest, health.everySeconds];
    for (;;) {
      context.cancellationSignal.throwIfAborted();
      const kind = this.news(greet === true);
      if (kind !== null) return this.event(kind, cursor);
      context.heartbeat();
      await sleep(LOOK_EVERY_MS, undefined, { signal: context.cancellationSignal });
    }
  };

  private news(greet: boolean): HostEvent['kind'] | null {
    if (!this.isCheckedIn || greet) {
      this.isCheckedIn = true;
      return 'check-in';
    }
    if (Date.now() < this.hourAt) return null;
    this.hourAt += HOUR_MS;
    return 'hourly';
  }

  private event(kind: HostEvent['kind'], cursor: number): HostEvent {
    const links = ['/srv/pricer/.venv', '/srv/reports/.venv'];
    const environments = links.map((link) => ({ link, tree: `ch-${this.host}-1`, version: '3.12.1', state: 'free' as const }));
    return { cursor: cursor + 1, at: new Date().toISOString(), kind, agentVersion: 'simulated', environments, quiet: [], health: links.map((link) => this.health(link)), ...(this.rules === undefined ? {} : { rules: this.rules }) };
  }

  /** Twelve good light checks are one word of an hourly event. */
  private health(link: string): HealthState {
    const since = new Date(this.startedAt).toISOString();
    const verification = { status: 'PASSED' as const, critical: 0, violations: 0, warnings: 0, at: since };
    return { link, state: 'GOOD', mode: 'light', since, problems: [], verification, series: `GOOD×${Math.round(HOUR_MS / 1000 / this.checkEverySeconds)}` };
  }
}
