/** `npm run requirements`: which rows of docs/requirements.md a test names in its title, and which none does. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A requirement as its row states it. */
export interface Requirement {
  id: string;
  text: string;
}

/** A test by its title. */
export interface TestTitle {
  file: string;
  title: string;
}

/** Rows with the tests that name them, and names of rows that do not exist. */
export interface Coverage {
  rows: (Requirement & { tests: TestTitle[] })[];
  unknown: (TestTitle & { id: string })[];
}

/** The rows of a Markdown document: table lines whose first cell is an id such as `WF-24`. Throws on an id given twice. */
export function readRequirements(markdown: string): Requirement[] {
  const rows = [...markdown.matchAll(/^\| ([A-Z]{2,3}-\d{2,3}) \| (.*?) \|/gm)].map((m) => ({ id: m[1]!, text: m[2]! }));
  const twice = rows.find((row, i) => rows.findIndex((r) => r.id === row.id) !== i);
  if (twice) throw new Error(`${twice.id}: expected one row, got two; ids are never given again`);
  return rows;
}

const STARTERS = new Set(['test', 'it', 'describe', 'suite']);

/**
 * Titles of the tests in a source text. Read from its syntax tree, so that a test in a comment or a string does not
 * count; `test.skip` and `test.todo` do not either, they prove nothing.
 */
export function readTitles(file: string, source: string): TestTitle[] {
  const titles: TestTitle[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && startsTest(node.expression)) {
      const title = literalText(node.arguments[0]);
      if (title !== null) titles.push({ file, title });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ES2022));
  return titles;
}

function startsTest(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return STARTERS.has(callee.text);
  if (!ts.isPropertyAccessExpression(callee)) return false;
  // `t.test(...)` is a subtest; `test.only(...)` runs as well.
  return callee.name.text === 'test' || (callee.name.text === 'only' && startsTest(callee.expression));
}

function literalText(node: ts.Expression | undefined): string | null {
  if (!node) return null;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) return [node.head, ...node.templateSpans.map((span) => span.literal)].map((part) => part.text).join('…');
  return null;
}

/** Joins rows and titles. An id counts as unknown when its prefix is one of the document's and its number is not there. */
export function cover(requirements: Requirement[], titles: TestTitle[]): Coverage {
  const known = new Set(requirements.map((row) => row.id));
  const prefixes = new Set(requirements.map((row) => row.id.split('-')[0]!));
  const named = titles.flatMap((title) => [...title.title.matchAll(/\b([A-Z]{2,3})-\d{2,3}\b/g)].filter((m) => prefixes.has(m[1]!)).map((m) => ({ ...title, id: m[0] })));
  return {
    rows: requirements.map((row) => ({ ...row, tests: named.filter((n) => n.id === row.id).map(({ file, title }) => ({ file, title })) })),
    unknown: named.filter((n) => !known.has(n.id)),
  };
}

/** The report for people: counts by prefix, then the rows, ids only where no test names them. */
export function renderCoverage({ rows, unknown }: Coverage): string {
  const met = rows.filter((row) => row.tests.length > 0);
  const prefixes = [...new Set(rows.map((row) => row.id.split('-')[0]!))];
  const count = (prefix: string): string => {
    const all = rows.filter((row) => row.id.startsWith(`${prefix}-`));
    return `  ${prefix.padEnd(4)} ${String(all.filter((row) => row.tests.length > 0).length).padStart(3)} of ${all.length}`;
  };
  return [
    'Rows with a test that names them:',
    ...met.map((row) => `  ${row.id}  ${[...new Set(row.tests.map((t) => t.file))].join(', ')}`),
    'Rows without one:',
    ...prefixes.map((prefix) => `  ${prefix.padEnd(4)} ${rows.filter((row) => row.id.startsWith(`${prefix}-`) && row.tests.length === 0).map((row) => row.id.slice(prefix.length + 1)).join(' ')}`),
    'Count:',
    ...prefixes.map(count),
    `  all  ${String(met.length).padStart(3)} of ${rows.length}`,
    ...unknown.map((u) => `unknown row ${u.id}: ${u.file}: ${JSON.stringify(u.title)}; expected an id of docs/requirements.md`),
    '',
  ].join('\n');
}

/** Reads the repository at `root`. */
export function readCoverage(root: string): Coverage {
  const requirements = readRequirements(readFileSync(path.join(root, 'docs/requirements.md'), 'utf8'));
  const files = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).sort();
  return cover(requirements, files.flatMap((file) => readTitles(path.join('test', file), readFileSync(path.join(root, 'test', file), 'utf8'))));
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const coverage = readCoverage(path.resolve(import.meta.dirname, '../..'));
  process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(coverage)}\n` : renderCoverage(coverage));
  process.exitCode = coverage.unknown.length > 0 ? 1 : 0;
}
