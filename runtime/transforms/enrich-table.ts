// A side input in memory: rows by key, or versions of rows by key and time.
//
//   E1. A plain table has one row a key: the last one of the file.
//   E2. A temporal look-up finds the newest row at or before the time asked for; at equal times the later in the file.
//   E3. A row is valid in [at, at + validForMs): a time outside it finds nothing, not an older row.

import type { Code } from '../../crds/stream-job/code.ts';
import type { FileTableSpec } from '../../crds/stream-job/sources.ts';
import { parseDuration } from '../base/duration.ts';
import type { Key, Value } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { compileCode } from '../expression/expression.ts';
import { EventRefused, describeValue, problemOf } from './failure.ts';
import type { Table } from './transform.ts';

export type TableOptions = {
  /** Over `row`. */
  readonly key: Code;
  /** Over `row`; null: a plain table. */
  readonly at: Code | null;
  readonly validForMs: number | null;
  readonly version: string;
};

/** A row that could not be taken in. `row` is its index. */
export type RowIssue = { readonly row: number; readonly message: string };

/** Of a table that is declared as a file. Otherwise as `makeTable`. */
export function makeFileTable(
  rows: readonly Value[],
  { key, at, validFor }: Pick<FileTableSpec, 'key' | 'at' | 'validFor'>,
  version: string,
): ReturnType<typeof makeTable> {
  return makeTable(rows, { key, at: at ?? null, validForMs: validFor === undefined ? null : parseDuration(validFor), version });
}

/** Builds the table; rows whose key or time fails are left out and returned as issues. Throws BadDeclaration for bad code. */
export function makeTable(rows: readonly Value[], options: TableOptions): { readonly table: Table; readonly issues: readonly RowIssue[] } {
  const keyOf = compileCode(options.key, ['row']);
  const atOf = options.at === null ? null : compileCode(options.at, ['row']);
  const versions = new Map<Key, Version[]>();
  const issues: RowIssue[] = [];
  rows.forEach((row, index) => {
    try {
      const key = rowKey(keyOf(row));
      const version = { atMs: atOf === null ? -Infinity : rowTime(atOf(row)), row };
      const known = atOf === null ? undefined : versions.get(key);
      if (known === undefined) versions.set(key, [version]);
      else known.push(version);
    } catch (error) {
      issues.push({ row: index, message: problemOf(error) });
    }
  });
  const rowCount = rows.length - issues.length;
  const table =
    atOf === null ? plainTable(versions, { rowCount, version: options.version }) : temporalTable(versions, { ...options, rowCount });
  return { table, issues };
}

type Version = { readonly atMs: number; readonly row: Value };

function plainTable(versions: ReadonlyMap<Key, readonly Version[]>, facts: { rowCount: number; version: string }): Table {
  const rows = new Map([...versions].map(([key, [only]]) => [key, only!.row]));
  return { ...facts, lookup: (key) => rows.get(key) ?? null };
}

function temporalTable(
  versions: ReadonlyMap<Key, Version[]>,
  { rowCount, version, validForMs }: { rowCount: number; version: string; validForMs: number | null },
): Table {
  for (const list of versions.values()) list.sort((a, b) => a.atMs - b.atMs); // stable: E2
  return {
    rowCount,
    version,
    lookup(key, atMs) {
      const found = newestAt(versions.get(key) ?? [], atMs);
      if (found === null || (validForMs !== null && !(atMs < found.atMs + validForMs))) return null;
      return found.row;
    },
  };
}

/** The last version with a time at or before `atMs`, by binary search. */
function newestAt(versions: readonly Version[], atMs: number): Version | null {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (versions[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return versions[low - 1] ?? null;
}

function rowKey(value: unknown): Key {
  if (value === null || value === undefined) throw new EventRefused('the key of the row is null');
  return encodeKey(value);
}

/** Of a version. */
export function rowTime(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new EventRefused(`the time of the row is ${describeValue(value)}, not a timestamp or ms`);
}
