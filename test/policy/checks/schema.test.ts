import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { PreflightReport, VerificationResult } from '../../../policy/checks/results.js';
import { manualPreflight, preflight } from '../../../policy/checks/preflight.js';
import { preflightSchema, schemaFiles, verificationSchema } from '../../../policy/checks/schema.js';
import { unjudged, verify } from '../../../policy/checks/verification.js';
import { goodFacts, measured, rules, unmeasured } from '../../support/check-facts.js';

const FOLDER = path.resolve(import.meta.dirname, '../../../..', 'docs/schemas');
const FACTS = [goodFacts(), goodFacts({ interpreter: { ok: false, kind: 'absent', problem: 'none' }, virtual: null, packages: unmeasured(), imports: unmeasured(), importTime: null, probe: null, integrity: null }), goodFacts({ integrity: measured({ run: null, files: 1, differences: ['x'] }) })];

test('VJ-01: docs/schemas holds exactly the schemas of the code (npm run build && node dist/test/write-schemas.js)', () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), Object.keys(schemaFiles()).sort());
  for (const [name, text] of Object.entries(schemaFiles())) assert.equal(readFileSync(path.join(FOLDER, name), 'utf8'), text, name);
});

test('VJ-01, VJ-16: what verify makes is what the schema says, nothing more and nothing less, after its way through JSON', () => {
  for (const result of [...FACTS.map((facts) => verify(facts, rules())), unjudged(goodFacts().at, rules(), 'x')]) {
    const read = JSON.parse(JSON.stringify(result)) as VerificationResult;
    assert.deepEqual(verificationSchema.parse(read), read);
    assert.deepEqual(read, result);
  }
});

test('PF-17: what preflight makes is what the schema says, the manual list\'s too', () => {
  for (const facts of FACTS) {
    for (const report of [preflight(facts, rules()), manualPreflight(facts, rules()), { ...preflight(facts, rules()), logFile: 'preflight_check_20260301_120000.log' }]) {
      const read = JSON.parse(JSON.stringify(report)) as PreflightReport;
      assert.deepEqual(preflightSchema.parse(read), read);
    }
  }
});

test('VJ-16: a status, severity, time or count that is none is refused, and so is a part that is missing', () => {
  const result = verify(goodFacts(), rules());
  const { security_check: _left, ...partial } = result;
  for (const bad of [{ ...result, overall_status: 'passed' }, { ...result, timestamp: '2026-03-01T12:00:00' }, { ...result, timestamp: '2026-03-01T13:00:00+01:00' }, { ...result, violations: [{ check: 'a', severity: 'info', message: 'b' }] }, { ...result, warnings: [{ check: 'a' }] }, partial]) {
    assert.equal(verificationSchema.safeParse(bad).success, false);
  }
  const report = preflight(goodFacts(), rules());
  for (const bad of [{ ...report, exitCode: 2 }, { ...report, passed: -1 }, { ...report, version: 2 }, { ...report, checks: [{ ...report.checks[0]!, lines: [] }] }]) assert.equal(preflightSchema.safeParse(bad).success, false);
});

test('the JSON schemas ask for every field and let fields join', () => {
  for (const text of Object.values(schemaFiles())) {
    const schema = JSON.parse(text) as { $schema: string; title: string; required: string[]; properties: object; additionalProperties?: unknown };
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.deepEqual(schema.required, Object.keys(schema.properties));
    assert.equal(schema.additionalProperties, undefined);
  }
});
