// Changes of one transform's cells, as they travel in deltas and checkpoints.
//
//   D1. Applied in this order: drops, then per namespace deletes, then puts. See live-cells.ts L2 for why that keeps order.

import type { Key } from '../event/batch.ts';

/** Kind of a put: a plain cell. */
export const PLAIN_CELL = 0;
/** Kind of a put: items of a list cell from item `kind - LIST_FROM_START` on. */
export const LIST_FROM_START = 1;

export type CellChanges = { readonly drops: readonly number[]; readonly namespaces: readonly NamespaceChanges[] };

export type NamespaceChanges = {
  readonly id: number;
  readonly deletes: readonly Key[];
  /** Triples behind one another: key, kind, cell. Flat, so that a large delta is one array. */
  readonly puts: readonly unknown[];
};
