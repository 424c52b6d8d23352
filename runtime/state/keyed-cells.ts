// Keyed state of one transform in one partition: cells by (namespace, key), with every change noted for the commit.
//
// A namespace is a number that groups cells that live and die together: a window's start, a time bucket, or 0.
//   C1. `get` and `entries` return the live cell; whoever changes it in place must have got it in the same step, also when it is known
//       from before, and must `put` it in that step (same object is fine).
//   C2. Changes of a step become one delta: puts (the cell as it is at the step's end), deletes, drops, appends.
//   C3. Cells are plain data (what msgpack carries: JSON values, bigint, Uint8Array, NaN, -0, undefined fields dropped).
//   C4. Iteration order is insertion order, equal after a restore.

import type { Key, Value } from '../event/batch.ts';

export interface KeyedCells {
  get(namespace: number, key: Key): Value | undefined;
  put(namespace: number, key: Key, cell: Value): void;
  delete(namespace: number, key: Key): void;
  /** Removes a whole namespace: one entry in the delta, whatever its size. */
  drop(namespace: number): void;
  /** Adds an item to a list cell without writing the list again (the delta holds the item only). */
  append(namespace: number, key: Key, item: Value): void;
  /** The list cell that `append` built, or an empty list. Do not change it. */
  list(namespace: number, key: Key): readonly Value[];
  /** Open namespaces, ascending. */
  namespaces(): readonly number[];
  /** Cells of one namespace (list cells as arrays), insertion order. */
  entries(namespace: number): IterableIterator<[Key, Value]>;
  /** Number of cells in a namespace, or in all. */
  size(namespace?: number): number;
}
