/** The host administrator's file: where the agent may act, as whom, with which index, and what runs there. */
import { z } from 'zod';

const text = z.string().trim().min(1);
const absolute = z.string().regex(/^\/[^\0\n]*$/, 'expected an absolute path');
const argv = z.array(z.string().regex(/^[^\0\n]*$/)).min(1).refine((a) => a[0]!.startsWith('/'), 'expected an absolute executable as the first word');

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day like 02:00');

const unit = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.@-]*$/, 'expected a unit name of letters, digits and _ . @ -'),
  /** Restarts it; for systemd: ["/usr/bin/systemctl", "restart", "pricer.service"]. */
  restart: argv,
  /** Exit code 0: healthy. Asked after a restart until it says yes or the window is over. */
  health: argv.optional(),
  /** Seconds of refused service a restart may cost; announced in every plan. */
  restartWindowSeconds: z.number().positive().default(10),
});

const environment = z.strictObject({
  /** The link path, absolute. */
  link: absolute,
  onSwitch: z.enum(['restart', 'idle', 'tolerate']).default('idle'),
  units: z.array(unit).default([]),
});

export const agentFileSchema = z.strictObject({
  /** Name of the host; default: the machine's host name. */
  host: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/).optional(),
  /** Folders below which environments may be changed. */
  roots: z.array(absolute).min(1),
  /** Users whose projects may be changed; empty: the agent's own user, or any owner when it runs as root. */
  users: z.array(text).default([]),
  index: z
    .strictObject({
      /** Address without credentials: they come from netrc or a keyring. */
      url: z.url({ protocol: /^https?$/ }).refine((u) => !URL.canParse(u) || (new URL(u).username === '' && new URL(u).password === ''), 'expected an address without credentials; put them into netrc or a keyring').optional(),
      /** CA bundle. */
      ca: absolute.optional(),
      /** Folder of wheels looked at beside the index. */
      findLinks: absolute.optional(),
    })
    .prefault({}),
  /** Interpreters outside the usual places. */
  interpreters: z.array(absolute).default([]),
  /** uv to use; default: found on the host, else installed into the agent's own folder. */
  uv: absolute.optional(),
  /** Takes precedence over the policy where it is stricter: `pip` forbids uv. */
  installer: z.enum(['uv', 'pip']).optional(),
  linkMode: z.enum(['hardlink', 'copy']).default('hardlink'),
  environments: z.array(environment).default([]),
  /** What this host is for beside its own environments. */
  roles: z.array(z.enum(['builder'])).default([]),
  /** Folder for wheels built here, with the role `builder`; its owner builds. Other hosts name it (or a copy) as `index.findLinks`. */
  wheelhouse: absolute.optional(),
  /** How the host watches itself; how often is the policy's (`timers.healthCheckMinutes`). */
  health: z
    .strictObject({
      /** Local time in which environments are checked in full, with hashes, once a day; a span over midnight is one. */
      quietHours: z.strictObject({ from: clock, to: clock }).default({ from: '02:00', to: '05:00' }),
      /** DEF-16: days that `runtime_health_*.log` and preflight logs of the agent are kept. */
      retentionDays: z.int().min(1).max(3650).default(14),
    })
    .prefault({}),
  limits: z
    .strictObject({
      nice: z.int().min(0).max(19).default(0),
      buildSeconds: z.number().positive().default(1800),
      importSeconds: z.number().positive().default(60),
      testSeconds: z.number().positive().default(1800),
      /** Trees kept beside the ones that must be kept. */
      keepTrees: z.int().min(0).default(2),
      /** Seconds without an order after which the agent asks about a lease's holder. */
      leaseQuietSeconds: z.number().positive().default(15),
    })
    .prefault({}),
  /**
   * `signatures`: what the policy's server says is not enough; a change needs a warrant, whose signatures this host checks against
   * `signers`, before it builds and again before it switches.
   */
  trust: z.enum(['server', 'signatures']).default('server'),
  /** With `trust: signatures`: file of people, keys, roles and rules (`signers-file.ts`), owned by root and writable by nobody else. */
  signers: absolute.optional(),
});

export type AgentFile = z.infer<typeof agentFileSchema>;
export type AgentEnvironment = z.infer<typeof environment>;
export type ServiceUnit = z.infer<typeof unit>;
