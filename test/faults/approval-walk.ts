/** Walking a run that waits for people, and standing still at one point of the way. */
import { poll, type TestInstance } from '../support/instance.js';
import type { Cab, Open } from '../support/cab.js';

export class Walk {
  /** Whether it came by its point. */
  wasThere = false;

  /** `point`: null for a run that nobody disturbs. */
  constructor(readonly it: TestInstance, readonly cab: Cab, private readonly point: string | null, private readonly strike: () => Promise<void>) {}

  private async struck(): Promise<void> {
    this.wasThere = true;
    await this.strike();
  }

  /** The run waits for somebody here. */
  async at(point: string): Promise<void> {
    if (point === this.point) await this.struck();
  }

  /** To be called before the run gets there; what it returns, when the run is on its way: the agent stands at the barrier that the point is named after. */
  barriers(phase: string, ...names: string[]): () => Promise<void> {
    const name = names.find((one) => `${phase}: ${one}` === this.point);
    if (name === undefined) return async () => undefined;
    const { barrier } = this.it;
    barrier.arm(name);
    return async () => {
      try {
        await barrier.reached(name);
        await this.struck();
      } finally {
        barrier.release(name);
      }
    };
  }

  /** Nobody can judge a signature until the strike is over. `isHeld`: what was sent waits for its judge. */
  async judging<T>(point: string, send: () => Promise<T>, isHeld: () => Promise<boolean>): Promise<T> {
    if (point !== this.point) return send();
    const mend = this.cab.breakPolicy();
    try {
      const sent = send();
      // Who sends is asked at the end.
      sent.catch(() => undefined);
      await poll(isHeld);
      await this.struck();
      mend();
      return await sent;
    } finally {
      mend();
    }
  }

  /** A vote, which may be held while it is judged. */
  async vote(point: string, open: Open, name: Parameters<Cab['vote']>[1]): Promise<void> {
    const vote = await this.cab.voteOf(open, name);
    const cast = await this.judging(point, () => this.cab.send(open, vote), async () => (await this.cab.look(open.workflowId)).inFlight.length > 0);
    if (!cast.counted) throw new Error(`${name}: ${cast.message}`);
  }

  /** Whether an activity of that name is asked of the control worker now. */
  async isAsked(workflowId: string, activity: string): Promise<boolean> {
    // One that is being started is not there yet.
    const described = await this.it.client.workflow.getHandle(workflowId).describe().catch(() => null);
    return (described?.raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === activity);
  }
}
