/** The two pipelines of docs/preflight.md: read as their servers read them, and their scripts run by a shell over a `runbook` that answers as it is told. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { ciCommand } from '../../../client/cli/commands/ci-approvals.js';
import { parsePolicy } from '../../../policy/files/load.js';
import { useCheckCli } from '../../support/check-cli.js';
import { inProcess } from '../../support/in-process.js';

interface GithubStep { run?: string; uses?: string; if?: string; with?: Record<string, string> }
interface GithubJob { needs?: string; if?: string; strategy?: { 'fail-fast': boolean; matrix: Record<string, unknown> }; steps: GithubStep[] }
interface Github { on: object; jobs: Record<'preflight' | 'deploy', GithubJob> }
interface GitlabJob { stage: string; needs?: string[]; script: string[]; rules: { if: string }[]; parallel?: { matrix: unknown[] }; artifacts?: { when: string; name: string; paths: string[] } }
type Gitlab = Record<'preflight' | 'deploy', GitlabJob>;
/** Exit code by the first words of a call; 0 where there is none. */
type Codes = Partial<Record<'ci version' | 'ci wheels' | 'preflight' | 'verify' | 'gate', number>>;
interface Ran { passed: boolean; calls: string[]; said: string }

useCheckCli();
const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/preflight.md'), 'utf8');
const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text!);
const template = (name: string): string => blocks.find((text) => text.startsWith(`# ${name}`)) ?? assert.fail(name);
const GITHUB = template('.github/workflows/preflight.yml');
const GITLAB = template('.gitlab-ci.yml');
const DEPLOYMENT = ['ci version /srv/pricer', 'gate /srv/pricer -- /usr/local/bin/deploy pricer'];
const RESULTS = ['preflight_check_*.log', 'runtime_verification_results.json'];

const bin = mkdtempSync(path.join(tmpdir(), 'runbooks-templates-'));
const calls = path.join(bin, 'calls');
after(() => rmSync(bin, { recursive: true }));
writeFileSync(path.join(bin, 'runbook'), `#!/bin/sh\necho "$*" >> ${calls}\nfor told in $CODES; do case "$(echo "$*" | tr ' ' _)" in "\${told%=*}"*) exit "\${told#*=}";; esac; done\n`, { mode: 0o755 });

/** One script as a runner runs it. */
function shell(script: string, codes: Codes, variables: Record<string, string> = {}): { ok: boolean; said: string } {
  const told = Object.entries(codes).map(([call, code]) => `${call.replace(' ', '_')}=${code}`).join(' ');
  const { status, stdout } = spawnSync('bash', ['-eo', 'pipefail', '-c', script], { encoding: 'utf8', env: { PATH: `${bin}:/usr/bin:/bin`, CODES: told, ...variables } });
  return { ok: status === 0, said: stdout };
}

function called(run: () => { passed: boolean; said: string }): Ran {
  writeFileSync(calls, '');
  const told = run();
  return { ...told, calls: readFileSync(calls, 'utf8').split('\n').filter((line) => line !== '') };
}

/** Steps in their order; after one that failed only those that always run. */
const runGithub = (job: GithubJob, codes: Codes): Ran => called(() => {
  let [passed, said] = [true, ''];
  for (const { run, if: when } of job.steps) {
    if (run === undefined || !/^ *runbook /m.test(run) || !(passed || when === 'always()')) continue;
    const told = shell(run.replaceAll('${{ matrix.python-version }}', '3.12'), codes);
    [passed, said] = [passed && told.ok, said + told.said];
  }
  return { passed, said };
});

/** The lines of a job are one script. */
const runGitlab = (job: GitlabJob, codes: Codes): Ran => called(() => {
  const { ok, said } = shell(job.script.filter((line) => !line.startsWith('python ')).join('\n'), codes, { PYTHON_VERSION: '3.12' });
  return { passed: ok, said };
});

/** What a lane does with every answer: drift ends it at once, a warning is a notice, and the verifier is heard whatever preflight said. */
function proveLane(run: (codes: Codes) => Ran): void {
  const well = run({});
  assert.deepEqual([well.passed, well.calls.map((call) => call.replace(/ --junit \S+/, ''))], [true, ['ci version --expect 3.12', 'ci wheels', 'preflight', 'verify']]);
  for (const first of ['ci version', 'ci wheels'] as const) {
    const { passed, calls: made } = run({ [first]: 1 });
    assert.deepEqual([passed, made.some((call) => call.startsWith('preflight'))], [false, false], first);
  }
  const warned = run({ verify: 2 });
  assert.equal(warned.passed, true, 'a warning is no failure');
  assert.match(warned.said, /runbook verify warns/);
  assert.doesNotMatch(well.said, /warns/);
  for (const codes of [{ preflight: 1 }, { preflight: 1, verify: 2 }, { verify: 1 }, { preflight: 69 }, { verify: 69 }]) {
    const { passed, calls: made } = run(codes);
    assert.deepEqual([passed, made.at(-1)], [false, 'verify'], JSON.stringify(codes));
  }
}

/** The command of the deployment is the gate's, and nothing is called after a refusal. */
function proveDeployment(run: (codes: Codes) => Ran): void {
  assert.deepEqual((({ passed, calls: made }) => [passed, made])(run({})), [true, DEPLOYMENT]);
  assert.deepEqual((({ passed, calls: made }) => [passed, made])(run({ 'ci version': 1 })), [false, DEPLOYMENT.slice(0, 1)]);
  for (const gate of [1, 3]) assert.equal(run({ gate }).passed, false, `gate ${gate}`);
}

function proveGithub(text: string, versions: string[]): void {
  const { on, jobs: { preflight, deploy } } = parse(text) as Github;
  assert.deepEqual(on, { push: { branches: ['main', 'develop'] }, pull_request: { branches: ['main'] } });
  assert.deepEqual(preflight.strategy, { 'fail-fast': false, matrix: { 'python-version': versions } });
  assert.equal(preflight.steps.find(({ uses }) => uses?.startsWith('actions/setup-python'))?.with?.['python-version'], '${{ matrix.python-version }}');
  proveLane((codes) => runGithub(preflight, codes));
  const upload = preflight.steps.at(-1)!;
  assert.deepEqual([upload.if, upload.with!['name'], upload.with!['path']?.trim().split('\n')], ['always()', 'preflight-results-${{ matrix.python-version }}', RESULTS]);
  assert.deepEqual([deploy.needs, deploy.if], ['preflight', "github.event_name == 'push' && github.ref == 'refs/heads/main'"]);
  proveDeployment((codes) => runGithub(deploy, codes));
}

function proveGitlab(text: string, versions: string[]): void {
  const { preflight, deploy } = parse(text) as Gitlab;
  assert.deepEqual(preflight.rules.map((rule) => rule.if), ['$CI_COMMIT_BRANCH == "main" || $CI_COMMIT_BRANCH == "develop"', '$CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "main"']);
  assert.deepEqual(preflight.parallel, { matrix: [{ PYTHON_VERSION: versions }] });
  proveLane((codes) => runGitlab(preflight, codes));
  const { when, name, paths } = preflight.artifacts!;
  assert.deepEqual([when, name, paths], ['always', 'preflight-results-$PYTHON_VERSION', RESULTS]);
  assert.deepEqual([deploy.needs, deploy.stage, deploy.rules], [['preflight'], 'deploy', [{ if: '$CI_COMMIT_BRANCH == "main"' }]]);
  proveDeployment((codes) => runGitlab(deploy, codes));
}

const supported = async (): Promise<string[]> => (JSON.parse((await inProcess(ciCommand, 'ci', 'matrix', '--json')).stdout) as { 'python-version': string[] })['python-version'];

test('CI-03, CI-05, CI-07 to CI-09, DIS-05, DEF-28: GitHub: quoted versions of the policy, a verifier that always runs, its 2 a notice, and a deployment behind the matrix and the gate', async () => {
  proveGithub(GITHUB, await supported());
});

test('CI-03, CI-05, CI-07 to CI-09, DIS-05, DEF-28: GitLab: the same', async () => {
  proveGitlab(GITLAB, await supported());
});

const MUTATIONS: Record<'github' | 'gitlab', [string, string][]> = {
  github: [
    ['branches: [main, develop]', 'branches: [main]'], ['["3.12", "3.11.13"]', '["3.12"]'], ['["3.12", "3.11.13"]', '[3.12, "3.11.13"]'], ['fail-fast: false', 'fail-fast: true'],
    [' --expect ${{ matrix.python-version }}', ''], ['- run: runbook preflight', '- run: runbook preflight || true'], ['      - run: runbook preflight\n', ''], ['runbook verify || verified=$?', 'runbook verify'],
    ['-eq 2', '-eq 1'], ['exit "$verified"', 'exit 0'], ['- name: runbook verify\n        if: always()', '- name: runbook verify'], ['- uses: actions/upload-artifact@v4\n        if: always()', '- uses: actions/upload-artifact@v4'],
    ['            runtime_verification_results.json\n', ''], ['    needs: preflight\n', ''], ["    if: github.event_name == 'push' && github.ref == 'refs/heads/main'\n", ''], ['runbook gate /srv/pricer -- ', ''], ['      - run: runbook ci version /srv/pricer\n', ''],
  ],
  gitlab: [
    [' || $CI_COMMIT_BRANCH == "develop"', ''], ['["3.12", "3.11.13"]', '["3.12"]'], ['["3.12", "3.11.13"]', '[3.12, "3.11.13"]'], [' --expect "$PYTHON_VERSION"', ''], [' || checked=$?', ''], [' || verified=$?', ''],
    ['-eq 2', '-eq 1'], ['      exit $((checked | verified))\n', ''], ['checked | verified', 'verified'], ['when: always', 'when: on_success'], [', runtime_verification_results.json', ''],
    ['  needs: [preflight]\n', ''], ['runbook gate /srv/pricer -- ', ''], ['    - runbook ci version /srv/pricer\n', ''], ['  stage: deploy', '  stage: test'],
  ],
};

test('what a template could lose is missed', { timeout: 120_000 }, async () => {
  const versions = await supported();
  for (const [text, prove, list] of [[GITHUB, proveGithub, MUTATIONS.github], [GITLAB, proveGitlab, MUTATIONS.gitlab]] as const) {
    for (const [from, to] of list) {
      assert.equal(text.split(from).length, 2, `in the template once: ${from}`);
      assert.throws(() => prove(text.replace(from, () => to), versions), assert.AssertionError, `${from} → ${to}`);
    }
  }
});

test('the section of the policy on that page is one, and each script is one that sh can read', () => {
  const policy = parsePolicy(blocks.find((text) => text.startsWith('checks:'))!, 'docs/preflight.md');
  assert.ok('policy' in policy, JSON.stringify(policy));
  for (const { script } of Object.values(parse(GITLAB) as Gitlab)) execFileSync('sh', ['-n', '-c', script.join('\n')]);
});
