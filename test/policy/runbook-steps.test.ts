import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parsePolicy } from '../../policy/files/load.js';
import type { RunKind } from '../../policy/model.js';
import { toMarkdown } from '../../policy/report/markdown.js';
import { toText } from '../../policy/report/text.js';
import { describeRunbook, runbookPage } from '../../policy/runbook-page.js';
import { RUNBOOKS, RUNBOOK_NAMES } from '../../policy/runbook-steps.js';
import { packageRoot } from '../../worker/version.js';
import { recordedRuns } from '../support/history-entries.js';

const WORKFLOWS: Record<RunKind, string[]> = { change: ['environment-change', 'environment-tidy'], fallback: ['wheel-fallback', 'environment-change'], rollback: ['environment-undo'], exception: ['emergency-exception'], 'interpreter-change': ['interpreter-change'] };

/** Steps of less common ways, which need not have a recorded history; what calls each of them is looked up in the workflows. */
const NOT_RECORDED = ['measure', 'build source-all'];

const loaded = (text = ''): { policy: ReturnType<typeof policyOf>; digest: string } => ({ policy: policyOf(text), digest: 'ab'.repeat(32) });

function policyOf(text: string) {
  const answer = parsePolicy(text, 'policy.yaml');
  if ('objections' in answer) throw new Error(JSON.stringify(answer.objections));
  return answer.policy;
}

function emitted(workflows: string[]): string[] {
  const entries = recordedRuns().filter(({ workflow }) => workflows.includes(workflow)).flatMap((run) => run.entries);
  return [...new Set(entries.filter(({ event }) => event === 'step-done' || event === 'step-failed').map(({ data }) => String(data['step'])))].sort();
}

test('PV-14: the steps of each described runbook are those that recorded runs of it emit, no more and no fewer', () => {
  for (const [kind, workflows] of Object.entries(WORKFLOWS) as [RunKind, string[]][]) {
    const described = RUNBOOKS[kind].steps.map(({ name }) => name);
    assert.equal(new Set(described).size, described.length, kind);
    const recorded = emitted(workflows);
    assert.deepEqual(recorded.filter((name) => !described.includes(name)), [], `${kind}: emitted and not described`);
    // The steps of a review are the policy's own; the recorded one has a shorter policy.
    if (kind === 'interpreter-change') continue;
    // An exception orders a change, whose steps are described with it.
    const ordered = kind === 'exception' ? RUNBOOKS.change.steps.map(({ name }) => name) : [];
    assert.deepEqual(described.filter((name) => ![...recorded, ...ordered, ...NOT_RECORDED].includes(name)), [], `${kind}: described and not emitted`);
  }
});

test('PV-14: every step a workflow names in its source is described, and every described one is named there', () => {
  const folder = path.join(packageRoot(), 'workflows');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const named = [...new Set(sources.flatMap((text) => [...text.matchAll(/\brun\.step\(\s*(['`])([^'`]+)\1/g)].map((match) => match[2]!)))];
  assert.ok(named.length > 10, named.join());
  // A template such as `build ${mode}` stands for every name it can make.
  const patterns = named.map((name) => new RegExp(`^${name.split(/\$\{[^}]*\}/).map((part) => part.replace(/[^\w ]/g, '\\$&')).join('.+')}$`));
  const described = [...new Set(Object.values(RUNBOOKS).filter(({ kind }) => kind !== 'interpreter-change').flatMap(({ steps }) => steps.map(({ name }) => name)))];
  assert.deepEqual(described.filter((name) => !patterns.some((pattern) => pattern.test(name))), []);
  assert.deepEqual(named.filter((_, at) => !described.some((name) => patterns[at]!.test(name))), []);
});

test('AP-04 to AP-10: the steps described are the policy\'s own, in their order, CAB last', () => {
  assert.deepEqual(RUNBOOKS['interpreter-change'].steps.map(({ name }) => name), loaded().policy.interpreterChange.steps.map(({ name }) => name));
  assert.equal(RUNBOOKS['interpreter-change'].steps.at(-1)!.name, 'cab');
});

test('PV-14: the order described is the order carried out', () => {
  const done = recordedRuns().find(({ file }) => file.startsWith('environment-change--done--'))!;
  const order = done.entries.filter(({ event }) => event === 'step-done').map(({ data }) => String(data['step']));
  assert.ok(order.length > 5);
  assert.deepEqual(RUNBOOKS.change.steps.map(({ name }) => name).filter((name) => order.includes(name)), order);
});

test('PV-14: each step says what it does, what a no means and its time limit, and the emergency can be carried out by hand', () => {
  for (const runbook of Object.values(RUNBOOKS)) {
    for (const step of runbook.steps) for (const field of ['does', 'otherwise', 'limit'] as const) assert.ok(step[field].length > 5, `${runbook.kind} ${step.name} ${field}`);
    assert.ok(runbook.asks.length > 0 && runbook.commands.length > 0);
  }
  for (const step of RUNBOOKS.fallback.steps) assert.ok(step.byHand.length > 0, step.name);
});

test('PV-14: the commands name the policy\'s own interpreters', () => {
  const { steps } = describeRunbook('fallback', loaded('interpreters:\n  primary: { version: 3.13.x, justification: new }\n  fallback: { version: 3.12.8, justification: old }\n'));
  const commands = steps.flatMap(({ byHand }) => byHand).join('\n');
  assert.match(commands, /python3\.13 -m pip download/);
  assert.match(commands, /python3\.12 -m venv --without-pip/);
  assert.doesNotMatch(commands, /\b(PRIMARY|FALLBACK|NEW)\b|3\.11/);
});

test('WF-54: what was learned stands in the described runbook, with the policy it comes from', () => {
  const described = describeRunbook('fallback', loaded('knownIssues:\n  - { packages: [greenlet, gevent], python: "3.13", text: builds against a private header }\n'));
  for (const text of [toText(runbookPage(described), 80), toMarkdown(runbookPage(described))]) {
    assert.match(text, /greenlet, gevent on Python 3\.13: builds against a private header/);
    assert.match(text, /effective 2024-12-02/);
  }
  assert.match(toText(runbookPage(describeRunbook('fallback', loaded())), 80), /None is in the policy/);
});

test('text for a terminal is no wider than it, but for what is there to be pasted', () => {
  for (const columns of [60, 80, 200]) {
    const text = toText(runbookPage(describeRunbook('fallback', loaded())), columns);
    const wide = text.split('\n').filter((line) => line.length > Math.min(columns, 100) && !line.startsWith('    ') && /\s\S+\s/.test(line.trim()) && !/sha256 \S{64}/.test(line));
    assert.deepEqual(wide, []);
  }
});

test('a runbook is known by each of its names', () => {
  assert.deepEqual(Object.keys(RUNBOOK_NAMES), ['change', 'fallback', 'wheel-fallback', 'rollback', 'undo', 'exception', 'interpreter-change']);
  assert.equal(RUNBOOK_NAMES['wheel-fallback'], 'fallback');
});
