/**
 * The company's policy: interpreters, host classes, timers, thresholds. Every field has the documents' figure as its
 * default, so that an empty file is the documents' policy. Unknown keys are errors: a typo must never loosen a rule.
 */
import { z } from 'zod';
import { approvalRule, approvalsShape, date } from './approvals-file.js';
import { checksSchema, classChecks, hostStage } from './checks-file.js';
import { notificationsSchema } from './notifications.js';
import { roleName } from './people.js';

const text = z.string().trim().min(1);

const interpreterRule = z.strictObject({
  /** `3.12.x` accepts every final patch of the line; `3.11.13` exactly that one. */
  version: z.string().regex(/^\d+\.\d+\.(x|\d+)$/, 'expected a line like 3.12.x or a version like 3.11.13'),
  /** PV-06: why this version is approved; required. */
  justification: text,
  /** PV-07: last day of its support period. */
  supportUntil: date.optional(),
});

const hostClass = z.strictObject({
  /** Host names; `*` at the end matches a prefix. */
  hosts: z.array(text).default([]),
  /** PV-05: development builds and release candidates. */
  allowPreReleases: z.boolean().default(false),
  /** Approvals a change needs before it may start, by kind; 0: pre-approved by this policy. */
  approvals: z.strictObject({ change: approvalRule.default(0), fallback: approvalRule.default(0), rollback: z.literal(0).default(0) }).prefault({}),
  /** Hosts of it must check signatures themselves (`trust: signatures` in their agent file): required for production. */
  requireSignatures: z.boolean().default(false),
  /** Whether source builds may run on such a host. */
  build: z.enum(['never', 'builder']).default('never'),
  /** A tool's public default index where the agent file names none. */
  publicIndex: z.boolean().default(false),
  /** What its hosts are for: decides what a warning means there (DIS-05, DIS-08, DIS-30). */
  stage: hostStage.default('production'),
  checks: classChecks,
});

export const policyFileSchema = z.strictObject({
  /** PV-31: header of the policy document. */
  header: z
    .strictObject({
      version: text.default('1.0.0'),
      effective: text.default('2024-12-02'),
      review: text.default('2025-03-02'),
      owner: text.default('platform team'),
      approvers: z.array(text).default(['Technical Architecture Board', 'Change Advisory Board']),
    })
    .prefault({}),
  interpreters: z
    .strictObject({
      /** PV-01. */
      primary: interpreterRule.default({ version: '3.12.x', justification: 'GA-stable line with wheels for the ecosystem; security support' }),
      /** PV-02. */
      fallback: interpreterRule.default({ version: '3.11.13', justification: 'continuity when wheels for the primary are missing' }),
    })
    .prefault({}),
  /** DIS-04: nothing below it, by no exception either. */
  minimum: z.string().regex(/^\d+\.\d+$/, 'expected a line like 3.11').default('3.11'),
  ...approvalsShape,
  /** What preflight, verify, guard and gate ask for. */
  checks: checksSchema,
  /** Who is told, and by what. */
  notifications: notificationsSchema,
  /** Classes in order; the first that names the host wins, else `default`. */
  hostClasses: z.record(z.string(), hostClass).default({}),
  defaultClass: hostClass.default({ hosts: [], allowPreReleases: false, approvals: { change: 0, fallback: 0, rollback: 0 }, requireSignatures: false, build: 'never', publicIndex: true, stage: 'development', checks: {} }),
  fallback: z
    .strictObject({
      /** DIS-14: the fallback replaces the link's target. */
      mode: z.enum(['replace', 'side-by-side']).default('replace'),
      /** Modules probed at assessment (WF-10). */
      assessImports: z.array(text).default(['pandas', 'numpy', 'scipy']),
      /** Modules that must import after the change where the lock has them (WF-45). */
      criticalImports: z.array(text).default(['pandas', 'numpy', 'fastapi', 'sqlalchemy']),
      /** Packages named first in a diagnosis (WF-18). */
      corePackages: z.array(text).default(['numpy', 'pandas', 'scipy']),
      /** WF-52, HM-12: roles that are told how each fallback ended. */
      tell: z.array(roleName).default(['operations']),
    })
    .prefault({}),
  /** Host with the role `builder` that source builds are ordered from; absent: the host itself, where it has the role. */
  builder: text.optional(),
  /** WF-40: known-good pins, proposed and never taken silently (DIS-20). */
  knownGood: z.record(z.string(), text).default({ pandas: '2.1.4', numpy: '1.26.2' }),
  /** WF-54: what was learned, shown by `runbook describe`. */
  knownIssues: z.array(z.strictObject({ packages: z.array(text).min(1), python: text, text })).default([]),
  /** PV-34: oldest patch release of a line (`"3.12": 3`) that has the security fixes the company asks for. */
  minPatch: z.record(z.string().regex(/^\d+\.\d+$/, 'expected a line like 3.12'), z.int().min(0)).default({}),
  performance: z
    .strictObject({
      /** WF-48: probes in order; the first whose package is in the lock is timed. */
      probes: z
        .array(z.strictObject({ name: text, requires: text, setup: text, statement: text }))
        .default([{ name: 'sum of a DataFrame of 1,000,000 rows', requires: 'pandas', setup: 'import pandas\nframe = pandas.DataFrame({"x": range(1_000_000)})', statement: 'frame.sum()' }]),
      /** Within this share of the other: the same. Two shared cores tell nothing below it (measured). */
      sameWithin: z.number().positive().max(1).default(0.1),
      /** Slower by more than this share: much slower. */
      muchSlowerFrom: z.number().positive().default(0.5),
    })
    .prefault({}),
  /** WF-06, WF-64, WF-66: packages by system that source builds and native imports want; advice only. */
  systemDependencies: z
    .strictObject({
      debian: z.array(text).default(['build-essential', 'python3-dev', 'python3.11-dev', 'gcc', 'g++', 'libblas-dev', 'liblapack-dev']),
      macos: z.array(text).default(['Xcode command-line tools', 'python@3.11', 'openblas', 'lapack']),
      windows: z.array(text).default(['Visual Studio Build Tools']),
    })
    .prefault({}),
  installer: z.enum(['uv', 'pip']).default('uv'),
  /** WF-05: free space wanted, as a multiple of the present environment's size (measured: python facts, 2.5). */
  diskFactor: z.number().min(1).default(2.5),
  /** Least free bytes whatever the size (256 MiB). */
  diskFloorBytes: z.int().min(0).default(256 * 1024 * 1024),
  timers: z
    .strictObject({
      /** Charter of the project. */
      cabApprovalHours: z.number().positive().default(72),
      emergencyConveneHours: z.number().positive().default(2),
      exceptionHours: z.number().positive().max(72).default(72),
      stagingDays: z.number().positive().default(14),
      canaryMonitoringDays: z.number().positive().default(7),
      rollbackMinutes: z.number().positive().default(60),
      healthCheckMinutes: z.number().positive().default(5),
      reevaluation: z.strictObject({ day: z.enum(['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY']).default('MONDAY'), at: z.string().regex(/^\d\d:\d\d$/).default('09:00'), timeZone: text.default('UTC') }).prefault({}),
    })
    .prefault({}),
  canaryPercent: z.number().min(1).max(100).default(10),
});

/** The policy with every default filled in. */
export type PolicyFile = z.infer<typeof policyFileSchema>;
export type HostClass = z.infer<typeof hostClass>;
