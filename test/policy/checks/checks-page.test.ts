/** docs/checks.md, the guide to what a check says (PF-28). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { COMMANDS, nameOf } from '../../../client/cli/command-table.js';
import { MANUAL_CHECKS, PREFLIGHT_CHECKS } from '../../../policy/checks/preflight.js';
import { verify } from '../../../policy/checks/verification.js';
import { goodFacts, rules } from '../../support/check-facts.js';
import { checksPage } from '../../support/checks-page.js';
import { CHECK_WORDS, VERIFIER_WORDS } from '../../support/checks-words.js';
import { FAILING_CHECKS, FAILING_VERIFIER } from '../../support/failing-facts.js';

const ROOT = path.resolve(import.meta.dirname, '../../../..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');
const CHECKS = [...PREFLIGHT_CHECKS, ...MANUAL_CHECKS];

test('PF-28: docs/checks.md is what the checks say now (npm run build && node dist/test/write-checks-page.js)', () => {
  assert.equal(read('docs/checks.md'), checksPage());
});

test('PF-28: each check and each part of the verifier has words and facts that fail it, and nothing else has', () => {
  const names = CHECKS.map(({ name }) => name).sort();
  const parts = [...Object.keys(verify(goodFacts(), rules())).filter((key) => key.endsWith('_check')).map((key) => key.replace(/_check$/, '')), 'reported_metrics'].sort();
  for (const [found, wanted] of [[CHECK_WORDS, names], [FAILING_CHECKS, names], [VERIFIER_WORDS, parts], [FAILING_VERIFIER, parts]] as const) assert.deepEqual(Object.keys(found).sort(), wanted);
});

test('PF-28: each check has a section with a line as it is printed and a way out below it', () => {
  const page = checksPage();
  for (const { title, name } of CHECKS) {
    const section = page.split(`### ${title}\n`)[1]?.split('\n## ')[0]?.split('\n### ')[0] ?? assert.fail(title);
    assert.match(section, new RegExp(`^[✗?!] ${title} {2}.+$`, 'm'), name);
    assert.match(section, /^ {4}try: \S/m, name);
  }
});

test('every command of the page is one there is, every place it links to is there, and three pages lead to it', () => {
  const page = checksPage();
  const known = COMMANDS.map(nameOf);
  for (const [, verb] of page.matchAll(/\brunbook ([a-z]+)(?= )/g)) assert.ok(known.includes(verb!), `runbook ${verb}`);
  const headings = (text: string): string[] => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'));
  for (const [, file, place] of page.matchAll(/\]\(([\w.-]+\.md)?(?:#([\w-]+))?\)/g)) {
    const text = file === undefined ? page : read(`docs/${file}`);
    assert.ok(place === undefined || headings(text).includes(place), `${file ?? ''}#${place}`);
  }
  for (const [name, link] of [['README.md', '(docs/checks.md)'], ['docs/preflight.md', '(checks.md)'], ['docs/when-things-go-wrong.md', '(checks.md)']]) assert.ok(read(name!).includes(link!), name);
});
