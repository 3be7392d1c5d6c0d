import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConstraints, statesVersions } from '../../policy/constraint-files.js';

const CI = '.github/workflows/ci.yml';

function read(path: string, text: string): string[] {
  const answer = readConstraints([{ path, text }], 'policy.yaml');
  if ('problem' in answer) return [`problem ${answer.problem.file}: ${answer.problem.got}`];
  return answer.constraints.map(({ place, value, lane, excluded }) => `${place} ${value}${lane && !lane.blocking ? ' free' : ''}${excluded ? ' excluded' : ''}`).sort();
}

test('AP-02: the files that state versions, and no others', () => {
  for (const path of [CI, '.github/workflows/a.yaml', 'sub/.github/workflows/x.yml', '.gitlab-ci.yml', 'pyproject.toml', 'sub/pyproject.toml', '.python-version', 'policy.yaml']) assert.ok(statesVersions(path, 'policy.yaml'), path);
  for (const path of ['ci.yml', '.github/dependabot.yml', '.github/workflows/old/ci.yml', 'pyproject.toml.bak', 'my.python-version', 'other/policy.yaml']) assert.equal(statesVersions(path, 'policy.yaml'), false, path);
});

test('AP-02: a matrix by its own name, by another that it is referred to by, and as YAML would misread it', () => {
  assert.deepEqual(read(CI, 'jobs:\n  test:\n    strategy: {matrix: {python-version: [3.10, "3.12", 3.13-dev]}}\n    steps: [{uses: s, with: {python-version: "${{ matrix.python-version }}"}}]\n'), ['job test python-version 3.10', 'job test python-version 3.12', 'job test python-version 3.13-dev']);
  assert.deepEqual(read(CI, 'jobs:\n  test:\n    strategy: {matrix: {py: ["3.12", "3.13"], os: [linux1]}}\n    steps: [{with: {python-version: "${{ matrix.py }}"}}]\n'), ['job test py 3.12', 'job test py 3.13']);
  assert.deepEqual(read(CI, 'env: {PYTHON_VERSION: 3.12}\njobs: {a: {steps: [{with: {python-version: "${{ env.PYTHON_VERSION }}"}}]}}\n'), ['job all PYTHON_VERSION 3.12']);
  assert.deepEqual(read(CI, 'jobs: {a: {steps: [{with: {python-version: "3.11\\n3.12\\n"}}]}}'), ['job a python-version 3.11', 'job a python-version 3.12']);
  assert.deepEqual(read(CI, 'jobs: {a: {uses: ./x.yml, with: {python-versions: \'["3.11", "3.12"]\'}}}'), ['job a python-versions 3.11', 'job a python-versions 3.12']);
  assert.deepEqual(read(CI, 'on: {workflow_call: {inputs: {python-version: {type: string, default: "3.12", description: "not 2"}}}}\njobs: {}\n'), ['job all python-version 3.12']);
});

test('AP-02: a version can\'t be moved out of sight: expressions, other files and images are stated too', () => {
  assert.deepEqual(read(CI, 'jobs: {a: {steps: [{with: {python-version: "${{ vars.PY }}"}}]}}'), ['job a python-version ${{ vars.PY }}']);
  assert.deepEqual(read(CI, 'jobs: {a: {strategy: {matrix: {python-version: "${{ fromJSON(\'[\\"3.12\\",\\"3.13\\"]\') }}"}}}}'), ['job a python-version 3.12', 'job a python-version 3.13']);
  assert.deepEqual(read(CI, 'jobs: {a: {steps: [{with: {python-version-file: py.txt}}, {with: {python-version-file: .python-version}}]}}'), ['job a python-version-file file py.txt']);
  assert.deepEqual(read(CI, 'jobs: {a: {container: "python:3.12-slim"}, b: {container: {image: "reg.example/library/python:3.13"}}, c: {container: "cpython:3"}}'), ['job a container 3.12', 'job b container 3.13', 'job b image 3.13']);
  assert.deepEqual(read('.gitlab-ci.yml', 'variables: {PY: "3.12"}\ntest: {image: "python:$PY"}\n'), ['job variables PY 3.12']);
});

test('DIS-35: lanes that do not block are told apart: by job, and by combination', () => {
  const text = (setting: string) => `jobs:\n  next:\n    continue-on-error: ${setting}\n    strategy:\n      matrix:\n        python-version: ["3.12"]\n        include:\n          - {python-version: "3.14", experimental: true}\n          - {python-version: "3.13", experimental: false}\n`;
  const of = (setting: string) => read(CI, text(setting)).map((line) => line.replace('job next python-version ', ''));
  assert.deepEqual(of('true'), ['3.12 free', '3.13 free', '3.14 free']);
  assert.deepEqual(of('${{ matrix.experimental }}'), ['3.12', '3.13', '3.14 free']);
  for (const setting of ['false', '${{ github.ref != 1 }}', '${{ matrix.experimental || true }}']) assert.deepEqual(of(setting), ['3.12', '3.13', '3.14'], setting);
  assert.deepEqual(read('.gitlab-ci.yml', 'next: {allow_failure: true, parallel: {matrix: [{PYTHON_VERSION: ["3.14"]}]}}\ntest: {variables: {PYTHON_VERSION: "3.12"}}\n'), ['job next PYTHON_VERSION 3.14 free', 'job test PYTHON_VERSION 3.12']);
});

test('AP-02: what a matrix leaves out is stated as left out', () => {
  assert.deepEqual(read(CI, 'jobs: {a: {strategy: {matrix: {python-version: ["3.11", "3.12"], exclude: [{python-version: "3.11", os: mac}]}}}}'), ['job a python-version 3.11', 'job a python-version 3.11 excluded', 'job a python-version 3.12']);
});

test('AP-02, AP-03: project files and the policy', () => {
  assert.deepEqual(read('pyproject.toml', '[project]\nrequires-python = ">=3.11, <3.14, !=3.12.*"\n[tool.poetry.dependencies]\npython = "^3.11"\n'), ['requires-python != 3.12.x', 'requires-python < 3.14', 'requires-python >= 3.11', 'tool.poetry.dependencies.python ^ 3.11']);
  assert.deepEqual(read('pyproject.toml', '[project]\nname = "x"\n'), []);
  assert.deepEqual(read('.python-version', '# ours\n3.12.1  # pinned\n\n3.11.13\n'), ['version 3.11.13', 'version 3.12.1']);
  assert.deepEqual(read('policy.yaml', ''), ['interpreters.fallback.version 3.11.13', 'interpreters.primary.version 3.12.x', 'minimum 3.11']);
  assert.deepEqual(read('policy.yaml', 'minimum: "3.12"\ninterpreters: {fallback: {version: 3.12.9, justification: j}}\n'), ['interpreters.fallback.version 3.12.9', 'interpreters.primary.version 3.12.x', 'minimum 3.12']);
});

test('what can\'t be read is said, never taken for "no version"', () => {
  assert.match(read(CI, 'jobs: {a: [')[0]!, /^problem .*ci\.yml: no YAML/);
  assert.match(read(CI, 'jobs: &a [*a]')[0] ?? 'nothing', /^problem/);
  assert.match(read('pyproject.toml', '[project')[0]!, /^problem pyproject\.toml: /);
  assert.match(read('policy.yaml', 'interpreter: {}')[0]!, /^problem policy\.yaml: /);
});
