// What a rise closes without lateness goes in parts (transform.ts, onWatermark): keys are given as long as there is room for results.

import type { Key, Value } from '../event/batch.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';

/** Gives the cells of a namespace in their order until `isFull`; then those that were given are deleted, and the next part begins behind them.
 *  True: all were given, and are there still, for who drops the namespace. */
export function giveSome(
  cells: KeyedCells,
  namespace: Parameters<KeyedCells['entries']>[0],
  isFull: () => boolean,
  give: (key: Key, cell: Value) => void,
): boolean {
  const given: Key[] = [];
  for (const [key, cell] of cells.entries(namespace)) {
    if (isFull()) {
      for (const one of given) cells.delete(namespace, one);
      return false;
    }
    give(key, cell);
    given.push(key);
  }
  return true;
}
