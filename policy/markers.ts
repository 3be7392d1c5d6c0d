/** Environment markers (PEP 508): which pins of a lock an interpreter gets. What can't be told stays in. */
import type { Interpreter } from './model.js';
import { satisfies } from './pep440.js';
import { parsePythonVersion } from './versions.js';

type Operand = { variable: string } | { text: string };
export type MarkerTree =
  | { kind: 'and' | 'or'; left: MarkerTree; right: MarkerTree }
  | { kind: 'compare'; left: Operand; operator: string; right: Operand };

/** Values of marker variables; a set for those that only `in` can ask. A variable that is absent is not known. */
export type MarkerEnvironment = Record<string, string | ReadonlySet<string>>;

const TOKEN = /\s*(?:([()])|(===|~=|==|!=|<=|>=|<|>)|'([^']*)'|"([^"]*)"|([A-Za-z_][A-Za-z0-9_.]*))/y;
const VERSIONED = new Set(['python_version', 'python_full_version', 'implementation_version']);
/** Spellings from before PEP 508 that still stand in old locks. */
const ALIASES: Record<string, string> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
};

/** What markers see on an interpreter's host; no extras. `groups`: dependency groups that are asked for. */
export function markerEnvironment(interpreter: Interpreter, groups: string[] = []): MarkerEnvironment {
  const version = parsePythonVersion(interpreter.version);
  const implementation = interpreter.implementation.toLowerCase();
  // PEP 440 has no bare `+`; this is how `packaging` reads a development build.
  const full = interpreter.version.replace(/\+$/, '+local');
  const systems: Record<string, MarkerEnvironment> = {
    linux: { sys_platform: 'linux', platform_system: 'Linux', os_name: 'posix' },
    macosx: { sys_platform: 'darwin', platform_system: 'Darwin', os_name: 'posix' },
  };
  return {
    ...(version === null ? {} : { python_version: `${version.major}.${version.minor}`, python_full_version: full }),
    ...(version !== null && implementation === 'cpython' ? { implementation_version: full } : {}),
    ...systems[interpreter.system],
    platform_machine: interpreter.machine,
    implementation_name: implementation,
    platform_python_implementation: implementation === 'cpython' ? 'CPython' : implementation === 'pypy' ? 'PyPy' : interpreter.implementation,
    extra: '',
    extras: new Set<string>(),
    dependency_groups: new Set(groups),
  };
}

/** Reads a marker; null when it is none. */
export function parseMarker(text: string): MarkerTree | null {
  const tokens = tokenize(text);
  if (tokens === null) return null;
  let next = 0;
  const disjunction = (): MarkerTree | null => chain('or', () => chain('and', atom));
  const chain = (kind: 'and' | 'or', part: () => MarkerTree | null): MarkerTree | null => {
    let tree = part();
    while (tree !== null && tokens[next] === kind) {
      next += 1;
      const right = part();
      tree = right === null ? null : { kind, left: tree, right };
    }
    return tree;
  };
  const atom = (): MarkerTree | null => {
    if (tokens[next] !== '(') return comparison();
    next += 1;
    const inner = disjunction();
    return tokens[next++] === ')' ? inner : null;
  };
  const comparison = (): MarkerTree | null => {
    const left = operand(tokens[next++]);
    let operator = tokens[next++];
    if (operator === 'not' && tokens[next++] === 'in') operator = 'not in';
    const right = operand(tokens[next++]);
    if (left === null || right === null || operator === undefined || !/^(===|~=|==|!=|<=|>=|<|>|in|not in)$/.test(operator)) return null;
    // Two literals or two variables can't be a marker: one side asks, the other is asked.
    return 'variable' in left === 'variable' in right ? null : { kind: 'compare', left, operator, right };
  };
  const tree = disjunction();
  return next === tokens.length ? tree : null;
}

/** Tokens; literals keep a quote in front, so that `'and'` is not `and`. */
function tokenize(text: string): string[] | null {
  const tokens: string[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const match = pattern.exec(text);
    if (match === null) return null;
    const literal = match[3] ?? match[4];
    tokens.push(literal === undefined ? (match[1] ?? match[2] ?? match[5])! : `'${literal}`);
  }
  return tokens.length === 0 ? null : tokens;
}

function operand(token: string | undefined): Operand | null {
  if (token === undefined) return null;
  if (token.startsWith("'")) return { text: token.slice(1) };
  if (!/^[A-Za-z_]/.test(token) || ['and', 'or', 'in', 'not'].includes(token)) return null;
  return { variable: ALIASES[token] ?? token };
}

/**
 * Whether a pin with this marker belongs to the environment. True where it can't be told (no marker, unreadable, unknown
 * variable): an extra pin is seen in verification, a missing one breaks the service.
 */
export function markerHolds(marker: string | null, environment: MarkerEnvironment): boolean {
  const tree = marker === null ? null : parseMarker(marker);
  return tree === null || evaluate(tree, environment) !== false;
}

/** Three values: null is "can't tell", and `unknown and false` is still false. */
function evaluate(tree: MarkerTree, environment: MarkerEnvironment): boolean | null {
  if (tree.kind === 'compare') return compareOperands(tree.left, tree.operator, tree.right, environment);
  const left = evaluate(tree.left, environment);
  const right = evaluate(tree.right, environment);
  const decisive = tree.kind === 'or';
  if (left === decisive || right === decisive) return decisive;
  return left === null || right === null ? null : !decisive;
}

function compareOperands(left: Operand, operator: string, right: Operand, environment: MarkerEnvironment): boolean | null {
  const variable = 'variable' in left ? left.variable : (right as { variable: string }).variable;
  const value = Object.hasOwn(environment, variable) ? environment[variable]! : null;
  if (value === null) return null;
  const a = 'variable' in left ? value : left.text;
  const b = 'variable' in right ? value : right.text;
  if (typeof a !== 'string') return null;
  if (typeof b !== 'string') return operator === 'in' ? b.has(a) : operator === 'not in' ? !b.has(a) : null;
  if (operator === 'in') return b.includes(a);
  if (operator === 'not in') return !b.includes(a);
  const versioned = VERSIONED.has(variable) ? satisfies(a, `${operator}${b}`) : null;
  return versioned ?? compareTexts(a, operator, b);
}

/** Text has no order: `<=` and `>=` hold for equal text only, `<` and `>` never, as `packaging` has it. */
function compareTexts(a: string, operator: string, b: string): boolean | null {
  if (operator === '==' || operator === '<=' || operator === '>=') return a === b;
  if (operator === '!=') return a !== b;
  return operator === '<' || operator === '>' ? false : null;
}
