/** Old values of edited configuration keys, and where appended texts were to land. */
import type Database from 'libsql';
import type { ConfigEdit } from './contract.js';

export interface EditRow {
  chain: string;
  /** Relative to the project. */
  path: string;
  key: string;
  format: ConfigEdit['format'];
  /** As it stood in the file, byte for byte; null: the key was not there. */
  old: string | null;
  /** As we wrote it. */
  new: string;
  /** The file itself was made by this edit. */
  madeFile: boolean;
}

export interface EditTable {
  /** Keeps the first old value: an edit done a second time must not take our own value for the old one. */
  keep(row: EditRow): EditRow;
  of(chain: string): EditRow[];
  forget(chain: string): void;
  /** Where a text was to be appended, in bytes; the first answer stays. */
  documentOffset(run: string, path: string, digest: string, offset: number): { offset: number; isFirst: boolean };
}

type Raw = Omit<EditRow, 'madeFile'> & { made_file: number };

/** The rows of edits and documents of a store. */
export function editTable(db: Database.Database): EditTable {
  const toRow = ({ chain, path, key, format, old, new: written, made_file }: Raw): EditRow => ({ chain, path, key, format, old, new: written, madeFile: made_file === 1 });
  return {
    keep(row) {
      // A later order of the same run may set another value: the new one is replaced, the old one never.
      db.prepare('INSERT INTO edits (chain, path, key, format, old, new, made_file) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (chain, path, key) DO UPDATE SET new = excluded.new')
        .run(row.chain, row.path, row.key, row.format, row.old, row.new, row.madeFile ? 1 : 0);
      return toRow(db.prepare('SELECT * FROM edits WHERE chain = ? AND path = ? AND key = ?').get(row.chain, row.path, row.key) as Raw);
    },
    of: (chain) => (db.prepare('SELECT * FROM edits WHERE chain = ? ORDER BY rowid').all(chain) as Raw[]).map(toRow),
    forget: (chain) => void db.prepare('DELETE FROM edits WHERE chain = ?').run(chain),
    documentOffset(run, path, digest, offset) {
      const { changes } = db.prepare('INSERT OR IGNORE INTO documents (run, path, digest, offset) VALUES (?, ?, ?, ?)').run(run, path, digest, offset);
      const row = db.prepare('SELECT offset FROM documents WHERE run = ? AND path = ? AND digest = ?').get(run, path, digest) as { offset: number };
      return { offset: row.offset, isFirst: changes === 1 };
    },
  };
}
