/** The JSON that `runbook preflight` and `runbook verify` print, as schemas: for reading it, and for `docs/schemas` (VJ-01, VJ-16). */
import { z } from 'zod';
import type { PreflightReport, VerificationResult } from './results.js';

/** ISO, UTC, with Z. */
const instant = z.iso.datetime();
const count = z.int().min(0);

const checkResult = z.object({
  check: z.string().regex(/^[a-z][a-z0-9-]*$/).describe('Name for machines.'),
  title: z.string().describe('Name for people.'),
  status: z.enum(['pass', 'warn', 'fail', 'unknown']).describe('unknown: it could not be measured. Never a pass.'),
  blocking: z.boolean().describe('Whether fail or unknown of it decides status and exit code.'),
  lines: z.array(z.string()).min(1).describe('What was found, a sentence each.'),
  evidence: z.record(z.string(), z.json()).describe('The measured values behind it.'),
  remedy: z.string().nullable().describe('What to type or do; null: nothing.'),
});

export const preflightSchema = z
  .object({
    version: z.literal(1).describe('Version of this form. Fields may join; those that are here stay.'),
    at: instant,
    host: z.string(),
    project: z.string().describe('Absolute path.'),
    link: z.string().describe('Absolute path of the link that names the environment.'),
    python: z.object({ status: z.enum(['primary', 'fallback', 'exception', 'unsupported', 'not_found']), version: z.string().nullable() }),
    status: z.enum(['READY', 'READY_FALLBACK', 'READY_EXCEPTION', 'NOT_READY']),
    exitCode: z.union([z.literal(0), z.literal(1)]),
    checks: z.array(checkResult),
    passed: count,
    warned: count,
    failed: count,
    unknown: count,
    total: count,
    logFile: z.string().nullable().describe('null: none was written.'),
  })
  .meta({ title: 'PreflightReport', description: 'What runbook preflight --json prints.' });

const names = z.array(z.string());
const verdict = z.boolean().nullable();
const measure = z.number().min(0).nullable();

const violationSchema = z.object({ check: z.string(), severity: z.enum(['critical', 'warning']), message: z.string() });
const warningSchema = z.object({ check: z.string(), message: z.string() });

export const verificationSchema = z
  .object({
    timestamp: instant,
    python_version_check: z.object({ current_version: z.string().nullable(), required_versions: names, compatible: z.boolean() }),
    package_integrity_check: z.object({ required_packages: names, missing_packages: names, version_mismatches: names, changed_files: names.nullable().describe('Files that are not as they were verified; null: not looked at.') }),
    wheel_status_check: z.object({ lock_file_exists: z.boolean(), lock_file_current: z.boolean(), packages_match_lock: verdict }),
    environment_config_check: z.object({ required_vars_present: names, config_file_exists: z.boolean(), config_file_valid: z.boolean() }),
    security_check: z.object({ secure_file_permissions: z.boolean(), no_insecure_packages: verdict, environment_isolation: z.boolean() }),
    performance_check: z.object({ import_time: measure.describe('Seconds.'), memory_usage: measure.describe('MiB, at its largest.'), performance_baseline_met: verdict }),
    violations: z.array(violationSchema),
    warnings: z.array(warningSchema).describe('Noted; they do not change the status.'),
    overall_status: z.enum(['PASSED', 'WARNING', 'FAILED', 'unknown']).describe('unknown: nothing could be judged. Never a pass.'),
  })
  .meta({ title: 'VerificationResult', description: 'What runbook verify --json prints and runtime_verification_results.json holds. null: could not be measured.' });

/** Either way: a field that only one of form and type has does not compile. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const _same: [Same<z.infer<typeof preflightSchema>, PreflightReport>, Same<z.infer<typeof verificationSchema>, VerificationResult>] = [true, true];

/** File name in `docs/schemas` to its text. */
export function schemaFiles(): Record<string, string> {
  const textOf = (schema: z.ZodType): string => `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), null, 2)}\n`;
  return { 'preflight.schema.json': textOf(preflightSchema), 'verification.schema.json': textOf(verificationSchema) };
}
