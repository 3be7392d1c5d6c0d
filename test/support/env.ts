/**
 * One Temporal server and one workflow bundle for a test file; one worker, one queue and one host name for a test.
 * A test that leaves a workflow or a worker open fails, and so does one in whose histories a workflow task failed or
 * timed out: most mistakes in workflow code hang instead of failing.
 */
import { randomBytes } from 'node:crypto';
import { after, afterEach, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { hostEventsQueue, hostQueue, SEARCH_ATTRIBUTES } from '../../policy/names.js';
import { controlWorkerOptions } from '../../worker/control.js';
import { installRuntime } from '../../worker/log.js';
import { ATTRIBUTE_TYPES } from '../../worker/server/settings.js';
import { testBundle } from './bundles.js';
import { inspectHistories, type Execution } from './histories.js';
import { startDevServer, startTimeSkippingServer, type TestServer } from './servers.js';

/** A telling that hangs is found by the check that follows. */
const TELLING_MS = 10_000;

/** How a file's environment is made. */
export interface EnvironmentOptions {
  /** Default: `dev`, the real server. `time-skipping` for timers of days; no schedules, no listing there. */
  server?: 'dev' | 'time-skipping';
  /** Compiled module of workflows; default: the product's own. */
  workflowsPath?: string;
}

/** What a test runs with. */
export interface WorkerScope {
  client: Client;
  /** Queue of this test's control worker. */
  taskQueue: string;
  /** Name of this test's host; its queues are `host.NAME` and `host.NAME.events`. */
  host: string;
  /** A workflow id nobody else uses. */
  id(prefix: string): string;
}

/** What runs beside the test. */
export interface WorkerSetup {
  /** Control activities by name. */
  activities: object;
  /** The host's activities by name; none: nobody polls the host's queue. */
  hostActivities?: object;
  worker?: Partial<WorkerOptions>;
}

const unique = (): string => randomBytes(5).toString('hex');
/** A queue name from a test's title. */
const slug = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 60);

/** The environment of one test file. Its getters throw before the file's tests run. */
export class FileEnvironment {
  private server: TestServer | null = null;
  private inner: TestWorkflowEnvironment | null = null;
  private opening: Promise<void> | null = null;
  private bundlePath = '';
  private readonly started: Execution[] = [];
  private readonly workers: Worker[] = [];
  private excuse: string | null = null;

  constructor(private readonly options: EnvironmentOptions) {}

  get client(): Client {
    return this.environment.client;
  }

  /** Time skipping, connections: the SDK's own test environment. */
  get environment(): TestWorkflowEnvironment {
    if (this.inner === null) throw new Error('the environment exists only while the tests of its file run');
    return this.inner;
  }

  get address(): string {
    return this.server!.address;
  }

  /** Runs `use` while this test's workers run; stops them afterwards whatever happens. */
  async withWorker<T>(test: { name: string }, setup: WorkerSetup, use: (scope: WorkerScope) => Promise<T>): Promise<T> {
    await this.open();
    const scope: WorkerScope = { client: this.client, taskQueue: `${slug(test.name)}-${unique()}`, host: `h-${unique()}`, id: (prefix) => `${prefix}/${unique()}` };
    const control = controlWorkerOptions({ connection: this.environment.nativeConnection, namespace: 'default', bundlePath: this.bundlePath, activities: setup.activities, taskQueue: scope.taskQueue, graceMs: 0 });
    const workers = [{ ...control, ...setup.worker }, ...this.hostWorkers(scope.host, setup.hostActivities)];
    const created = await Promise.all(workers.map((options) => Worker.create({ shutdownForceTime: '10s', ...options })));
    this.workers.push(...created);
    return this.runAll(created, async () => {
      const value = await use(scope);
      await this.untilTold();
      return value;
    });
  }

  /** Runs that tell people outlive the run that began them: they end while there is still a worker for them. */
  private async untilTold(): Promise<void> {
    const client = new Client({ connection: this.environment.nativeConnection, namespace: 'default' });
    const { open } = await inspectHistories(client, this.started);
    const tellings = open.filter((workflowId) => workflowId.startsWith('notify/')).map((workflowId) => client.workflow.getHandle(workflowId).result().catch(() => undefined));
    await Promise.race([Promise.all(tellings), sleep(TELLING_MS, undefined, { ref: false })]);
  }

  /** The next check passes over workflow tasks that failed or timed out: a test that kills workers makes some. */
  allowTaskProblems(reason: string): void {
    this.excuse = reason;
  }

  /** Has a workflow checked that was not started through `client`. */
  track(workflowId: string): void {
    this.started.push({ workflowId });
  }

  /** Starts server, connections and bundle, once. Hooks of a file may run side by side: each awaits this. */
  open(): Promise<void> {
    return (this.opening ??= this.start());
  }

  private async start(): Promise<void> {
    const isSkipping = this.options.server === 'time-skipping';
    this.bundlePath = await testBundle({ ...(this.options.workflowsPath === undefined ? {} : { workflowsPath: this.options.workflowsPath }) });
    this.server = await (isSkipping ? startTimeSkippingServer() : startDevServer());
    // `create` is not in the SDK's types. Its public ways start the servers themselves, and leave them running when the test process is killed.
    const { create } = TestWorkflowEnvironment as unknown as { create(options: object): Promise<TestWorkflowEnvironment> };
    const client = { interceptors: { workflow: [this.recorder()] } };
    this.inner = await create.call(TestWorkflowEnvironment, { server: { type: 'existing' }, supportsTimeSkipping: isSkipping, namespace: 'default', address: this.server.address, client });
    // Our development server is started with them; the other one learns them here.
    if (isSkipping) await this.inner.connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes: Object.fromEntries(Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, ATTRIBUTE_TYPES[type].api])) });
  }

  async close(): Promise<void> {
    await this.inner?.teardown();
    await this.server?.stop();
  }

  /** Throws what the test that just ended must not leave behind; open workflows are terminated. */
  async check(): Promise<void> {
    const [executions, workers, excuse] = [this.started.splice(0), this.workers.splice(0), this.excuse];
    this.excuse = null;
    // Over the native connection: histories may be larger than the other one receives.
    const client = new Client({ connection: this.environment.nativeConnection, namespace: 'default' });
    const { taskProblems, open } = await inspectHistories(client, executions);
    for (const workflowId of open) await client.workflow.getHandle(workflowId).terminate('left open by its test').catch(() => undefined);
    const running = workers.filter((worker) => worker.getState() !== 'STOPPED').map((worker) => worker.options.taskQueue);
    const problems = [
      ...running.map((queue) => `a worker was left open by the test: ${queue}`),
      ...open.map((workflowId) => `a workflow was left open by the test (now terminated): ${workflowId}`),
      ...(excuse === null ? taskProblems : []),
    ];
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  private hostWorkers(host: string, activities: object | undefined): WorkerOptions[] {
    if (activities === undefined) return [];
    const { nextEvent, ...orders } = activities as { nextEvent?: () => Promise<unknown> };
    const common = { connection: this.environment.nativeConnection, namespace: 'default', defaultHeartbeatThrottleInterval: '200ms', maxHeartbeatThrottleInterval: '1s' } as const;
    const events = nextEvent === undefined ? [] : [{ ...common, taskQueue: hostEventsQueue(host), activities: { nextEvent } }];
    return [{ ...common, taskQueue: hostQueue(host), activities: orders }, ...events];
  }

  private async runAll<T>([worker, ...rest]: Worker[], use: () => Promise<T>): Promise<T> {
    return worker === undefined ? use() : worker.runUntil(() => this.runAll(rest, use));
  }

  private recorder(): WorkflowClientInterceptor {
    const remember = (workflowId: string, runId?: string): void => void this.started.push({ workflowId, runId });
    return {
      startWithDetails: async (input, next) => {
        const output = await next(input);
        remember(input.options.workflowId, output.runId);
        return output;
      },
      signalWithStart: async (input, next) => {
        const runId = await next(input);
        remember(input.options.workflowId, runId);
        return runId;
      },
      startUpdateWithStart: async (input, next) => {
        remember(input.workflowStartOptions.workflowId);
        return next(input);
      },
    };
  }
}

/** Gives a test file its environment; call it once, at the top of the file. */
export function useEnvironment(options: EnvironmentOptions = {}): FileEnvironment {
  installRuntime('test', 'ERROR', process.stderr);
  const environment = new FileEnvironment(options);
  before(() => environment.open(), { timeout: 240_000 });
  afterEach(() => environment.check());
  after(() => environment.close());
  return environment;
}
