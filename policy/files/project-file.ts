/** `runbook.yaml` in the repository. It may only tighten what policy and agent file say. */
import { z } from 'zod';
import type { ProjectSettings } from '../model.js';

const text = z.string().trim().min(1);
const relative = z
  .string()
  .regex(/^(?!\/)(?!-)[^\0\n]+$/, 'expected a path relative to the project')
  .refine((p) => !p.split('/').includes('..'), 'expected a path inside the project');
const moduleName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/, 'expected a dotted module name');

export const projectFileSchema = z.strictObject({
  name: text,
  lock: relative.default('requirements.txt'),
  link: relative.default('.venv'),
  importModule: moduleName.optional(),
  imports: z.array(moduleName).default([]),
  /** Arguments after the environment's Python: ["-m", "pytest", "-x", "--tb=short", "tests/"] (WF-46). */
  tests: z.array(z.string().regex(/^[^\0\n]*$/)).default([]),
  testsTimeoutSeconds: z.number().positive().default(600),
  envPrefix: z.string().regex(/^[A-Z][A-Z0-9_]*$/).optional(),
  envFile: relative.optional(),
  configFiles: z.array(z.strictObject({ path: relative, format: z.enum(['keyvalue', 'yaml']) })).default([]),
  /** JSON that the project's own runs write: `at`, `solveSeconds`, `memoryMiB`, `testsFailed`, `crashes` (HM-19, HM-20). */
  metrics: relative.optional(),
  expectedFreezeHash: z.string().regex(/^[0-9a-f]{64}$/).optional(),
  /** A timed probe of the project's own (WF-48). With `maxSlowdown`, a new environment slower than that many times the old one is not switched to. */
  performance: z.strictObject({ name: text.default('the project\'s probe'), setup: z.string().default(''), statement: text, maxSlowdown: z.number().min(1).optional() }).optional(),
});

export type ProjectFile = z.infer<typeof projectFileSchema>;

/** The project file as the plan carries it: absent settings are null. */
export function projectSettings(file: ProjectFile): ProjectSettings {
  const { importModule, envPrefix, envFile, expectedFreezeHash, performance, metrics, ...rest } = file;
  return { ...rest, ...(metrics === undefined ? {} : { metrics }), performance: performance ? { ...performance, maxSlowdown: performance.maxSlowdown ?? null } : null, importModule: importModule ?? null, envPrefix: envPrefix ?? null, envFile: envFile ?? null, expectedFreezeHash: expectedFreezeHash ?? null };
}
