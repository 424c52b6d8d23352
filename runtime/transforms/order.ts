// order: holds events until the watermark passes them, then gives them in (time, arrival) order.
//
//   O1. Before the events of a time t the watermark t - 1 goes out: timers of what follows fire between events exactly
//       as if the events had come in order. So a replay, and any other batching, gives the same.
//   O2. An event at or before the watermark is late: its turn is over.
//   O3. Held events are appended to list cells in arrival order, a chunk a namespace, and a chunk is dropped whole when
//       its last event was released: no event is ever written twice. What of a chunk was released already is known from
//       the watermark (O2), so nothing marks it. Chunks by arrival, not by time: a fixed width of time would be far too
//       wide for one job and far too narrow for another.
//   O4. The heap in memory is only an index, rebuilt from the cells.

import type { Batch, Key, Value } from '../event/batch.ts';
import { formatTraceparent, parseTraceparent } from '../base/trace-context.ts';
import { traceAt, withTraces } from '../event/trace-marks.ts';
import type { TraceMark } from '../event/trace-marks.ts';
import { ORDER_CHUNK_EVENTS_MAX } from '../base/limits.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { Heap } from '../time/heap.ts';
import { pickEvents } from './each-event.ts';
import { refuseLate } from './failure.ts';
import type { RestoreContext, StepContext, Transform } from './transform.ts';

/** As it lies in a list cell. */
type Item = readonly [timeMs: number, key: Key | null, value: Value, /** Of a traced event. */ traceparent?: string];
type Held = { readonly item: Item; readonly chunk: number; /** Place in arrival order. */ readonly sequence: number };

const LIST = '';

export function makeOrder({ late = 'deadLetter' }: Extract<OpPlan, { kind: 'order' }>): Transform {
  return new Order(late);
}

class Order implements Transform {
  readonly carriesTraces = true;
  readonly #late: 'output' | 'deadLetter';
  readonly #heap = new Heap<Held>(isBefore);
  /** Events that are still held, by chunk. */
  readonly #heldIn = new Map<number, number>();
  /** No held event is later. */
  #highestMs = -Infinity;
  /** The chunk that is filled, and how many it was given. */
  #chunk = 0;
  #chunkEvents = 0;

  constructor(late: 'output' | 'deadLetter') {
    this.#late = late;
  }

  held(): number {
    return this.#heap.size;
  }

  onBatch(batch: Batch, context: StepContext): void {
    const late: number[] = [];
    for (let i = 0; i < batch.values.length; i++) {
      const timeMs = batch.times[i]!;
      if (timeMs <= context.watermark)
        late.push(i); // O2
      else this.#hold(itemOf(batch, i), context);
    }
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  onWatermark(watermark: number, context: StepContext): void {
    const due = this.#takeDue(watermark);
    for (let from = 0; from < due.length;) {
      const timeMs = due[from]!.item[0];
      let to = from + 1;
      while (to < due.length && due[to]!.item[0] === timeMs) to++;
      for (let i = from; i < to; i++) this.#forget(due[i]!.chunk, context);
      context.emitWatermark(timeMs - 1); // O1
      context.emit(toBatch(due.slice(from, to), context));
      from = to;
    }
    context.emitWatermark(watermark);
  }

  restored({ cells, watermark }: RestoreContext): void {
    for (const chunk of cells.namespaces()) {
      const items = cells.list(chunk, LIST) as readonly Item[];
      this.#chunk = chunk;
      this.#chunkEvents = items.length;
      items.forEach((item, place) => {
        if (item[0] > watermark) this.#index(item, { chunk, place });
      });
    }
  }

  #hold(item: Item, context: StepContext): void {
    if (this.#chunkEvents === ORDER_CHUNK_EVENTS_MAX) {
      this.#chunk++;
      this.#chunkEvents = 0;
    }
    context.cells.append(this.#chunk, LIST, item);
    this.#index(item, { chunk: this.#chunk, place: this.#chunkEvents++ });
  }

  #index(item: Item, { chunk, place }: { chunk: number; place: number }): void {
    if (item[0] > this.#highestMs) this.#highestMs = item[0];
    this.#heap.push({ item, chunk, sequence: chunk * ORDER_CHUNK_EVENTS_MAX + place });
    this.#heldIn.set(chunk, (this.#heldIn.get(chunk) ?? 0) + 1);
  }

  /** Takes the events at or before `watermark` out of the heap, in order. */
  #takeDue(watermark: number): readonly Held[] {
    if (watermark >= this.#highestMs) return this.#heap.drain();
    const due: Held[] = [];
    for (let next = this.#heap.peek(); next !== undefined && next.item[0] <= watermark; next = this.#heap.peek()) {
      due.push(next);
      this.#heap.pop();
    }
    return due;
  }

  #forget(chunk: number, context: StepContext): void {
    const left = this.#heldIn.get(chunk)! - 1;
    this.#heldIn.set(chunk, left);
    if (left > 0) return;
    this.#heldIn.delete(chunk);
    context.cells.drop(chunk);
    if (chunk === this.#chunk) this.#chunkEvents = 0; // goes on with the same number: all that it had is gone
  }
}

function itemOf(batch: Batch, i: number): Item {
  const [timeMs, key, value] = [batch.times[i]!, batch.keys?.[i] ?? null, batch.values[i]];
  const trace = batch.traces === undefined ? undefined : traceAt(batch, i);
  return trace === undefined ? [timeMs, key, value] : [timeMs, key, value, formatTraceparent(trace)];
}

/** Events of one time, and so of one kind: all have keys, or none has. */
function toBatch(held: readonly Held[], { ingestMs }: StepContext): Batch {
  const isKeyed = held[0]!.item[1] !== null;
  const batch: Batch = {
    values: held.map(({ item }) => item[2]),
    times: held.map(({ item }) => item[0]),
    keys: isKeyed ? held.map(({ item }) => item[1]!) : null,
    ingestMs,
  };
  return held.every(({ item }) => item.length === 3) ? batch : withTraces(batch, tracesOf(held));
}

function tracesOf(held: readonly Held[]): TraceMark[] {
  return held.flatMap(({ item }, at) => {
    const context = item[3] === undefined ? null : parseTraceparent(item[3]);
    return context === null ? [] : [{ at, context }];
  });
}

/** (time, arrival). */
function isBefore(a: Held, b: Held): boolean {
  return a.item[0] !== b.item[0] ? a.item[0] < b.item[0] : a.sequence < b.sequence;
}
