// Which traced events went into the results to come: for the links of results.
//
// A reservoir of REACH_MAX per key, in memory only: a new owner begins without, and results are the same with and without.
//   C1. Of more than REACH_MAX each has the same chance to stay. The choice follows from the contexts alone, so that a step that
//       is made again chooses alike.

import type { TraceContext } from '../base/trace-context.ts';
import type { Batch, Key } from '../event/batch.ts';

/** Links of one result at the most; pages that show traces take no more well. */
export const LINKS_MAX = 32;
/** Keys with traced events; the oldest is forgotten first. */
const KEYS_MAX = 1_024;

type Contribution = { readonly timeMs: number; readonly context: TraceContext };

export class Contributors {
  readonly #byKey = new Map<Key, Contribution[]>();

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Notes the traced events of `batch`. */
  add({ traces = [], keys, times }: Batch): void {
    for (const { at, context } of traces) {
      const key = keys?.[at] ?? '';
      const known = this.#byKey.get(key) ?? [];
      if (known.length === 0 && this.#byKey.size === KEYS_MAX) this.#byKey.delete(this.#byKey.keys().next().value as Key);
      known.push({ timeMs: times[at] as number, context });
      this.#byKey.set(key, known.length <= LINKS_MAX ? known : withoutOne(known));
    }
  }

  /** Contexts of the key's events in [startMs, endMs), as they came. */
  of(key: Key, startMs: number, endMs: number): readonly TraceContext[] {
    return (this.#byKey.get(key) ?? []).flatMap(({ timeMs, context }) => (timeMs >= startMs && timeMs < endMs ? [context] : []));
  }

  /** Forgets events before `timeMs`: no result to come is made of them. */
  forget(timeMs: number): void {
    for (const [key, known] of this.#byKey) {
      const left = known.filter((one) => one.timeMs >= timeMs);
      if (left.length === 0) this.#byKey.delete(key);
      else if (left.length < known.length) this.#byKey.set(key, left);
    }
  }

  take(key: Key): readonly TraceContext[] {
    const found = this.of(key, -Infinity, Infinity);
    this.#byKey.delete(key);
    return found;
  }
}

/** C1: ids are hashes, so the lowest of them are a fair draw. */
function withoutOne(known: readonly Contribution[]): Contribution[] {
  const highest = known.reduce((a, b) => (a.context.spanId > b.context.spanId ? a : b));
  return known.filter((one) => one !== highest);
}
