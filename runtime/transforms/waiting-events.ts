// Events that wait for something else than the watermark (a retry, an answer from outside, their turn), in cells, in arrival order.
//
//   WE1. All of it lies in the cells: whoever goes on with them holds the same events in the same order.
//   WE2. No watermark passes an event that waits and is still in time: `bound` says how far it may rise.

import { formatTraceparent, parseTraceparent, type TraceContext } from '../base/trace-context.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { traceAt, withTraces } from '../event/trace-marks.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { Heap } from '../time/heap.ts';

/** One event that waits; `note` is what its holder has to know of it, plain data. */
export type WaitingEvent<N extends Value> = {
  readonly sequence: number;
  readonly timeMs: number;
  readonly key: Key | null;
  readonly value: Value;
  readonly ingestMs: number;
  readonly trace: TraceContext | null;
  /** For dead letters of what comes behind. */ readonly place: string | null;
  readonly note: N;
};

type Cell = readonly [
  timeMs: number,
  key: Key | null,
  value: Value,
  ingestMs: number,
  traceparent: string | null,
  note: Value,
  /** Absent: it has none, or an older worker has stored it. */ place?: string,
];
type Place = { readonly timeMs: number; readonly sequence: number };

const NAMESPACE = 0;

export class WaitingEvents<N extends Value> {
  readonly #cells: KeyedCells;
  readonly #events = new Map<number, WaitingEvent<N>>();
  readonly #times = new Heap<Place>((a, b) => (a.timeMs === b.timeMs ? a.sequence < b.sequence : a.timeMs < b.timeMs));
  #next = 0;

  constructor(cells: KeyedCells) {
    this.#cells = cells;
    for (const [place, cell] of cells.entries(NAMESPACE)) {
      const [timeMs, key, value, ingestMs, traceparent, note, from = null] = cell as Cell;
      const trace = traceparent === null ? null : parseTraceparent(traceparent);
      this.#index({ sequence: Number(place), timeMs, key, value, ingestMs, trace, place: from, note: note as N });
    }
  }

  get size(): number {
    return this.#events.size;
  }

  /** In arrival order. */
  all(): IterableIterator<WaitingEvent<N>> {
    return this.#events.values();
  }

  get(sequence: number): WaitingEvent<N> | undefined {
    return this.#events.get(sequence);
  }

  /** Sequence of the event that begins to wait next. */
  get next(): number {
    return this.#next;
  }

  /** Event `index` of a batch, which came from `place`, begins to wait; `trace`: where it goes on, when that is not its own. */
  add(batch: Batch, index: number, note: N, place: string | null, trace = traceAt(batch, index) ?? null): WaitingEvent<N> {
    const held: WaitingEvent<N> = {
      sequence: this.#next,
      timeMs: batch.times[index] as number,
      key: batch.keys?.[index] ?? null,
      value: batch.values[index],
      ingestMs: batch.ingestMs,
      trace,
      place,
      note,
    };
    this.#index(held);
    this.#put(held);
    return held;
  }

  /** The same event, of which something else is known now. */
  note(held: WaitingEvent<N>, note: N, trace = held.trace): WaitingEvent<N> {
    const noted = { ...held, note, trace };
    this.#events.set(held.sequence, noted);
    this.#put(noted);
    return noted;
  }

  remove({ sequence }: WaitingEvent<N>): void {
    this.#events.delete(sequence);
    this.#cells.delete(NAMESPACE, String(sequence));
  }

  /** How far a watermark may rise that is to be `wanted` and stands at `now` (WE2). */
  bound(wanted: number, now: number): number {
    for (let first = this.#times.peek(); first !== undefined; first = this.#times.peek()) {
      // What was late before stays late, whatever the watermark does.
      if (first.timeMs > now && this.#events.has(first.sequence)) return Math.min(wanted, first.timeMs - 1);
      this.#times.pop();
    }
    return wanted;
  }

  #index(held: WaitingEvent<N>): void {
    this.#events.set(held.sequence, held);
    this.#times.push(held);
    this.#next = held.sequence + 1;
  }

  #put({ sequence, timeMs, key, value, ingestMs, trace, place, note }: WaitingEvent<N>): void {
    const cell = [timeMs, key, value, ingestMs, trace === null ? null : formatTraceparent(trace), note] as const;
    this.#cells.put(NAMESPACE, String(sequence), place === null ? cell : ([...cell, place] satisfies Cell));
  }
}

/** Where events that waited came from, told by the event itself; of what was made of one of them: of all of them. */
export class WaitedPlaces {
  readonly #events: readonly WaitingEvent<Value>[];
  /** Made with the first dead letter. */
  #byEvent: ReadonlyMap<Value, string | null> | null = null;

  constructor(events: readonly WaitingEvent<Value>[]) {
    this.#events = events;
  }

  of(event: Value): string | null {
    this.#byEvent ??= new Map(this.#events.map(({ value, place }) => [value, place]));
    const own = typeof event === 'object' && event !== null ? this.#byEvent.get(event) : undefined;
    if (own !== undefined) return own;
    const [first, last] = [this.#events[0]?.place ?? null, this.#events.at(-1)?.place ?? null];
    return first === last || first === null || last === null ? first : `${first} to ${last}`;
  }
}

/** Events in their order: as few batches as there can be, since those with a key and those without one cannot be in one. */
export function waitingBatches(events: readonly WaitingEvent<Value>[]): readonly Batch[] {
  const [keyed, plain] = [events.filter(({ key }) => key !== null), events.filter(({ key }) => key === null)];
  return [keyed, plain].flatMap((part) => {
    if (part.length === 0) return [];
    const batch: Batch = {
      values: part.map(({ value }) => value),
      times: part.map(({ timeMs }) => timeMs),
      keys: part === keyed ? part.map(({ key }) => key as Key) : null,
      ingestMs: part.reduce((earliest, { ingestMs }) => Math.min(earliest, ingestMs), Infinity),
    };
    return [
      withTraces(
        batch,
        part.flatMap(({ trace }, at) => (trace === null ? [] : [{ at, context: trace }])),
      ),
    ];
  });
}

/** The event as a batch of its own; `value` in place of its own when given. */
export function waitingBatch(held: WaitingEvent<Value>, enter: (trace: TraceContext) => TraceContext, value: Value = held.value): Batch {
  const { timeMs, key, ingestMs, trace } = held;
  const batch: Batch = { values: [value], times: [timeMs], keys: key === null ? null : [key], ingestMs };
  return trace === null ? batch : withTraces(batch, [{ at: 0, context: enter(trace) }]);
}
