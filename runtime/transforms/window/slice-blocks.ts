// Sums of neighbouring slices, so that a window of many slices is put together from few parts.
//
// A tree over the starts of windows, of degree 8, made when a window needs it (as FlatFAT does: Tangwongsan, Hirzel, Schneider, Wu,
// General incremental sliding-window aggregation, VLDB 2015). A window of n slices is the sum of at most 14 parts a level, of log8(n) levels.
// Owns: the sums. Does not own: the slices, which lie in cells and alone are state.
//   B1. A block is a function of its slices, and which blocks a window is made of is one of where it lies: whoever restores the slices
//       gets the same results, of aggregates too whose sums depend on how they are put together (t-digest).
//   B2. Merged is in the order of time; keys come by slice and then as they came, as if the slices were merged one by one.
//   B3. What changes a slice drops the blocks that it lies in. What no further window begins before is dropped by `forget`.

import type { Key } from '../../event/batch.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { firstAtLeast } from '../sorted.ts';
import type { SliceGrid } from './slice-grid.ts';

/** More makes less of them to be kept (a seventh of the slices), and each window of more parts. */
const DEGREE = 8;

type Sums = Iterable<readonly [Key, Cell]>;
/** DEGREE^level starts from the `from`th on. */
type Block = { readonly level: number; readonly from: number };

export class SliceBlocks {
  readonly #grid: SliceGrid;
  readonly #aggregates: Aggregates;
  /** By level less 1, and by the number of the block's first start. */
  #kept: Map<number, ReadonlyMap<Key, Cell>>[] = [];
  /** Nothing at or behind it lies in a block that is kept. */
  #keptEndMs = -Infinity;

  constructor(grid: SliceGrid, aggregates: Aggregates) {
    this.#grid = grid;
    this.#aggregates = aggregates;
  }

  /** All keys' sums of the window that starts at `startMs`. `open`: starts of all slices, ascending. */
  sums(startMs: number, open: readonly number[], cells: KeyedCells): Sums {
    const parts = this.#blocksOf(startMs).flatMap((block) => this.#partsOf(block, open, cells));
    const rest = this.#restOf(startMs);
    if (rest !== null && cells.size(rest) > 0) parts.push(entriesOf(cells, rest));
    return parts.length === 1 ? parts[0]! : this.#merged(parts);
  }

  /** One key's sum of it, in a cell of its own; null: there is nothing of the key. */
  sumOf(startMs: number, key: Key, open: readonly number[], cells: KeyedCells): Cell | null {
    const rest = this.#restOf(startMs);
    const parts = this.#blocksOf(startMs).flatMap((block) => this.#cellsOf(block, key, open, cells));
    return this.#sum(rest === null ? parts : [...parts, cells.get(rest, key) as Cell | undefined]);
  }

  /** The slice has changed (B3). */
  changed(sliceStart: number): void {
    if (sliceStart >= this.#keptEndMs) return;
    const at = this.#numberOf(sliceStart);
    this.#kept.forEach((blocks, i) => blocks.delete(floorTo(at, DEGREE ** (i + 1))));
  }

  /** No window that is still to close starts before `startMs`. */
  forget(startMs: number): void {
    if (this.#keptEndMs === -Infinity) return;
    const first = this.#numberOf(startMs);
    for (const blocks of this.#kept) for (const from of blocks.keys()) if (!(from >= first)) blocks.delete(from);
  }

  clear(): void {
    this.#kept = [];
    this.#keptEndMs = -Infinity;
  }

  /** The fewest blocks that are the window, but for its rest. */
  #blocksOf(startMs: number): readonly Block[] {
    const { sizeMs, everyMs } = this.#grid;
    const blocks: Block[] = [];
    let from = this.#numberOf(startMs);
    for (const end = from + Math.floor(sizeMs / everyMs); from < end;) {
      let [level, width] = [0, 1];
      for (; from % (width * DEGREE) === 0 && from + width * DEGREE <= end; width *= DEGREE) level++;
      blocks.push({ level, from });
      from += width;
    }
    return blocks;
  }

  /** The slice in which a window ends whose size is no multiple of the distance. */
  #restOf(startMs: number): number | null {
    const { sizeMs, everyMs } = this.#grid;
    return sizeMs % everyMs === 0 ? null : startMs + sizeMs - (sizeMs % everyMs);
  }

  #partsOf(block: Block, open: readonly number[], cells: KeyedCells): readonly Sums[] {
    const slices = this.#slicesOf(block, open);
    if (slices.length === 0) return [];
    return block.level === 0 ? slices.map((slice) => entriesOf(cells, slice)) : [this.#keptOf(block, open, cells)];
  }

  #keptOf(block: Block, open: readonly number[], cells: KeyedCells): ReadonlyMap<Key, Cell> {
    const blocks = (this.#kept[block.level - 1] ??= new Map<number, ReadonlyMap<Key, Cell>>());
    const kept = blocks.get(block.from);
    if (kept !== undefined) return kept;
    const made = this.#merged(partsOf(block).flatMap((part) => this.#partsOf(part, open, cells)));
    blocks.set(block.from, made);
    this.#keptEndMs = Math.max(this.#keptEndMs, this.#startOf(block.from + DEGREE ** block.level));
    return made;
  }

  /** What `#partsOf` has of the key. */
  #cellsOf(block: Block, key: Key, open: readonly number[], cells: KeyedCells): readonly (Cell | undefined)[] {
    const slices = this.#slicesOf(block, open);
    if (slices.length === 0) return [];
    if (block.level === 0) return slices.map((slice) => cells.get(slice, key) as Cell | undefined);
    const kept = this.#kept[block.level - 1]?.get(block.from);
    if (kept !== undefined) return [kept.get(key)];
    return [this.#sum(partsOf(block).flatMap((part) => this.#cellsOf(part, key, open, cells))) ?? undefined];
  }

  #slicesOf({ level, from }: Block, open: readonly number[]): readonly number[] {
    const first = firstAtLeast(open, this.#startOf(from));
    const end = this.#startOf(from + DEGREE ** level);
    if (level > 0) return open.slice(first, first + 1).filter((slice) => slice < end); // whether there is one
    return open.slice(first, first + 2).filter((slice) => slice < end);
  }

  #sum(parts: readonly (Cell | undefined)[]): Cell | null {
    let sum: Cell | null = null;
    for (const cell of parts) if (cell !== undefined) this.#aggregates.merge((sum ??= this.#aggregates.init()), cell);
    return sum;
  }

  /** B2. */
  #merged(parts: readonly Sums[]): Map<Key, Cell> {
    const merged = new Map<Key, Cell>();
    for (const part of parts) {
      for (const [key, cell] of part) {
        let sum = merged.get(key);
        if (sum === undefined) merged.set(key, (sum = this.#aggregates.init()));
        this.#aggregates.merge(sum, cell);
      }
    }
    return merged;
  }

  /** Starts of windows are numbered, from that at or before 1970 on. */
  #numberOf(timeMs: number): number {
    const { windowAt, everyMs } = this.#grid;
    return (windowAt(timeMs) - windowAt(0)) / everyMs;
  }

  #startOf(number: number): number {
    return this.#grid.windowAt(0) + number * this.#grid.everyMs;
  }
}

function partsOf({ level, from }: Block): readonly Block[] {
  return Array.from({ length: DEGREE }, (_, i) => ({ level: level - 1, from: from + i * DEGREE ** (level - 1) }));
}

function entriesOf(cells: KeyedCells, slice: number): Sums {
  return cells.entries(slice) as IterableIterator<[Key, Cell]>;
}

function floorTo(value: number, step: number): number {
  return Math.floor(value / step) * step;
}
