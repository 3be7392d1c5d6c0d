import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { agentFileSchema } from '../../../policy/files/agent-file.js';
import { parseWith } from '../../../policy/files/explain.js';
import { nearest } from '../../../policy/files/nearest.js';
import { policyFileSchema } from '../../../policy/files/policy-file.js';
import { projectFileSchema } from '../../../policy/files/project-file.js';
import type { Objection } from '../../../policy/model.js';

function objectionsOf(schema: z.ZodType, text: string): Objection[] {
  const parsed = parseWith(schema, text, { file: 'policy.yaml', format: 'yaml' });
  assert.equal(parsed.ok, false, text);
  return parsed.ok ? [] : parsed.objections;
}

test('a good file is its value, with defaults; a file of comments is an empty mapping', () => {
  const parsed = parseWith(policyFileSchema, 'interpreters:\n  primary:\n    version: 3.13.x\n    justification: tested\n', { file: 'policy.yaml', format: 'yaml' });
  assert.equal(parsed.ok && parsed.value.interpreters.primary.version, '3.13.x');
  for (const text of ['', '# nothing\n', '{}']) {
    const empty = parseWith(policyFileSchema, text, { file: 'policy.yaml', format: 'yaml' });
    assert.equal(empty.ok && empty.value.interpreters.fallback.version, '3.11.13', JSON.stringify(text));
  }
});

test('a misspelt key names its place, the nearest key and all that are allowed', () => {
  assert.deepEqual(objectionsOf(policyFileSchema, 'interpreters:\n  primray:\n    version: 3.12.x\n'), [
    { what: 'policy.yaml line 2: interpreters.primray', expected: 'one of primary, fallback', got: 'primray', wayOut: 'did you mean "primary"?' },
  ]);
  const [deep] = objectionsOf(policyFileSchema, 'hostClasses:\n  production:\n    hosts: [a]\n    bulid: never\n');
  assert.deepEqual([deep!.what, deep!.wayOut], ['policy.yaml line 4: hostClasses.production.bulid', 'did you mean "build"?']);
  const [inList] = objectionsOf(agentFileSchema, 'roots: [/srv]\nenvironments:\n  - link: /srv/a/.venv\n    onSwich: idle\n');
  assert.deepEqual([inList!.what, inList!.wayOut], ['policy.yaml line 4: environments[0].onSwich', 'did you mean "onSwitch"?']);
  const [far] = objectionsOf(policyFileSchema, 'colour: blue\n');
  assert.equal(far!.wayOut, 'remove the key');
});

test('several unknown keys are several objections', () => {
  assert.deepEqual(objectionsOf(policyFileSchema, 'a: 1\nb: 2\n').map((it) => it.what), ['policy.yaml line 1: a', 'policy.yaml line 2: b']);
});

test('a wrong word of an enum lists the words and guesses', () => {
  const [wrong] = objectionsOf(policyFileSchema, 'installer: uvv\n');
  assert.deepEqual(wrong, { what: 'policy.yaml line 1: installer', expected: 'one of uv, pip', got: '"uvv"', wayOut: 'did you mean "uv"?' });
});

test('a version that YAML reads as a number is shown as written', () => {
  const [wrong] = objectionsOf(policyFileSchema, 'interpreters:\n  primary:\n    version: 3.10\n    justification: x\n');
  assert.deepEqual(wrong, { what: 'policy.yaml line 3: interpreters.primary.version', expected: 'text', got: 'the number 3.10', wayOut: 'put the value into quotes: "3.10"' });
});

test('limits, formats and missing keys are told in words', () => {
  const of = (schema: z.ZodType, text: string): Objection => objectionsOf(schema, text)[0]!;
  assert.deepEqual([of(policyFileSchema, 'canaryPercent: 200').expected, of(policyFileSchema, 'canaryPercent: 200').got], ['at most 100', 'the number 200']);
  assert.equal(of(agentFileSchema, 'roots: []').expected, 'at least 1 entry');
  assert.equal(of(agentFileSchema, 'roots: [srv]').expected, 'an absolute path');
  assert.deepEqual([of(projectFileSchema, 'lock: a.txt').got, of(projectFileSchema, 'lock: a.txt').wayOut], ['nothing', 'add "name"']);
  assert.equal(of(projectFileSchema, 'name: x\nlock: ../../etc/passwd').expected, 'a path inside the project');
  assert.equal(of(policyFileSchema, '- a').expected, 'a mapping');
  assert.equal(of(policyFileSchema, 'timers: 5').got, 'the number 5');
  assert.equal(of(policyFileSchema, 'timers:').got, 'an empty value');
});

test('broken YAML says the line and what to do', () => {
  const of = (text: string): Objection => objectionsOf(policyFileSchema, text)[0]!;
  assert.deepEqual(of('installer: uv\ninstaller: pip\n'), { what: 'policy.yaml line 2', expected: 'every key once in a mapping', got: 'installer a second time', wayOut: 'keep one of the two' });
  assert.equal(of('a:\n  b: 1\n  b: 2\n').what, 'policy.yaml line 3');
  assert.equal(of('\tinstaller: uv\n').expected, 'spaces for indentation');
  assert.equal(of('installer: uv\n---\ninstaller: pip\n').expected, 'one YAML document');
  assert.equal(of('installer: !!js/function x\n').expected, 'plain values without tags');
  assert.equal(of('installer: "uv\n').expected, 'a closing quote, bracket or colon');
});

test('a bomb of aliases is refused, not expanded', () => {
  const levels = Array.from({ length: 12 }, (_, index) => `a${index}: &a${index} [${index === 0 ? 'x' : Array(10).fill(`*a${index - 1}`).join(', ')}]`);
  assert.match(objectionsOf(policyFileSchema, levels.join('\n'))[0]!.expected, /aliases/);
});

test('secrets are never shown, wherever they stand', () => {
  const files = [
    'roots: [/srv]\nindex:\n  url: https://robot:hunter2@index.example/simple\n', 'roots: [/srv]\nindex:\n  url: robot:hunter2@index.example\n', 'roots: [/srv]\nindex:\n  url: "https://robot:hun/ter2@index.example"\n',
    'roots: [/srv]\npassword: hunter2\n', 'roots: [/srv]\npassword: "hunter2\n', 'roots: 5\nindex: "https://robot:hunter2@index.example"\n', 'roots: [/srv]\nindex: [https://robot:hunter2@index.example]\nindex:\n  token: hunter2\n',
    'roots: [/srv]\nindex:\n  url: ftp://index.example/?token=hunter2\n',
  ];
  for (const text of files) assert.doesNotMatch(JSON.stringify(objectionsOf(agentFileSchema, text)), /ter2/, text);
  const [named] = objectionsOf(z.strictObject({ apiToken: z.number() }), 'apiToken: hunter2\n');
  assert.equal(named!.got, '***');
});

test('no text makes the reader throw; every objection has four parts', () => {
  const fragment = fc.constantFrom('interpreters', ':', '\n', '  ', '- ', '"', "'", '{', '}', '[', ']', '&a', '*a', '!x', '|', '>', '3.12.x', '__proto__', 'constructor', '#', '%', '\t', '? ', '<<: ');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(fragment, { maxLength: 15 }).map((it) => it.join(''))), (text) => {
      const parsed = parseWith(agentFileSchema, text, { file: 'f', format: 'yaml' });
      assert.equal(parsed.ok, false, 'roots is required');
      if (!parsed.ok) for (const it of parsed.objections) for (const part of [it.what, it.expected, it.got, it.wayOut]) assert.ok(part.length > 0 && !part.includes('\n'), JSON.stringify(it));
    }),
    { numRuns: 3000 },
  );
});

test('the nearest word is near, or none', () => {
  assert.equal(nearest('fallbak', ['primary', 'fallback']), 'fallback');
  assert.equal(nearest('hosst', ['hosts', 'build']), 'hosts');
  assert.equal(nearest('zzzz', ['primary', 'fallback']), null);
});
