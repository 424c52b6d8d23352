// order: holds events until the watermark passes them, then gives them in (time, arrival) order.
//
//   O1. Before the events of a time t the watermark t - 1 goes out: timers of what follows fire between events exactly
//       as if the events had come in order. So a replay, and any other batching, gives the same.
//   O2. An event at or before the watermark is late: its turn is over.
//   O3. What is held lies in cells and outlives a restart: held-events.ts.
//   O4. A rise gives RELEASED_MAX events, and those of the last one's time, and stops at that time (transform.ts, onWatermark): what
//       follows may be dear, and a step can end there.

import type { Batch, Key, Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { pickEvents } from './each-event.ts';
import { refuseLate } from './failure.ts';
import { batchOfHeld, HeldEvents, heldTrace } from './held-events.ts';
import type { RestoreContext, StepContext, Transform } from './transform.ts';

/** As it lies in a list cell. */
type Item = readonly [timeMs: number, key: Key | null, value: Value, /** Of a traced event. */ traceparent?: string];

/** Few enough that what follows is stored often, even where an event takes 20 ms; so many that a stop costs nothing. */
const RELEASED_MAX = 256;

export function makeOrder({ late = 'deadLetter' }: Extract<OpPlan, { kind: 'order' }>): Transform {
  return new Order(late);
}

class Order implements Transform {
  readonly carriesTraces = true;
  readonly #late: 'output' | 'deadLetter';
  readonly #held = new HeldEvents<Item>();

  constructor(late: 'output' | 'deadLetter') {
    this.#late = late;
  }

  held(): number {
    return this.#held.size;
  }

  onBatch(batch: Batch, context: StepContext): void {
    const late: number[] = [];
    for (let i = 0; i < batch.values.length; i++) {
      const timeMs = batch.times[i]!;
      if (timeMs <= context.watermark)
        late.push(i); // O2
      else this.#held.hold(itemOf(batch, i), context.cells);
    }
    if (late.length > 0) refuseLate(context, pickEvents(batch, late), this.#late);
  }

  onWatermark(watermark: number, context: StepContext): number {
    const due = this.#held.take(watermark, context.cells, RELEASED_MAX);
    const reached = this.#held.size > 0 && this.#held.earliestMs <= watermark ? due.at(-1)![0] : watermark;
    for (let from = 0; from < due.length;) {
      const timeMs = due[from]![0];
      let to = from + 1;
      while (to < due.length && due[to]![0] === timeMs) to++;
      context.emitWatermark(timeMs - 1); // O1
      context.emit(batchOfHeld(due.slice(from, to), context.ingestMs, (item) => item[3]));
      from = to;
    }
    context.emitWatermark(reached);
    return reached;
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#held.restored(cells, watermark);
  }
}

function itemOf(batch: Batch, i: number): Item {
  const [timeMs, key, value] = [batch.times[i]!, batch.keys?.[i] ?? null, batch.values[i]];
  const trace = heldTrace(batch, i);
  return trace === undefined ? [timeMs, key, value] : [timeMs, key, value, trace];
}
