import type { Command } from 'commander';
import { behindLeastPatch } from '../../../policy/security-patch.js';
import { chooseInterpreter, supportedVersions } from '../../../policy/versions.js';
import type { PolicyFile } from '../../../policy/files/policy-file.js';
import type { Interpreter } from '../../../policy/model.js';
import { checkedPolicy, checkOptions, type CheckOptions } from '../checking.js';
import { findInstance, type Instance } from '../instance.js';
import { EXIT, refusal, table, type Io } from '../io.js';
import { askProcess } from '../processes.js';
import type { HostFacts } from './doctor.js';

/** One job of the matrix. */
interface Entry {
  role: 'primary' | 'fallback';
  /** For set-up steps and image tags, always text: `3.10` as a number would be 3.1 (CI-08). */
  version: string;
  /** As the policy writes it: `3.12.x`, `3.11.13`. */
  required: string;
}

/** With `--check`: what this machine has for it. */
interface Checked extends Entry {
  path: string | null;
  found: string | null;
}

interface MatrixOptions extends CheckOptions {
  json?: boolean;
  github?: boolean;
  gitlab?: boolean;
  check?: boolean;
}

/** `runbook ci matrix`: every supported version, for a pipeline (CI-04, HM-17). */
export function ciMatrixCommand(ci: Command, io: Io): void {
  checkOptions(ci.command('matrix'))
    .description('every supported Python version as a matrix for a pipeline')
    .option('--github', 'one line for fromJSON() of GitHub Actions')
    .option('--gitlab', 'a YAML job template for GitLab')
    .option('--json', 'with roles, as JSON')
    .option('--check', 'exit 1 unless this machine has an interpreter for each')
    .addHelpText('after', '\nExamples:\n  runbook ci matrix --github >> "$GITHUB_OUTPUT"\n  runbook ci matrix --gitlab > python-matrix.yml\n  runbook ci matrix --check')
    .action(async (options: MatrixOptions) => {
      const forms = (['github', 'gitlab', 'json'] as const).filter((form) => options[form]);
      if (forms.length > 1) throw refusal([{ what: 'ci matrix', expected: 'one of --github, --gitlab, --json', got: forms.map((form) => `--${form}`).join(' and '), wayOut: 'runbook ci matrix --github' }]);
      const instance = findInstance();
      const { policy } = checkedPolicy(instance, options);
      const entries = matrixOf(policy);
      const checked = options.check ? await checkMatrix(instance, entries, policy) : null;
      for (const line of matrixLines(entries, checked, forms[0] ?? 'text')) io.out(line);
      process.exitCode = tellMissing(io, checked, policy);
    });
}

/** Primary and fallback, each once. */
function matrixOf(policy: PolicyFile): Entry[] {
  return supportedVersions(policy).flatMap(({ role, version }) => (role === 'prohibited' ? [] : [{ role, version: version.replace(/\.x$/, ''), required: version }]));
}

function matrixLines(entries: Entry[], checked: Checked[] | null, form: 'github' | 'gitlab' | 'json' | 'text'): string[] {
  const versions = entries.map(({ version }) => version);
  // JSON strings are YAML strings too: no reader can take a version for a number.
  const quoted = JSON.stringify(versions);
  if (form === 'github') return [`matrix={"python-version":${quoted}}`];
  if (form === 'gitlab') return ['.python-matrix:', '  parallel:', '    matrix:', `      - PYTHON_VERSION: [${versions.map((version) => JSON.stringify(version)).join(', ')}]`];
  if (form === 'json') return [JSON.stringify({ 'python-version': versions, entries: checked ?? entries }, null, 2)];
  if (checked === null) return table(['VERSION', 'ROLE', 'REQUIRED'], entries.map(({ version, role, required }) => [version, role, required]));
  return table(['VERSION', 'ROLE', 'FOUND', 'WHERE'], checked.map(({ version, role, found, path }) => [version, role, found ?? 'none', path ?? '—']));
}

/** An interpreter for each, with the security patches the policy asks for (PV-34). */
async function checkMatrix(instance: Instance, entries: Entry[], policy: PolicyFile): Promise<Checked[]> {
  const { interpreters } = await askProcess<HostFacts>('main-doctor', [], instance);
  const fit = interpreters.filter((it) => behindLeastPatch(it.version, policy) === null && !isPreRelease(it));
  return entries.map((entry) => {
    const chosen = chooseInterpreter(fit, entry.required);
    return { ...entry, path: chosen?.path ?? null, found: chosen?.version ?? null };
  });
}

const isPreRelease = ({ version }: Interpreter): boolean => !/^\d+\.\d+\.\d+$/.test(version);

function tellMissing(io: Io, checked: Checked[] | null, { minPatch }: PolicyFile): number {
  const missing = checked?.filter(({ found }) => found === null) ?? [];
  for (const { required, role } of missing) {
    const least = minPatch[required.split('.').slice(0, 2).join('.')];
    io.talk(`missing: Python ${required} (${role})${least === undefined ? '' : `, at least patch ${least}`}: expected an interpreter of it on this machine, got none`);
  }
  if (missing.length > 0) io.talk('  try: install it, or name its folder under "interpreters" in the agent file; runbook doctor lists what was found');
  return missing.length === 0 ? EXIT.yes : EXIT.no;
}
