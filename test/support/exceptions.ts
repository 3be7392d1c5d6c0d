/** Changes that end by themselves, on a test's host, with a clock that a test sets. */
import { armUndo } from '../../activities/host/arm.js';
import { closeChange } from '../../activities/host/close.js';
import type { HostContext } from '../../activities/host/context.js';
import { switchLink } from '../../activities/host/switch.js';
import { prepared, type Prepared, type PreparedOptions } from './environments.js';
import { testScope, type TestHost } from './host.js';

/** A clock that stands still until it is set. Unix milliseconds. */
export interface TestClock {
  now: number;
}

/** The host as its agent sees it, by the test's clock. */
export const byClock = (host: TestHost, clock: TestClock): HostContext => ({ ...host.ctx, now: () => new Date(clock.now) });

/** ISO instant so many seconds after the clock's time. */
export const inSeconds = (clock: TestClock, seconds: number): string => new Date(clock.now + seconds * 1000).toISOString();

export interface ExceptionOptions extends PreparedOptions {
  /** How far it gets; default `closed`: as a run that finished. */
  until?: 'armed' | 'switched' | 'closed';
}

/** A change with an end, armed, switched and closed. */
export async function exception(host: TestHost, ctx: HostContext, end: string, { until = 'closed', ...options }: ExceptionOptions): Promise<Prepared> {
  const p = await prepared(host, { run: `ex-${options.name}`, ...options });
  await armUndo(ctx, testScope(), p.order('arm'), p.plan, { end });
  if (until === 'armed') return p;
  await switchLink(ctx, testScope(), p.order('switch'), { plan: p.plan, tree: p.next });
  if (until === 'closed') await closeChange(ctx, testScope(), p.order('close'), { keepPin: false });
  return p;
}

/** Chain of a prepared run. */
export const chainOf = (p: Prepared): string => `chain-of-${p.run}`;
