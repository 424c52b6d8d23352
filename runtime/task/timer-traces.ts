// Traces of the timers of one transform that are pending: whoever fires one goes on in the trace of the event that set it.
//
//   TT1. They lie in the partition's state, beside its timers: a new owner has them. Of timers without a trace nothing is written.
//   TT2. Bounded: of more keys than there is room for the one is forgotten that was noted first, of more than TIMERS_MAX timers of a key too.

import type { TraceContext } from '../base/trace-context.ts';
import type { Key } from '../event/batch.ts';
import { makeRoom, type TraceCells } from '../state/trace-cells.ts';
import type { Timer } from '../transforms/transform.ts';

/** Of the cells of a transform's traces; contributors.ts has another. */
const NAMESPACE = 1;
const TIMERS_MAX = 16;

/** As it lies in a key's cell. */
type Pending = readonly [timerId: string, traceId: string, spanId: string];

export class TimerTraces {
  readonly #cells: TraceCells;

  constructor(cells: TraceCells) {
    this.#cells = cells;
  }

  /** The timer is set, by an event or timer of that trace; null: of none. */
  set(timer: Timer, context: TraceContext | null): void {
    if (context === null) {
      this.take(timer);
      return;
    }
    const cells = this.#cells.made;
    const known = cells.get(NAMESPACE, timer.key) as readonly Pending[] | undefined;
    if (known === undefined) makeRoom(cells, NAMESPACE);
    const others = (known ?? []).filter(([id]) => id !== timer.id).slice(1 - TIMERS_MAX);
    cells.put(NAMESPACE, timer.key, [...others, [timer.id, context.traceId, context.spanId]]);
  }

  /** Traces of the key's pending timers, by their ids. */
  of(key: Key): ReadonlyMap<string, string> {
    const known = (this.#cells.found?.get(NAMESPACE, key) ?? []) as readonly Pending[];
    return new Map(known.map(([timerId, traceId]) => [timerId, traceId]));
  }

  /** The trace of a timer that is no longer pending. */
  take({ key, id }: Pick<Timer, 'key' | 'id'>): TraceContext | null {
    const cells = this.#cells.found;
    if (cells === null) return null;
    const known = (cells.get(NAMESPACE, key) ?? []) as readonly Pending[];
    const found = known.find(([timerId]) => timerId === id);
    if (found === undefined) return null;
    const others = known.filter((one) => one !== found);
    if (others.length === 0) cells.delete(NAMESPACE, key);
    else cells.put(NAMESPACE, key, others);
    return { traceId: found[1], spanId: found[2] };
  }
}
