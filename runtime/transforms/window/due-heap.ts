// Things to look at again when the watermark reaches their time: a binary heap.
//
// Derived data: its owner rebuilds it from cells after a restore.
//   D1. Things come out by time; of equal times by the owner's order, which must not depend on how they came in.

export type Due = { readonly dueMs: number };

export class DueHeap<T extends Due> {
  readonly #heap: T[] = [];
  readonly #compareEqual: (a: T, b: T) => number;

  /** `compareEqual` orders things of equal time. */
  constructor(compareEqual: (a: T, b: T) => number) {
    this.#compareEqual = compareEqual;
  }

  get size(): number {
    return this.#heap.length;
  }

  push(due: T): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(due, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = due;
  }

  /** Takes the first thing out if it is due at `watermark`; else undefined. */
  popDue(watermark: number): T | undefined {
    const top = this.#heap[0];
    if (top === undefined || top.dueMs > watermark) return undefined;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sink(last);
    return top;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #sink(due: T): void {
    const heap = this.#heap;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && this.#isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (!this.#isBefore(heap[below]!, due)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = due;
  }

  #isBefore(a: T, b: T): boolean {
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && this.#compareEqual(a, b) < 0);
  }
}
