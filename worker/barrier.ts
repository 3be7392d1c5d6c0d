/** Named points at which tests stop a process on purpose. Without the variable nothing is ever stopped. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Variable that names the folder of armed points; only tests set it. */
export const BARRIER_VARIABLE = 'RUNBOOK_TEST_BARRIERS';

/**
 * The barrier of this process. A point is armed while the file FOLDER/POINT exists: a process that reaches it writes its
 * pid to FOLDER/POINT.reached and goes on when FOLDER/POINT is removed (or never, when it is killed there).
 */
export function barrierFrom(env: NodeJS.ProcessEnv = process.env): (point: string) => Promise<void> {
  const folder = env[BARRIER_VARIABLE];
  if (folder === undefined || folder === '') return async () => undefined;
  return async (point) => {
    const armed = path.join(folder, point);
    if (!existsSync(armed)) return;
    writeFileSync(`${armed}.reached`, String(process.pid));
    while (existsSync(armed)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
}
