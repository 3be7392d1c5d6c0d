/** A host that watches itself, by a clock that a test sets. */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HostContext } from '../../activities/host/context.js';
import type { HealthRules, HostEvent } from '../../activities/host/contract.js';
import { healthWatch, type HealthWatch } from '../../activities/host/health.js';
import { healthFolder } from '../../activities/host/health-log.js';
import type { HealthRow } from '../../activities/host/store-health.js';
import { nextEvent } from '../../activities/host/watch.js';
import { checkPolicyOf } from '../../policy/checks/rules.js';
import { digestOf } from '../../policy/canonical.js';
import type { Interpreter } from '../../policy/model.js';
import { testScope, type TestHost } from './host.js';
import { policyWith } from './policies.js';

/** Rules that approve exactly these interpreters and want no packages but those a test names. */
export function healthRules(primary: string, fallback: string, checks: object = {}, fields: object = {}, everySeconds = 300): HealthRules {
  const interpreters = { primary: { version: primary, justification: 'test' }, fallback: { version: fallback, justification: 'test' } };
  const policy = checkPolicyOf(policyWith({ interpreters, checks: { required: [], minimumVersions: {}, healthImports: [], ...checks }, ...fields }), 'test-host');
  const rules = { everySeconds, policy };
  return { digest: digestOf(rules), ...rules };
}

/** A version that no interpreter of this machine has. */
export const NO_SUCH = '3.99.x';

/** Rules by which the environment of an interpreter is right. */
export const rulesOf = ({ version }: Pick<Interpreter, 'version'>, checks?: object, fields?: object): HealthRules => healthRules(version, NO_SUCH, checks, fields);

export interface Watching {
  ctx: HostContext;
  /** Unix milliseconds; noon of a day, local time, at first. */
  clock: { now: number };
  watch: HealthWatch;
  warnings: string[];
  stop(): void;
  take(rules: HealthRules): void;
  /** A light look and the end of what it began. */
  settle(): Promise<void>;
  row(link: string): HealthRow | undefined;
  /** Of all logs, oldest first. */
  log(): string[];
  /** The next event; throws "no news" where there is none. */
  next(cursor: number, more?: object, withinMs?: number): Promise<HostEvent>;
}

/** Noon, local time, far from the quiet hours. */
export const noon = (day = 21): number => new Date(2026, 10, day, 12, 0, 0).getTime();

/** An agent's watch over this host: another process each time, as far as what it remembers goes. */
export function watching(host: TestHost, clock = { now: noon() }): Watching {
  const controller = new AbortController();
  const warnings: string[] = [];
  const ctx: HostContext = { ...host.ctx, now: () => new Date(clock.now), warn: (message) => void warnings.push(message) };
  const watch = healthWatch(ctx, controller.signal);
  return {
    ctx, clock, watch, warnings,
    stop: () => controller.abort(new Error('the agent stops')),
    take: (rules) => ctx.store.exclusive(() => ctx.store.health.setRules(rules)),
    async settle() {
      await watch.look();
      await watch.idle();
    },
    row: (link) => ctx.store.health.get(link),
    log: () => logLines(ctx),
    next: async (cursor, more = {}, withinMs = 10_000) => {
      const scope = testScope();
      const timer = setTimeout(() => scope.cancel(new Error('no news')), withinMs);
      try {
        return await nextEvent(ctx, scope, { cursor, ...more });
      } catch (error) {
        throw scope.signal.aborted ? scope.signal.reason : error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function logLines(ctx: HostContext): string[] {
  const folder = healthFolder(ctx);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.startsWith('runtime_health_')).sort();
  return names.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
}

/** A folder that is there. */
export function folder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}
