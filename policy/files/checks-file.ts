/** The policy's rules for checks: lists by purpose, limits, severities. The documents' figures are the defaults. */
import { z } from 'zod';
import { isVersion, satisfies } from '../pep440.js';

const text = z.string().trim().min(1);
const moduleName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/, 'expected a dotted module name');
const projectName = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, 'expected the name of a package');
const relative = z.string().regex(/^(?!\/)(?!-)[^\0\n]+$/, 'expected a path relative to the project').refine((p) => !p.split('/').includes('..'), 'expected a path inside the project');

const advisory = z.strictObject({
  project: projectName,
  /** Versions it is about, as PEP 440 writes them: `<2.0.1`. */
  versions: text.refine((specifiers) => satisfies('1.0', specifiers) !== null, 'expected versions as PEP 440 writes them: <2.0.1,>=1.0'),
  /** `CVE-2026-12345`. */
  id: text,
  text: text.default('known to be insecure'),
});

/** DIS-10: one named list per purpose. */
const lists = {
  /** PF-01, PF-09: packages without which nothing may run. */
  required: z.array(moduleName),
  /** VJ-07: least versions of packages that must be there. */
  minimumVersions: z.record(projectName, text.refine(isVersion, 'expected a version like 2.0.0')),
  /** VJ-15: imported together and timed. */
  healthImports: z.array(moduleName),
};

export const checksSchema = z
  .strictObject({
    /** PF-29: header of the checklist; `runbook due` has its review. */
    checklist: z.strictObject({ version: text.default('1.0.0'), effective: z.iso.date().default('2024-12-02'), review: z.iso.date().default('2025-03-02'), owner: text.default('operations team') }).prefault({}),
    required: lists.required.default(['pandas', 'numpy', 'fastapi', 'sqlalchemy', 'pytest']),
    minimumVersions: lists.minimumVersions.default({ pandas: '2.0.0', numpy: '1.24.0', fastapi: '0.100.0', sqlalchemy: '2.0.0' }),
    healthImports: lists.healthImports.default(['pandas', 'numpy', 'fastapi']),
    /** Lists of single projects, by the name in their runbook.yaml, where the company's don't fit. */
    projects: z.record(text, z.strictObject({ required: lists.required.optional(), minimumVersions: lists.minimumVersions.optional(), healthImports: lists.healthImports.optional() })).default({}),
    /** PF-11, VJ-10: 24 h. */
    lockMaxAgeSeconds: z.int().positive().default(86_400),
    /** PF-15. */
    probeMaxSeconds: z.number().positive().default(5),
    /** VJ-15. */
    importMaxSeconds: z.number().positive().default(2),
    /** PF-26: no figure in the documents; what pandas, numpy and fastapi together stay below four times over (measured: 90 MiB). */
    rssMaxMiB: z.number().positive().default(512),
    startupMaxSeconds: z.number().positive().default(2),
    /** PF-14, DIS-12; the project's lock and configuration files always belong to them. */
    criticalFiles: z.array(relative).default(['requirements.txt', 'requirements.lock', '.smvm_config']),
    /** PF-24: offline. */
    advisories: z.array(advisory).default([]),
    /** HM-19. */
    metrics: z.strictObject({ solveSeconds: z.number().positive().default(30), memoryMiB: z.number().positive().default(4096) }).prefault({}),
    /** HM-06, DEF-15: more warnings than this are told. */
    warningLimit: z.int().min(0).default(5),
    /** Roles that are told when a host's health gets worse. */
    tell: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)).default(['operations']),
    /** DIS-05: roles of which somebody may accept the warnings of a gate, and sign off a manual preflight (PF-27). */
    acceptedBy: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)).min(1).default(['operations', 'engineering']),
  })
  .prefault({});

/** What hosts of a class are for. Absent from a class: production, the strictest. */
export const hostStage = z.enum(['development', 'staging', 'production']);

/** Per class of hosts; absent: by its stage. */
export const classChecks = z
  .strictObject({
    /** DIS-05: verification says WARNING. Default: `ask` in production, `pass` elsewhere. */
    onWarning: z.enum(['pass', 'ask', 'block']).optional(),
    /** DIS-07: default `warning`. At a gate a missing lock always blocks: preflight fails. */
    lockMissing: z.enum(['warning', 'critical']).optional(),
    /** DIS-08: default `critical` in production, `warning` elsewhere. */
    lockMismatch: z.enum(['warning', 'critical']).optional(),
  })
  .prefault({});

export type ChecksFile = z.infer<typeof checksSchema>;
export type AdvisoryRule = z.infer<typeof advisory>;
export type HostStage = z.infer<typeof hostStage>;
