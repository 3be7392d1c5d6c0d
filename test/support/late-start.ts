/** A part of an instance that a test keeps from coming back: its process waits for a file to go away before it begins. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { UpOptions } from '../../worker/up-options.js';

/** Variable that names the folder of parts that may not begin. */
export const LATE_VARIABLE = 'RUNBOOK_TEST_LATE';

/** Process entries for `up` that begin when they may. */
export const LATE_ENTRIES: NonNullable<UpOptions['entries']> = { control: path.join(import.meta.dirname, 'late-control.js'), agent: path.join(import.meta.dirname, 'late-agent.js') };

/** Returns when the part may begin. Its process ends with its supervisor. */
export async function mayBegin(part: 'control' | 'agent'): Promise<void> {
  const file = path.join(process.env[LATE_VARIABLE]!, part);
  const leave = (): never => process.exit(0);
  process.once('disconnect', leave);
  while (existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
  process.off('disconnect', leave);
}
