/** One CLI version per database file: the server creates its schema once and never migrates it. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { TemporalCli } from './find-cli.js';

const versionFile = (dbFile: string): string => `${dbFile}.version`;

/** Version of the CLI that made the database, or null when there is no database (or none whose maker is known). */
export function databaseVersion(dbFile: string): string | null {
  if (!existsSync(dbFile) || !existsSync(versionFile(dbFile))) return null;
  return readFileSync(versionFile(dbFile), 'utf8').trim() || null;
}

/** Refuses a CLI of another version than the database's, and marks a new database with this one's. */
export function claimDatabase(dbFile: string, cli: TemporalCli): void {
  const made = databaseVersion(dbFile);
  if (made !== null && made !== cli.version) {
    throw new Error(
      `The database ${dbFile} was made by Temporal CLI ${made}, and ${cli.file} is ${cli.version}; a database is not migrated between versions. ` +
        `Use CLI ${made} (RUNBOOK_TEMPORAL_CLI=/path/to/temporal), or, once no run is open, move ${dbFile} and ${versionFile(dbFile)} away to begin with an empty one.`,
    );
  }
  if (made === null) {
    writeFileSync(`${versionFile(dbFile)}.new`, `${cli.version}\n`, { mode: 0o600 });
    renameSync(`${versionFile(dbFile)}.new`, versionFile(dbFile));
  }
}
