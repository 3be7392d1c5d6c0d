/** The proven ways back: one row per change, kept after it ended for as long as its undo target stands. */
import type Database from 'libsql';

export interface ArmedRow {
  chain: string;
  run: string;
  link: string;
  /** Tree id to return to; null: the link is removed again. */
  undoTarget: string | null;
  /** What stood there when it was armed: a directory (to be adopted), a link of ours, or nothing. */
  previousState: 'directory' | 'managed' | 'missing';
  manifestDigest: string;
  manifestScope: 'all' | 'without-bytecode';
  files: number;
  version: string | null;
  /** ISO instant when the change ends by itself; null: stays. */
  end: string | null;
  planDigest: string;
  onSwitch: 'restart' | 'idle' | 'tolerate';
  /** Tree the change switches to; written before the rename, null until then. */
  switchingTo: string | null;
  /** True once the rename is known to have happened. */
  switched: boolean;
  /** True once it was returned to the undo target and that was verified. */
  undone: boolean;
  /** The pin outlives the run: always where there is an end. */
  keepPin: boolean;
}

/** When and from what the link was last turned away, and what ran from it then. */
export interface Turn {
  leftTree: string | null;
  /** Processes begun between these two instants (clock ticks since boot, both included) run from the tree that was left. */
  since: number;
  ticks: number;
  /** Of the running kernel: ticks of another boot mean nothing. */
  boot: string;
  /** Processes that ran from the link right before, as `PID/START`. */
  riders: string[];
}

export interface ArmedTable {
  get(chain: string): ArmedRow | undefined;
  /** Newest first. */
  of(link: string): ArmedRow[];
  /** Of the whole host: those that end by themselves and were not undone, newest first. */
  ending(): ArmedRow[];
  put(row: ArmedRow, pinned: boolean): void;
  update(row: ArmedRow): void;
  remove(chain: string): void;
  unpin(chain: string): void;
  /** Changes whose undo target must not be pruned. */
  pinned(link: string): ArmedRow[];
  adopt(link: string, tree: string): void;
  /** It is the directory at the link again. */
  giveBack(link: string, tree: string): void;
  adopted(link: string): string[];
  turn(link: string): Turn | undefined;
  setTurn(link: string, turn: Turn): void;
}

/** The rows of armed undos, pins, adopted trees and turns of a store. */
export function armedTable(db: Database.Database): ArmedTable {
  const parse = (row: unknown): ArmedRow => JSON.parse((row as { body: string }).body) as ArmedRow;
  return {
    get(chain) {
      const row = db.prepare('SELECT body FROM armed WHERE chain = ?').get(chain);
      return row === undefined ? undefined : parse(row);
    },
    of: (link) => db.prepare('SELECT body FROM armed WHERE link = ? ORDER BY place DESC').all(link).map(parse),
    ending: () => db.prepare("SELECT body FROM armed WHERE json_extract(body, '$.end') IS NOT NULL AND NOT json_extract(body, '$.undone') ORDER BY place DESC").all().map(parse),
    put(row, pinned) {
      db.prepare('INSERT OR REPLACE INTO armed (chain, link, body, pinned, place) VALUES (?, ?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM armed))').run(row.chain, row.link, JSON.stringify(row), pinned ? 1 : 0);
    },
    update: (row) => void db.prepare('UPDATE armed SET body = ? WHERE chain = ?').run(JSON.stringify(row), row.chain),
    remove: (chain) => void db.prepare('DELETE FROM armed WHERE chain = ?').run(chain),
    unpin: (chain) => void db.prepare('UPDATE armed SET pinned = 0 WHERE chain = ?').run(chain),
    pinned: (link) => db.prepare('SELECT body FROM armed WHERE link = ? AND pinned = 1').all(link).map(parse),
    adopt: (link, tree) => void db.prepare('INSERT OR IGNORE INTO adopted (link, tree) VALUES (?, ?)').run(link, tree),
    giveBack: (link, tree) => void db.prepare('DELETE FROM adopted WHERE link = ? AND tree = ?').run(link, tree),
    adopted: (link) => (db.prepare('SELECT tree FROM adopted WHERE link = ?').all(link) as { tree: string }[]).map((row) => row.tree),
    turn(link) {
      const row = db.prepare('SELECT left_tree, since, ticks, boot, riders FROM turns WHERE link = ?').get(link) as { left_tree: string | null; since: number; ticks: number; boot: string; riders: string } | undefined;
      return row && { leftTree: row.left_tree, since: row.since, ticks: row.ticks, boot: row.boot, riders: JSON.parse(row.riders) as string[] };
    },
    setTurn(link, { leftTree, since, ticks, boot, riders }) {
      db.prepare('INSERT OR REPLACE INTO turns (link, left_tree, since, ticks, boot, riders) VALUES (?, ?, ?, ?, ?, ?)').run(link, leftTree, since, ticks, boot, JSON.stringify(riders));
    },
  };
}
