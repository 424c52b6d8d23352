// Events that a transform holds until their time has come, then takes in (time, rank, arrival) order.
//
//   H1. Held events are appended to list cells in arrival order, a chunk a namespace (from 0 on), and a chunk is dropped whole when
//       its last event was taken: no event is ever written twice. What of a chunk was taken already is known from the time up to
//       which events were, so nothing marks it. Chunks by arrival, not by time: a fixed width of time would be far too wide for one
//       job and far too narrow for another.
//   H2. The heap in memory is only an index, rebuilt from the cells.

import { ORDER_CHUNK_EVENTS_MAX } from '../base/limits.ts';
import { formatTraceparent, parseTraceparent } from '../base/trace-context.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { traceAt, withTraces, type TraceMark } from '../event/trace-marks.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { Heap } from '../time/heap.ts';

/** An event as it lies in a list cell. */
export type HeldItem = readonly [timeMs: number, ...rest: readonly unknown[]];
type Held<I> = {
  readonly item: I;
  readonly chunk: number;
  readonly rank: number;
  /** Place in arrival order. */ readonly sequence: number;
};

const LIST = '';

export class HeldEvents<I extends HeldItem> {
  readonly #rankOf: (item: I) => number;
  readonly #heap = new Heap<Held<I>>(isBefore);
  /** Events that are still held, by chunk. */
  readonly #heldIn = new Map<number, number>();
  /** No held event is later. */
  #highestMs = -Infinity;
  /** The chunk that is filled, and how many it was given. */
  #chunk = 0;
  #chunkEvents = 0;

  /** `rankOf`: of events of one time those with a lower rank come first. */
  constructor(rankOf: (item: I) => number = () => 0) {
    this.#rankOf = rankOf;
  }

  get size(): number {
    return this.#heap.size;
  }

  hold(item: I, cells: KeyedCells): void {
    if (this.#chunkEvents === ORDER_CHUNK_EVENTS_MAX) {
      this.#chunk++;
      this.#chunkEvents = 0;
    }
    cells.append(this.#chunk, LIST, item);
    this.#index(item, { chunk: this.#chunk, place: this.#chunkEvents++ });
  }

  /** Time of the first one; Infinity: none is held. */
  get earliestMs(): number {
    return this.#heap.peek()?.item[0] ?? Infinity;
  }

  /** Takes the events at or before `untilMs`; not more than `eventsMax` and those of the last one's time. */
  take(untilMs: number, cells: KeyedCells, eventsMax = Infinity): readonly I[] {
    const due = this.#takeDue(untilMs, eventsMax);
    for (const { chunk } of due) this.#forget(chunk, cells);
    return due.map(({ item }) => item);
  }

  /** After a restore. `takenMs`: events up to there were taken. */
  restored(cells: KeyedCells, takenMs: number): void {
    for (const chunk of cells.namespaces()) {
      if (chunk < 0) continue;
      const items = cells.list(chunk, LIST) as readonly I[];
      this.#chunk = chunk;
      this.#chunkEvents = items.length;
      items.forEach((item, place) => {
        if (item[0] > takenMs) this.#index(item, { chunk, place });
      });
    }
  }

  #index(item: I, { chunk, place }: { chunk: number; place: number }): void {
    if (item[0] > this.#highestMs) this.#highestMs = item[0];
    this.#heap.push({ item, chunk, rank: this.#rankOf(item), sequence: chunk * ORDER_CHUNK_EVENTS_MAX + place });
    this.#heldIn.set(chunk, (this.#heldIn.get(chunk) ?? 0) + 1);
  }

  #takeDue(untilMs: number, eventsMax: number): readonly Held<I>[] {
    if (untilMs >= this.#highestMs && this.#heap.size <= eventsMax) return this.#heap.drain();
    const due: Held<I>[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.item[0] <= untilMs; next = this.#heap.peek()) {
      if (due.length >= eventsMax && next.item[0] > due.at(-1)!.item[0]) break;
      due.push(next);
      this.#heap.pop();
    }
    return due;
  }

  #forget(chunk: number, cells: KeyedCells): void {
    const left = this.#heldIn.get(chunk)! - 1;
    this.#heldIn.set(chunk, left);
    if (left > 0) return;
    this.#heldIn.delete(chunk);
    cells.drop(chunk);
    if (chunk === this.#chunk) this.#chunkEvents = 0; // goes on with the same number: all that it had is gone
  }
}

/** (time, rank, arrival). */
function isBefore(a: Held<unknown> & { readonly item: HeldItem }, b: Held<unknown> & { readonly item: HeldItem }): boolean {
  if (a.item[0] !== b.item[0]) return a.item[0] < b.item[0];
  return a.rank !== b.rank ? a.rank < b.rank : a.sequence < b.sequence;
}

/** With what a traced event is held; undefined: it is not traced. */
export function heldTrace(batch: Batch, index: number): string | undefined {
  const trace = batch.traces === undefined ? undefined : traceAt(batch, index);
  return trace && formatTraceparent(trace);
}

/** Held events as a batch again: all have keys, or none has. `traceOf`: what `heldTrace` gave. */
export function batchOfHeld<I extends readonly [timeMs: number, key: Key | null, value: Value, ...rest: readonly unknown[]]>(
  held: readonly I[],
  ingestMs: number,
  traceOf: (item: I) => string | undefined,
): Batch {
  const isKeyed = held[0]![1] !== null;
  const batch: Batch = {
    values: held.map((item) => item[2]),
    times: held.map((item) => item[0]),
    keys: isKeyed ? held.map((item) => item[1]!) : null,
    ingestMs,
  };
  return held.every((item) => traceOf(item) === undefined) ? batch : withTraces(batch, marksOf(held, traceOf));
}

function marksOf<I>(held: readonly I[], traceOf: (item: I) => string | undefined): TraceMark[] {
  return held.flatMap((item, at) => {
    const text = traceOf(item);
    const context = text === undefined ? null : parseTraceparent(text);
    return context === null ? [] : [{ at, context }];
  });
}
