// What the lint holds up: the folder table of the architecture, deterministic workflow code, small files, no lost promise.
import importX, { createNodeResolver } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Folder → folders it may import. What of a folder, and whether as types only, stands in the rules below. */
const MAY_IMPORT = {
  policy: [],
  workflows: ['policy', 'activities'],
  activities: ['policy', 'records'],
  records: ['policy'],
  worker: ['policy', 'workflows', 'activities', 'records'],
  client: ['policy', 'workflows', 'records', 'worker'],
};
const FOLDERS = Object.keys(MAY_IMPORT);

const zones = FOLDERS.flatMap((target) =>
  FOLDERS.filter((from) => from !== target && !MAY_IMPORT[target].includes(from)).map((from) => ({
    target: `./${target}`,
    from: `./${from}`,
    message: `${target}/ may import ${MAY_IMPORT[target].join(', ') || 'nothing of ours'}; move what both need into policy/.`,
  })),
);

const noDefaultExport = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  { selector: 'ExportAllDeclaration', message: 'List what is exported by name.' },
];

/** Methods of Date that read the machine's own time zone. */
const LOCAL_DATE = '/^(get|set)(Date|Day|FullYear|Hours|Milliseconds|Minutes|Month|Seconds|Year|TimezoneOffset)$/';

const deterministic = [
  { selector: "ThrowStatement > NewExpression[callee.name='Error']", message: 'A plain Error fails the workflow task, which hangs: throw ApplicationFailure.' },
  { selector: "MemberExpression[property.name=/^toLocale/]", message: 'Depends on the machine. Calendars are computed by a control activity.' },
  { selector: `CallExpression > MemberExpression[property.name=${LOCAL_DATE}]`, message: 'Reads the machine\'s time zone: use the UTC methods, or a control activity.' },
];

const workflowsNever = [
  { group: ['node:*', 'fs', 'fs/*', 'path', 'os', 'crypto', 'child_process', 'net', 'http', 'https', 'util', 'events', 'stream', 'process', 'url', 'worker_threads'], message: 'Workflow code runs in a sandbox without Node.' },
  { group: ['zod', 'zod/*'], message: 'Parse at the edges: a tightened schema in a workflow breaks replay.' },
  { group: ['@temporalio/activity', '@temporalio/client', '@temporalio/worker', '@temporalio/testing'], message: 'Workflow code uses @temporalio/workflow only.' },
  { group: ['**/activities/**'], allowTypeImports: true, message: 'Only the types of activities: their code would be bundled.' },
  { group: ['**/policy/files/*-file.js', '**/policy/files/explain.js'], allowTypeImports: true, message: 'Schemas pull zod in: import types only.' },
];

export default tseslint.config(
  { ignores: ['dist/**', 'dist-*/**', 'node_modules/**', 'examples/**', '**/*.js', '**/*.mjs'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.json'], extensionAlias: { '.js': ['.ts', '.js'] } })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // An index that is known to be in range is said with `!`.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'no-restricted-syntax': ['error', ...noDefaultExport],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: workflowsNever }],
      'no-restricted-syntax': ['error', ...noDefaultExport, ...deterministic],
      'no-restricted-globals': ['error', { name: 'Intl', message: 'Depends on the machine. Calendars are computed by a control activity.' }, 'process', 'Buffer', 'fetch', 'crypto'],
    },
  },
  {
    // The agent only connects outward and answers what it is asked.
    files: ['activities/host/**/*.ts', 'worker/agent.ts', 'worker/wire-agent.ts', 'worker/main-agent.ts', 'worker/main-local-undo.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ group: ['@temporalio/client', '**/records/**', '**/activities/control/**'], allowTypeImports: true, message: 'The agent has no Temporal client and no records (decision 9).' }] }] },
  },
  {
    // The edge knows the messages, and where a running instance is; everything else it starts as a process.
    files: ['client/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [
        { group: ['**/workflows/**', '!**/workflows/messages.js'], allowTypeImports: true, message: 'The client knows workflows by their messages.' },
        { group: ['**/worker/**', '!**/worker/paths.js', '!**/worker/current.js', '!**/worker/version.js', '!**/worker/process-identity.js', '!**/worker/enrol.js'], allowTypeImports: true, message: 'The client starts worker processes, it does not load them.' },
      ] }],
    },
  },
  {
    files: ['policy/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ group: ['node:*', '@temporalio/*'], message: 'policy/ decides: no I/O, no clock, no Temporal.' }] }] },
  },
  { files: ['client/**/*.ts', 'worker/main-*.ts', 'test/run.ts', 'test/requirements.ts', 'bench/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'max-lines': 'off', 'max-lines-per-function': 'off' } },
  {
    // node:test keeps track of the promises of `test`, `describe` and hooks itself.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite', 'before', 'after', 'beforeEach', 'afterEach'] }] }] },
  },
);
