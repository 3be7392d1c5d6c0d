/**
 * Python versions of CI pipelines (GitHub Actions, GitLab CI), lane by lane. Scalars are read as they are written: `3.10` stays
 * `3.10`. Keys that mean a Python version are known by their names, and by being what such a key refers to.
 */
import { parseAllDocuments } from 'yaml';
import type { Constraint } from './constraints.js';

const GITHUB = /(^|\/)\.github\/workflows\/[^/]+\.ya?ml$/;
const GITLAB = /(^|\/)\.gitlab-ci\.ya?ml$/;

export const isPipeline = (path: string): boolean => GITHUB.test(path) || GITLAB.test(path);

type Node = string | null | Node[] | { [key: string]: Node };
type Found = Pick<Constraint, 'value' | 'excluded'> & { key: string; blocking: boolean };

/** Every lane's versions, or why the file can't be read. */
export function pipelineConstraints(file: string, text: string): Constraint[] | { problem: string } {
  const read = readYaml(text);
  if ('problem' in read) return read;
  const referred = new Set(read.documents.flatMap((root) => referredKeys(root)));
  const lanes = read.documents.flatMap((root) => (GITHUB.test(file) ? githubLanes(root) : gitlabLanes(root)));
  return lanes.flatMap(({ name, node, blocks }) => versionsIn(node, blocks, referred).map(({ key, value, excluded, blocking }): Constraint => ({ file, place: `job ${name} ${key}`, kind: 'ci', value, lane: { name, blocking }, excluded })));
}

function readYaml(text: string): { documents: Node[] } | { problem: string } {
  const documents = parseAllDocuments(text, { schema: 'failsafe', merge: true, logLevel: 'silent', prettyErrors: false });
  const all = Array.isArray(documents) ? documents : [];
  const broken = all.flatMap(({ errors }) => errors)[0];
  if (broken) return { problem: `no YAML: ${broken.message}` };
  try {
    const roots = all.map((document) => document.toJS({ maxAliasCount: 1_000 }) as Node);
    // Says no to aliases of themselves, which no walk would come out of.
    JSON.stringify(roots);
    return { documents: roots };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

interface Lane {
  name: string;
  node: Node;
  /** Whether its failure blocks; for one combination of its matrix. */
  blocks: (combination: { [key: string]: Node }) => boolean;
}

const fields = (node: Node | undefined): { [key: string]: Node } => (typeof node === 'object' && node !== null && !Array.isArray(node) ? node : {});

/** Jobs, and what stands beside them (`env`, `defaults`), which is for all. */
function githubLanes(root: Node): Lane[] {
  const { jobs, ...rest } = fields(root);
  const own = Object.entries(fields(jobs)).map(([name, node]): Lane => ({ name, node, blocks: blocksUnless(fields(node)['continue-on-error']) }));
  return [...own, { name: 'all', node: rest, blocks: () => true }];
}

/** `true`, or `${{ matrix.NAME }}` where the combination says so; every other expression may block. */
function blocksUnless(setting: Node | undefined): Lane['blocks'] {
  if (setting === 'true') return () => false;
  const name = typeof setting === 'string' ? /^\$\{\{\s*matrix\.([\w-]+)\s*\}\}$/.exec(setting)?.[1] : undefined;
  return (combination) => name === undefined || combination[name] !== 'true';
}

/** Every key at the top is a lane: jobs, `default`, `variables`, hidden templates. */
function gitlabLanes(root: Node): Lane[] {
  return Object.entries(fields(root)).map(([name, node]): Lane => ({ name, node: typeof node === 'object' ? node : { [name]: node }, blocks: () => fields(node)['allow_failure'] !== 'true' }));
}

/** `python-version`, `PYTHON_VERSION`, `python_versions`, `python`. */
const isVersionKey = (key: string): boolean => /^python([-_]?versions?)?$/i.test(key);

function versionsIn(lane: Node, blocks: Lane['blocks'], referred: Set<string>): Found[] {
  const found: Found[] = [];
  const visit = (node: Node, excluded: boolean): void => {
    if (Array.isArray(node)) return node.forEach((it) => visit(it, excluded));
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      const told = (values: string[]): void => void found.push(...values.map((it) => ({ key, value: it, excluded, blocking: blocks(node) })));
      if (isVersionKey(key) || referred.has(key)) told(leaves(value).flatMap((it) => versionsOf(it, /version/i.test(key))));
      else if (/^python[-_]version[-_]file$/i.test(key)) told(leaves(value).filter((it) => !/(^|\/)(\.python-version|pyproject\.toml)$/.test(it)).map((it) => `file ${it}`));
      else if (key === 'image' || key === 'container') told(imageVersions(value));
      visit(value, excluded || key === 'exclude');
    }
  };
  visit(lane, false);
  return found;
}

/** Keys that a version refers to: `py` of `python-version: ${{ matrix.py }}`, `PY` of `image: python:$PY`. */
function referredKeys(node: Node, isVersion = false): string[] {
  if (typeof node === 'string') return [...node.matchAll(isVersion ? /\b(?:matrix|env)\.([\w-]+)/g : /(?:^|\/)python:\$\{?(?:\{\s*(?:matrix|env)\.)?([\w-]+)/g)].map((match) => match[1]!);
  if (Array.isArray(node)) return node.flatMap((it) => referredKeys(it, isVersion));
  return node === null ? [] : Object.entries(node).flatMap(([key, value]) => referredKeys(value, isVersion || isVersionKey(key)));
}

/** Scalars of a value; of an input or variable with a description, what it is by default. */
function leaves(node: Node): string[] {
  if (typeof node === 'string') return [node];
  if (Array.isArray(node)) return node.flatMap(leaves);
  return [fields(node)['default'], fields(node)['value'], fields(node)['options']].flatMap((it) => (it === undefined ? [] : leaves(it)));
}

/**
 * Versions in one scalar: words of it, or of a list in quotes. What refers to matrix or environment is counted there; any
 * other expression stands for itself, so that a version can't be moved out of sight.
 */
function versionsOf(scalar: string, certain: boolean): string[] {
  if (scalar.includes('${{')) {
    const quoted = [...scalar.matchAll(/["'](\d[\w.+-]*)["']/g)].map((match) => match[1]!);
    return quoted.length > 0 ? quoted : /^\$\{\{\s*(?:matrix|env)\.[\w-]+\s*\}\}$/.test(scalar.trim()) ? [] : [scalar.trim()];
  }
  const words = scalar.split(/[\s,;[\]"']+/).filter((word) => word !== '');
  return words.filter((word) => certain || /\d/.test(word)).filter((word) => !/^\$/.test(word));
}

/** `3.12` of `python:3.12-slim`. */
function imageVersions(node: Node): string[] {
  const names = typeof node === 'string' ? [node] : leaves(fields(node)['image'] ?? fields(node)['name'] ?? null);
  return names.flatMap((name) => /(?:^|\/)python:([\w.]+)/.exec(name)?.[1] ?? []);
}
