/** Workflow time in words and numbers. */

export const HOUR_MS = 3_600_000;

/** Unix milliseconds as an ISO instant. */
export const iso = (ms: number): string => new Date(ms).toISOString();

/** Now, as the workflow's task has it. */
export const now = (): string => iso(Date.now());
