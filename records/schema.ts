/** Tables of the records, by version. A migration is never edited once released; the next one is added. */

/** `RBRC` in ASCII: marks a SQLite file as ours. */
export const APPLICATION_ID = 0x52425243;

/** Migration N brings a file from `user_version` N to N + 1. */
export const MIGRATIONS: readonly string[] = [
  // Columns that readers search by are computed from the stored text, so that they can't disagree with it.
  `CREATE TABLE entries (
     seq INTEGER PRIMARY KEY,
     previous TEXT NOT NULL,
     hash TEXT NOT NULL,
     body TEXT NOT NULL,
     key TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.key') VIRTUAL,
     run TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.run') VIRTUAL,
     event TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.event') VIRTUAL
   ) STRICT;
   CREATE UNIQUE INDEX entries_key ON entries(key);
   CREATE INDEX entries_run ON entries(run, seq);
   CREATE INDEX entries_event ON entries(event, seq);
   CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
   CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

   CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;

   CREATE TABLE runs (
     chain TEXT PRIMARY KEY,
     view TEXT NOT NULL,
     run TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.run') VIRTUAL,
     workflow_id TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.workflowId') VIRTUAL,
     host TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.host') VIRTUAL,
     link TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.link') VIRTUAL,
     ended_at TEXT GENERATED ALWAYS AS (view ->> '$.endedAt') VIRTUAL,
     phase TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.phase') VIRTUAL,
     changed TEXT NOT NULL GENERATED ALWAYS AS (view ->> '$.changed') VIRTUAL,
     parent TEXT GENERATED ALWAYS AS (view ->> '$.parent') VIRTUAL,
     first_seq INTEGER NOT NULL GENERATED ALWAYS AS (view ->> '$.firstSeq') VIRTUAL
   ) STRICT;
   CREATE INDEX runs_run ON runs(run);
   CREATE INDEX runs_workflow ON runs(workflow_id);
   CREATE INDEX runs_environment ON runs(host, link, first_seq);
   CREATE INDEX runs_first ON runs(first_seq);

   CREATE TABLE evidence (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;`,
];
