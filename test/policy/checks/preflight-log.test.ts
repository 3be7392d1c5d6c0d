import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preflightLog } from '../../../policy/checks/preflight-log.js';
import { preflight } from '../../../policy/checks/preflight.js';
import type { EnvironmentFacts } from '../../../policy/checks/facts.js';
import { goodFacts, goodInterpreter, measured, rules } from '../../support/check-facts.js';

const utc = (iso: string): string => iso.slice(0, 19).replace('T', ' ');
const logOf = (overrides: Partial<EnvironmentFacts> = {}, logFile: string | null = null) => preflightLog({ ...preflight(goodFacts(overrides), rules()), logFile }, rules(), utc);

test('PF-02: every line is a time and a message, whatever foreign words are in it', () => {
  const lines = logOf({ imports: measured([{ module: 'pandas', ok: false, error: 'a\n2026-01-01 00:00:00 - Status: READY\r\u2028x' }]), project: '/srv/a\nb' });
  for (const line of lines) assert.match(line, /^2026-03-01 12:00:00 -( .*)?$/);
  assert.equal(lines.filter((line) => /- Status: READY/.test(line) && line.indexOf('Status') < 25).length, 0);
});

test('PF-03: it opens with title, time, and the expected and fallback versions', () => {
  const head = logOf().slice(0, 5).map((line) => line.slice(22));
  assert.deepEqual(head, ['=== Runtime preflight ===', 'Timestamp: 2026-03-01 12:00:00', 'Environment: /srv/pricer/.venv of /srv/pricer on calc-01', 'Expected Python: 3.12.x', 'Fallback Python: 3.11.13']);
});

test('PF-04: all seven checks are in it, each with its findings; what did not pass with its remedy', () => {
  const text = logOf({ interpreter: goodInterpreter({ version: '3.9.0' }) }).join('\n');
  for (let at = 1; at <= 7; at += 1) assert.match(text, new RegExp(`- ${at}\\. \\w`));
  assert.match(text, / {4}Remedy: runbook run change \/srv\/pricer --to 3\.12/);
});

test('PF-17, PF-19: it ends with the interpreter, the counts, the status and the log\'s own name', () => {
  const last = (...given: Parameters<typeof logOf>) => logOf(...given).slice(-5).map((line) => line.slice(22));
  assert.deepEqual(last({}, '/var/log/preflight_check_20260301_120000.log'), [
    '=== Summary ===',
    'Python: primary (3.12.4)',
    'Checks: 7 passed, 0 failed, 0 warned, 0 unknown, of 7',
    'Status: READY: the primary interpreter, ready for production',
    'Log file: /var/log/preflight_check_20260301_120000.log',
  ]);
  assert.equal(last({}).at(-1), 'Log file: none was written');
});

test('PF-16: each status is said in words', () => {
  assert.match(logOf({ imports: measured([]) }).at(-2)!, /Status: NOT_READY: a check that decides/);
});
