// When to look whether the clock has made an early pane due. Derived: whoever restores the cells makes it anew.
//
//   CL1. A look may be in vain: its pane has come otherwise meanwhile. One is never missing.
//   CL2. A wake gives RESULTS_MAX panes at most, or as many bytes as the step has room for; those that are due still wake the next step.

import { Heap } from '../../time/heap.ts';
import type { StepContext, Waits } from '../transform.ts';
import { RESULTS_MAX } from './window-results.ts';

/** `place`: none is equal to another. */
type Look<T> = { readonly dueMs: number; readonly place: number; readonly of: T };

export class ClockLooks<T> {
  readonly waits: Waits;
  readonly #clockMs: readonly number[];
  #looks = new Heap<Look<T>>(isBefore);
  #count = 0;

  /** `clockMs`: how long the triggers wait. `isWanted`: whether events of it are in no pane yet. `look`: gives the panes that are due, and tells of those
   *  that there was no room for. */
  constructor(clockMs: readonly number[], isWanted: (of: T) => boolean, look: (due: readonly T[], context: StepContext) => Iterable<T>) {
    this.#clockMs = clockMs;
    this.waits = {
      nextMs: () => {
        for (let next = this.#looks.peek(); next !== undefined; next = this.#looks.peek()) {
          if (isWanted(next.of)) return next.dueMs;
          this.#looks.pop();
        }
        return Infinity;
      },
      wake: (upToMs, context) => {
        if (upToMs === Infinity) return; // the input has ended: so do the windows
        const due = new Map<T, Look<T>>();
        for (
          let next = this.#looks.peek();
          next !== undefined && next.dueMs <= upToMs && due.size < RESULTS_MAX;
          next = this.#looks.peek()
        ) {
          this.#looks.pop();
          if (isWanted(next.of)) due.set(next.of, next);
        }
        if (due.size === 0) return;
        for (const left of look([...due.keys()], context)) this.#looks.push(due.get(left)!); // CL2
      },
      isHolding: false,
      isFull: false,
    };
  }

  clear(): void {
    this.#looks = new Heap<Look<T>>(isBefore);
  }

  /** Its first event that is in no pane came at `sinceMs`. */
  add(of: T, sinceMs: number): void {
    for (const waitMs of this.#clockMs) this.#looks.push({ dueMs: sinceMs + waitMs, place: this.#count++, of });
  }
}

function isBefore(a: Look<unknown>, b: Look<unknown>): boolean {
  return a.dueMs === b.dueMs ? a.place < b.place : a.dueMs < b.dueMs;
}
