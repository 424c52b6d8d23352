// Which traced events went into the results to come: for the links of results.
//
//   C1. A reservoir of LINKS_MAX per key. Of more each has the same chance to stay. The choice follows from the contexts alone, so
//       that a step that is made again chooses alike.
//   C2. They lie in the partition's state, beside the transform's cells: a new owner has them. Of events that are not traced nothing
//       is written. Results are the same with and without.

import type { TraceContext } from '../base/trace-context.ts';
import type { Batch, Key } from '../event/batch.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { makeRoom, type TraceCells } from '../state/trace-cells.ts';

/** Links of one result at the most; pages that show traces take no more well. */
export const LINKS_MAX = 32;
/** Of the cells of a transform's traces; task/timer-traces.ts has another. */
const NAMESPACE = 0;

/** As it lies in a key's cell. */
type Contribution = readonly [timeMs: number, traceId: string, spanId: string];

export class Contributors {
  readonly #cells: TraceCells;

  constructor(cells: TraceCells) {
    this.#cells = cells;
  }

  get isEmpty(): boolean {
    return (this.#cells.found?.size(NAMESPACE) ?? 0) === 0;
  }

  /** Notes the traced events of `batch`. */
  add({ traces = [], keys, times }: Batch): void {
    for (const { at, context } of traces) {
      const key = keys?.[at] ?? '';
      const cells = this.#cells.made;
      const known = (cells.get(NAMESPACE, key) ?? []) as readonly Contribution[];
      if (known.length === 0) makeRoom(cells, NAMESPACE);
      const more: readonly Contribution[] = [...known, [times[at] as number, context.traceId, context.spanId]];
      cells.put(NAMESPACE, key, more.length <= LINKS_MAX ? more : withoutOne(more));
    }
  }

  /** Keys of which it has noted events: of nearly all there are none. */
  keys(): ReadonlySet<Key> {
    const keys = new Set<Key>();
    for (const [key] of this.#cells.found?.entries(NAMESPACE) ?? []) keys.add(key);
    return keys;
  }

  /** Contexts of the key's events in [startMs, endMs), as they came. */
  of(key: Key, startMs: number, endMs: number): readonly TraceContext[] {
    const known = this.#cells.found?.get(NAMESPACE, key) as readonly Contribution[] | undefined;
    if (known === undefined) return NOBODY; // of nearly every key
    return known.flatMap(([timeMs, traceId, spanId]) => (timeMs >= startMs && timeMs < endMs ? [{ traceId, spanId }] : []));
  }

  /** All of the key's, to be looked at. */
  all(key: Key): readonly { readonly timeMs: number; readonly traceId: string }[] {
    const known = (this.#cells.found?.get(NAMESPACE, key) ?? []) as readonly Contribution[];
    return known.map(([timeMs, traceId]) => ({ timeMs, traceId }));
  }

  /** Forgets events before `timeMs`: no result to come is made of them. */
  forget(timeMs: number): void {
    const cells = this.#cells.found;
    if (cells === null) return;
    for (const [key, known] of cells.entries(NAMESPACE)) forgetSome(cells, key, known as readonly Contribution[], timeMs);
  }

  /** The same of one key. */
  forgetOf(key: Key, timeMs: number): void {
    const cells = this.#cells.found;
    const known = cells?.get(NAMESPACE, key) as readonly Contribution[] | undefined;
    if (cells !== null && known !== undefined) forgetSome(cells, key, known, timeMs);
  }
}

function forgetSome(cells: KeyedCells, key: Key, known: readonly Contribution[], timeMs: number): void {
  let before = 0; // how many of them
  for (const one of known) if (one[0] < timeMs) before++;
  if (before === known.length) cells.delete(NAMESPACE, key);
  else if (before > 0)
    cells.put(
      NAMESPACE,
      key,
      known.filter((one) => one[0] >= timeMs),
    );
}

const NOBODY: readonly TraceContext[] = [];

/** C1: ids are hashes, so the lowest of them are a fair draw. */
function withoutOne(known: readonly Contribution[]): readonly Contribution[] {
  const highest = known.reduce((a, b) => (a[2] > b[2] ? a : b));
  return known.filter((one) => one !== highest);
}
