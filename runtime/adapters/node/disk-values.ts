// Values on this machine's disk: a table of SQLite, in a file without a name that goes with the process, or when it is closed.
//
//   DV1. SQLite makes it where SQLITE_TMPDIR or TMPDIR says, else in /var/tmp; it keeps half a megabyte of it in memory.
//   DV2. Nothing is synced: what is lost with the machine is in the journal.
//   DV3. A place is the number of a row. Those that are free are used again, so the file is as large as it was ever needed.

import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { MillraceError } from '../../base/errors.ts';
import type { ValueStore } from '../../base/value-store.ts';

const SET_UP = `
  PRAGMA page_size = 4096; PRAGMA cache_size = -512; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;
  PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE cells (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);`;

export class DiskValues implements ValueStore {
  readonly #database = new DatabaseSync('');
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #pages: StatementSync;
  #free: number[] = [];
  #last = 0;
  /** Added since `together` began. */
  #added: number[] = [];
  bytes = 0;

  constructor() {
    this.#database.exec(SET_UP);
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO cells VALUES (?, ?)');
    this.#get = this.#database.prepare('SELECT bytes FROM cells WHERE place = ?');
    this.#pages = this.#database.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size');
  }

  add(bytes: Uint8Array): number {
    const place = this.#free.pop() ?? ++this.#last;
    this.#added.push(place);
    this.#put.run(place, bytes);
    return place;
  }

  get(place: number): Uint8Array {
    const row = this.#read(place);
    if (row === undefined) throw unreadable(`it has nothing at place ${place}`);
    return row['bytes'] as Uint8Array;
  }

  remove(place: number): void {
    this.#free.push(place);
  }

  together(adds: () => void): void {
    this.#added = [];
    this.#database.exec('BEGIN');
    try {
      adds();
      this.#database.exec('COMMIT');
      this.bytes = this.#pages.get()?.['bytes'] as number;
    } catch (error) {
      this.#free.push(...this.#added);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  #read(place: number): Record<string, unknown> | undefined {
    try {
      return this.#get.get(place);
    } catch (error) {
      throw unreadable(error instanceof Error ? error.message : String(error), error);
    }
  }
}

function unreadable(problem: string, cause?: unknown): MillraceError<'MR2112'> {
  return new MillraceError('MR2112', { problem }, cause);
}
