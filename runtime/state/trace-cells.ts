// Cells for the traces of the events that a transform's state is made of. They lie in the partition's state, so they go where it
// goes; they are made with the first traced event, so a state without one has the bytes that it always had.

import type { KeyedCells } from './keyed-cells.ts';

/** Keys of which traces are kept, of each kind. */
const KEYS_MAX = 1_024;

export class TraceCells {
  readonly #make: () => KeyedCells;
  #found: KeyedCells | null;

  constructor(found: KeyedCells | null, make: () => KeyedCells) {
    this.#found = found;
    this.#make = make;
  }

  /** null: nothing was ever kept. */
  get found(): KeyedCells | null {
    return this.#found;
  }

  get made(): KeyedCells {
    return (this.#found ??= this.#make());
  }
}

/** For one more key: where there is no room, the one that came first is forgotten. */
export function makeRoom(cells: KeyedCells, namespace: number): void {
  if (cells.size(namespace) < KEYS_MAX) return;
  for (const [key] of cells.entries(namespace)) {
    cells.delete(namespace, key);
    return;
  }
}
