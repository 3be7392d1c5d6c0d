/** Whether a file can be run. */
import { accessSync, constants, statSync } from 'node:fs';

/** A file that this process may execute; a folder is none. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
