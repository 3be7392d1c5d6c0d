import { execFile, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { readTarget } from '../target.js';
import { askVersion, startLoad, type LoadReport } from '../demo/load.js';
import { arrive, chooseCast, makeSite, missingCast, type Cast, type Site } from '../demo/site.js';
import { provision } from '../demo/provision.js';
import { findInstance, type Instance } from '../instance.js';
import { CliError, EXIT, refusal, type Io } from '../io.js';
import { askProcess, startProcess } from '../processes.js';
import { changeRequest } from '../request.js';
import { formatMs } from '../../../policy/describe.js';
import { counted } from '../../../policy/text.js';
import { placeOf, tilde } from '../words.js';
import type { HostFacts } from './doctor.js';
import { carryOut } from './run.js';

interface DemoOptions {
  dir: string;
  exit?: boolean;
  port: string;
  uiPort: string;
}

/** `runbook demo`: a real service, a lock its interpreter can't install, and the wheel fallback under load. */
export function demoCommand(program: Command, io: Io): void {
  program
    .command('demo')
    .option('--dir <path>', 'where to build it', path.join(homedir(), 'demo'))
    .option('--exit', 'end at once instead of keeping server and service up')
    .option('--port <port>', 'port of the server (0: any free one)', '7233')
    .option('--ui-port <port>', 'port of the Web UI (0: any free one)', '8233')
    .action(async (options: DemoOptions) => {
      process.exitCode = await demo(io, options);
    });
}

async function demo(io: Io, options: DemoOptions): Promise<number> {
  const dir = path.resolve(options.dir);
  requireNoneRunning(dir);
  const facts = await askProcess<HostFacts>('main-doctor', [], null);
  const cast = chooseCast(facts.interpreters) ?? chooseCast(await provision(io, facts.interpreters, dir));
  if (!cast) throw missingCast(facts.interpreters);
  const site = await makeSite(dir, cast, hostname());
  process.env['RUNBOOK_HOME'] = site.home;
  const upArgs = ['--port', options.port, '--ui-port', options.uiPort, ...(process.geteuid?.() === 0 ? ['--allow-root'] : [])];
  const up = await startProcess('main-up', upArgs);
  const control = (verb: string) => runControl(site, verb);
  const settled = endWithThisProcess(up.child, site);
  try {
    io.out(up.readyLine);
    const code = await play(io, findInstance(), site, cast, control).catch((error: unknown) => tellFailure(io, error));
    // Also when it went wrong: what is to be seen then is to be seen in the Web UI.
    if (!options.exit) await untilInterrupt(io, up.child, code);
    return code;
  } finally {
    await control('stop').catch(() => undefined);
    await up.stop();
    settled();
  }
}

/** Whatever ends this process before its own clean end (Ctrl-C while a run is followed, a signal), nothing it started outlives it. */
function endWithThisProcess(child: ChildProcess, site: Site): () => void {
  const end = () => {
    const [file, ...args] = site.control('stop');
    spawnSync(file!, args, { stdio: 'ignore', timeout: 10_000 });
    child.kill('SIGTERM');
  };
  const signals = ['SIGTERM', 'SIGHUP'] as const;
  const leave = () => process.exit(EXIT.no);
  process.once('exit', end);
  signals.forEach((signal) => process.on(signal, leave));
  return () => {
    process.off('exit', end);
    signals.forEach((signal) => process.off(signal, leave));
  };
}

async function play(io: Io, instance: Instance, site: Site, cast: Cast, control: (verb: string) => Promise<void>): Promise<number> {
  const env = readTarget(site.project, instance);
  const made = changeRequest(instance, 'change', env, { to: cast.primary.version, create: true, reason: 'demo: the service\'s first environment' });
  io.talk(`making pricer's environment on ${cast.primary.version}`);
  if ((await carryOut(quiet(io), instance, made.request, made.workflowId, { yes: true })) !== EXIT.yes) throw new CliError(EXIT.no, ['the demo\'s first environment could not be made', `  try: runbook show ${made.request.run}`]);
  await control('start');
  io.out(`pricer serves from ${await askVersion(site.port)}. A new lock arrives: numpy 1.25.2, pandas 2.0.3, …`.replace('numpy 1.25.2, pandas 2.0.3', headlinePins(cast)));
  arrive(site, cast.newLock);
  const load = startLoad(site.port);
  const { request, workflowId } = changeRequest(instance, 'fallback', env, { reason: 'demo: the new lock has no wheels for the primary' });
  const carried = await carryOut(io, instance, request, workflowId, { yes: true, brief: true }).catch((error: unknown) => tellFailure(io, error));
  const code = carried === EXIT.yes || carried === EXIT.incomplete ? carried : EXIT.no;
  const report = await load.stop();
  tellLoad(io, report, await askVersion(site.port));
  if (code === EXIT.yes) tellNext(io, placeOf(env, instance.host));
  return code;
}

const headlinePins = (cast: Cast): string => (cast.newLock.includes('3.13') ? 'numpy 1.26.4, pandas 2.1.1' : 'numpy 1.25.2, pandas 2.0.3');

function tellLoad(io: Io, load: LoadReport, now: string | null): void {
  const missed = load.failed === 0 ? 'none refused' : `${load.failed} refused; longest gap ${formatMs(load.longestOutageMs)} (announced: at most 20 s)`;
  io.out(`pricer answers from ${now ?? 'nothing'}; ${counted(load.answered, 'request')} answered meanwhile, ${missed}`);
}

/** In a fresh clone `runbook` is no command yet: what is told to be typed has to work as it is. */
function tellNext(io: Io, place: string): void {
  io.talk('next, in another terminal:');
  const script = process.argv[1] ?? '';
  if (!isOnPath(script)) io.talk(`  alias runbook=${tilde(script)}`);
  for (const words of [`why ${place}`, `undo ${place} --reason "trying it"`]) io.talk(`  runbook ${words}`);
}

function isOnPath(script: string): boolean {
  const candidates = (process.env['PATH'] ?? '').split(path.delimiter).filter((dir) => path.isAbsolute(dir)).map((dir) => path.join(dir, 'runbook'));
  return candidates.some((file) => existsSync(file) && realpathSync(file) === realpathSync(script));
}

/** What ended a demo before its end, in the words of whoever said no. Its code is "no": the demo's input is its own. */
function tellFailure(io: Io, error: unknown): number {
  if (!(error instanceof CliError)) throw error;
  for (const line of error.lines) io.talk(line);
  return EXIT.no;
}

/** A second demo makes the folder anew: not under the feet of one that runs. */
function requireNoneRunning(dir: string): void {
  const { current } = findInstance();
  if (current?.home !== path.join(dir, '.runbook')) return;
  throw refusal([{ what: dir, expected: 'no demo that runs there', got: `one, process ${current.pid}`, wayOut: 'Ctrl-C in its terminal, or runbook demo --dir ELSEWHERE --port 0 --ui-port 0' }]);
}

/** The first environment is the stage, not the play: only what goes wrong is shown. */
function quiet(io: Io): Io {
  return { ...io, out: () => undefined, talk: () => undefined, interactive: false };
}

async function runControl(site: Site, verb: string): Promise<void> {
  const [file, ...args] = site.control(verb);
  await promisify(execFile)(file!, args, { timeout: 60_000 }).catch((error: Error) => {
    throw new CliError(EXIT.no, [`pricer: expected ${verb} to work, got ${error.message.trim()}`]);
  });
}

async function untilInterrupt(io: Io, child: ChildProcess, code: number): Promise<void> {
  io.talk(code === EXIT.yes ? 'server, Web UI and pricer stay up until Ctrl-C' : 'the demo did not succeed; server and Web UI stay up until Ctrl-C, so that it can be looked at: runbook list');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    child.once('exit', () => resolve());
  });
}
