/** The stage on which histories are recorded: a real instance under its default time limits, and ways to upset it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client, ServiceError } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { stringify } from 'yaml';
import { changeRequest, type Startable } from '../../client/cli/request.js';
import { newRunIds, startRun, type Started } from '../../client/cli/runs.js';
import { CONTROL_QUEUE } from '../../policy/names.js';
import type { ChangeRequest, EnvironmentRef, Outcome, RunResult, UndoRequest } from '../../policy/model.js';
import type { RunState } from '../../policy/describe.js';
import type { TidyRequest } from '../../workflows/environment-tidy.js';
import { abortUpdate, statusQuery } from '../../workflows/messages.js';
import { poll, startInstance, type TestInstance } from './instance.js';
import { historyText } from './transcript.js';

/** What one asks for; everything else as the command line would say it. */
export interface Words {
  reason: string;
  to?: string;
  env?: EnvironmentRef;
  planDigest?: string;
  /** Fields of the request that no word of the command line stands for. */
  patch?: Partial<ChangeRequest>;
}

/** Two packages that have wheels for both interpreters, and `beta` of which only the fallback has one. */
export const LOCK = { both: 'alpha==1.0\nbeta==1.0\n', newer: 'alpha==1.1\nbeta==1.0\n', oldOnly: 'alpha==1.1\nbeta==2.0\n', sourceOnly: 'alpha==1.1\nbeta==2.0\ngamma==1.0\n', sourceOnlyToo: 'alpha==1.1\nbeta==2.0\ngamma==1.1\n', none: 'alpha==1.1\nbeta==9.9\n', unasked: 'alpha==1.1\ndelta==1.0\n' };

export class Stage {
  private constructor(readonly it: TestInstance, readonly client: Client, private readonly connection: NativeConnection) {}

  static async open(): Promise<Stage> {
    const it = await startInstance({ builder: true });
    const connection = await NativeConnection.connect({ address: it.handle.address });
    return new Stage(it, new Client({ connection }), connection);
  }

  async close(): Promise<void> {
    await this.connection.close();
    await this.it.stop();
  }

  /** History as JSON text. */
  async history(workflowId: string): Promise<string> {
    return historyText(await this.client.workflow.getHandle(workflowId).fetchHistory());
  }

  /** The interpreter that does not stand in the project now. */
  get other(): string {
    return this.it.version() === this.it.primary.version ? this.it.fallback.version : this.it.primary.version;
  }

  start(kind: Startable, { env = this.it.env, planDigest, patch = {}, ...words }: Words): Promise<Started> {
    const { request, workflowId } = this.request(kind, words, env);
    return startRun(this.client, kind, workflowId, { ...request, planDigest: planDigest ?? null, ...patch });
  }

  private request(kind: Startable, words: Omit<Words, 'env' | 'planDigest' | 'patch'>, env: EnvironmentRef): { request: ChangeRequest; workflowId: string } {
    return changeRequest(this.it.instance(), kind, env, words);
  }

  /** The way back of the last change, or `keep` for what an ended run left behind. */
  undo(mode: UndoRequest['mode'], reason: string, env = this.it.env): Promise<Started> {
    const { run, workflowId } = newRunIds('rollback', env);
    return startRun(this.client, 'rollback', workflowId, { run, env, reason, requester: this.it.instance().requester, mode });
  }

  tidy(mode: TidyRequest['mode'], reason: string, env = this.it.env): Promise<Started> {
    const { request: { run, requester, policyDigest }, workflowId } = this.request('change', { reason }, env);
    return startRun(this.client, 'change', workflowId, { run, env, mode, reason, requester, policyDigest }, 'environmentTidy');
  }

  /** What an earlier run of this environment might have left unfinished. */
  abandonedAttempt(): void {
    mkdirSync(path.join(path.dirname(this.tree), `${path.basename(this.tree).replace(/-\d+$/, '')}-9`, 'lib'), { recursive: true });
  }

  /** Asks for a plan and returns its workflow id. */
  async plan(kind: Startable, { patch = {}, ...words }: Words): Promise<string> {
    const { request } = this.request(kind, words, this.it.env);
    const workflowId = `plan/${request.env.host}/${encodeURIComponent(request.env.link)}/${request.run}-${Date.now()}`;
    await this.client.workflow.execute('planChange', { workflowId, taskQueue: CONTROL_QUEUE, args: [{ ...request, ...patch }], workflowExecutionTimeout: 120_000 });
    return workflowId;
  }

  /** Waits for the end. A recording of something else than its name says is none. */
  async ended(started: Started, outcome: Outcome): Promise<string> {
    const result = (await started.handle.result()) as RunResult;
    if (result.outcome !== outcome) throw new Error(`${started.run}: expected ${outcome}, got ${result.outcome}: ${result.message}`);
    return started.workflowId;
  }

  abort({ handle }: Started, by: string): Promise<unknown> {
    return handle.executeUpdate(abortUpdate, { args: [{ by, reason: `${by} says stop` }] });
  }

  async waiting({ handle }: Started): Promise<void> {
    // While no control worker answers, a query fails: it is asked again.
    const status = () => handle.query(statusQuery).catch((error: unknown) => (error instanceof ServiceError ? null : Promise.reject(error as Error)));
    await poll(async () => ((await status()) as RunState | null)?.waitsFor != null);
  }

  /** Until the host's answer to an activity is in the run's history. */
  async answered({ handle }: Started, activity: string): Promise<void> {
    await poll(async () => {
      const { events } = await handle.fetchHistory();
      const ordered = events?.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)?.eventId;
      return ordered != null && events?.some(({ activityTaskCompletedEventAttributes: done }) => done != null && String(done.scheduledEventId) === String(ordered));
    });
  }

  /** Until the run's record has the event; host news come there by the host's own long run. */
  async onRecord(run: string, event: string): Promise<void> {
    await poll(() => {
      const records = this.it.records();
      const isThere = records.entriesOf(run).some(({ entry }) => entry.event === event);
      records.close();
      return isThere;
    });
  }

  /** Runs `act` while the agent stands at a point of the engine. */
  async at(point: string, act: (agent: number) => Promise<unknown>): Promise<void> {
    await this.it.barrier.reached(point);
    await act(this.it.handle.pids().agent);
    this.it.barrier.release(point);
  }

  /** The service is healthy on this tree only ('' for none); null: wherever it runs. */
  wellOnlyOn(tree: string | null): void {
    const file = path.join(this.it.project, 'unit.json.well');
    if (tree === null) rmSync(file, { force: true });
    else writeFileSync(file, tree);
  }

  /** Tree the link leads to now. */
  get tree(): string {
    return realpathSync(this.it.link);
  }

  /** Puts another file in the place of one of the tree's, as somebody with too many rights would; returns the way back. */
  tamper(tree: string): () => void {
    const lib = path.join(tree, 'lib');
    // The other names there are links to trees that were left.
    const own = readdirSync(lib, { withFileTypes: true }).find((entry) => entry.isDirectory())!;
    const packages = path.join(lib, own.name, 'site-packages');
    // Not a module: starting it would write its bytecode, and putting the module back would not be enough.
    const file = path.join(packages, readdirSync(packages).find((name) => name.startsWith('beta-'))!, 'METADATA');
    const kept = path.join(mkdtempSync(path.join(path.dirname(this.it.project), '..', 'kept-')), 'file');
    const text = readFileSync(file, 'utf8');
    renameSync(file, kept);
    // A new file: the old one may share its blocks with the installer's cache.
    writeFileSync(file, `${text}\nchanged by hand\n`);
    return () => renameSync(kept, file);
  }

  tests(args: string[]): () => void {
    const file = path.join(this.it.project, 'runbook.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^tests:\n( +- .*\n)+/m, `tests:\n${args.map((arg) => `  - ${JSON.stringify(arg)}\n`).join('')}`));
    if (readFileSync(file, 'utf8') === text) throw new Error(`${file}: expected a list of tests to replace, got ${text}`);
    return () => writeFileSync(file, text);
  }

  /** The project times a statement that is slower on one interpreter; returns the way back. */
  timed(slowOn: string, maxSlowdown: number): () => void {
    const file = path.join(this.it.project, 'runbook.yaml');
    const text = readFileSync(file, 'utf8');
    const probe = { name: 'a nap', setup: `import platform, time\nnap = 0.03 if platform.python_version() == ${JSON.stringify(slowOn)} else 0.002`, statement: 'time.sleep(nap)', maxSlowdown };
    writeFileSync(file, text + stringify({ performance: probe }));
    return () => writeFileSync(file, text);
  }

  /** Another project whose `.venv` somebody else made: a directory, one whose Python is a link that leads out of it, a link to one elsewhere; null: none. */
  foreignProject(name: string, venv: 'directory' | 'relative' | 'link' | null): EnvironmentRef {
    const project = path.join(path.dirname(this.it.project), name);
    const [link, elsewhere] = [path.join(project, '.venv'), path.join(project, 'elsewhere')];
    mkdirSync(project);
    writeFileSync(path.join(project, 'requirements.txt'), LOCK.both);
    if (venv === null) return { host: this.it.env.host, link };
    execFileSync(this.it.primary.realpath, ['-I', '-m', 'venv', '--without-pip', venv === 'link' ? elsewhere : link]);
    if (venv === 'relative') {
      symlinkSync(this.it.primary.realpath, path.join(project, 'base-python'));
      const python = path.join(link, 'bin/python');
      for (const one of readdirSync(path.dirname(python)).filter((file) => file.startsWith('python'))) rmSync(path.join(link, 'bin', one));
      symlinkSync('../../base-python', python);
    }
    if (venv === 'link') symlinkSync(elsewhere, link);
    return { host: this.it.env.host, link };
  }
}
