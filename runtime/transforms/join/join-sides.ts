// How the two sides of an interval join lie in cells: lists by time bucket, side and key.
//
//   J1. A bucket is as wide as the interval, so what matches an event lies in at most three buckets.
//   J2. A namespace is a bucket of one side: dropped by one entry of the delta when nothing can match it any more.
//   J3. State of another interval (an upgrade) is put into buckets of this one, each list in the order in which it came.

import type { Key, Value } from '../../event/batch.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';

export type Side = 'left' | 'right';
/** A buffered event, as it lies in its list. */
export type Item = readonly [timeMs: number, value: Value];

export class JoinSides {
  readonly #withinMs: number;
  readonly #bucketMs: number;

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
    this.#bucketMs = Math.max(1, withinMs);
  }

  append(cells: KeyedCells, side: Side, key: Key, item: Item): void {
    cells.append(this.#namespace(this.#bucketOf(item[0]), side), key, item);
  }

  /** Events of `side` within the interval around `timeMs`: by bucket, then as they came. */
  *matches(cells: KeyedCells, side: Side, key: Key, timeMs: number): IterableIterator<Item> {
    const last = this.#bucketOf(timeMs + this.#withinMs);
    for (let bucket = this.#bucketOf(timeMs - this.#withinMs); bucket <= last; bucket++) {
      for (const item of cells.list(this.#namespace(bucket, side), key) as readonly Item[]) {
        if (Math.abs(item[0] - timeMs) <= this.#withinMs) yield item;
      }
    }
  }

  /** Drops the buckets of `side` whose events all lie at or before `timeMs`. */
  dropUpTo(cells: KeyedCells, side: Side, timeMs: number): void {
    for (const namespace of cells.namespaces()) {
      if ((this.#bucketAt(namespace) + 1) * this.#bucketMs - 1 > timeMs) return;
      if (this.sideAt(namespace) === side) cells.drop(namespace);
    }
  }

  /** J3. */
  rebucket(cells: KeyedCells): void {
    const moved: { readonly side: Side; readonly key: Key; readonly item: Item }[] = [];
    for (const namespace of cells.namespaces()) {
      const [side, bucket] = [this.sideAt(namespace), this.#bucketAt(namespace)];
      const lists = [...cells.entries(namespace)] as [Key, readonly Item[]][];
      if (lists.every(([, items]) => items.every(([timeMs]) => this.#bucketOf(timeMs) === bucket))) continue;
      for (const [key, items] of lists) for (const item of items) moved.push({ side, key, item });
      cells.drop(namespace);
    }
    for (const { side, key, item } of moved) this.append(cells, side, key, item);
  }

  sideAt(namespace: number): Side {
    return namespace === this.#namespace(this.#bucketAt(namespace), 'left') ? 'left' : 'right';
  }

  #namespace(bucket: number, side: Side): number {
    return bucket * 2 + (side === 'left' ? 0 : 1);
  }

  #bucketAt(namespace: number): number {
    return Math.floor(namespace / 2);
  }

  #bucketOf(timeMs: number): number {
    return Math.floor(timeMs / this.#bucketMs);
  }
}
