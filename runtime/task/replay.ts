// Replay of a bounded source at a chosen pace: its events leave in event-time order, when their time has come.
//
//   Y1. Per edge, events leave in (time, arrival) order; the watermark is the time up to which all have left.
//   Y2. A restart goes on behind `releasedMs`, whatever time has passed since.

import { WATERMARK_MAX } from '../event/batch.ts';
import { partOf } from '../event/part-of.ts';
import type { Batch } from '../event/batch.ts';
import { concatenate } from './exchange.ts';

export type Released = { readonly edges: ReadonlyMap<number, Batch[]>; readonly watermark: number; readonly ended: boolean };

type Held = { readonly edge: number; readonly batch: Batch; next: number };

export class ReplaySchedule {
  static readonly TICK_MS = 50;
  readonly #held: Held[];
  /** Time of the first event of all, and the one from which this schedule goes on. */
  readonly #originMs: number;
  readonly #firstMs: number;
  readonly #lastMs: number;
  readonly #speed: number;
  readonly #startMs: number;
  #releasedMs: number;

  /** `speed`: ms of event time per ms of wall time. `startMs`: monotonic time at which the first event leaves. */
  constructor(
    edges: ReadonlyMap<number, readonly Batch[]>,
    options: { readonly speed: number; readonly releasedMs: number | null; readonly startMs: number },
  ) {
    this.#held = [...edges].map(([edge, batches]) => ({ edge, batch: sortByTime(concatenate(batches)), next: 0 }));
    const times = this.#held.map(({ batch }) => batch.times);
    this.#originMs = Math.min(...times.map((all) => all[0] ?? Infinity));
    this.#firstMs = options.releasedMs ?? this.#originMs;
    this.#lastMs = Math.max(...times.map((all) => all.at(-1) ?? -Infinity));
    this.#speed = options.speed;
    this.#startMs = options.startMs;
    this.#releasedMs = options.releasedMs ?? -Infinity;
    for (const held of this.#held)
      while (held.next < held.batch.times.length && (held.batch.times[held.next] as number) <= this.#releasedMs) held.next++;
  }

  /** Share of event time that has been replayed, 0 … 1. */
  get progress(): number {
    if (!Number.isFinite(this.#releasedMs)) return this.#releasedMs > 0 ? 1 : 0;
    return Math.min(1, Math.max(0, (this.#releasedMs - this.#originMs) / Math.max(1, this.#lastMs - this.#originMs)));
  }

  /** Whether something is due at monotonic time `nowMs` (or all has left and the end can be told). */
  isDue(nowMs: number): boolean {
    const until = this.#untilMs(nowMs);
    return (
      until >= this.#lastMs || this.#held.some(({ batch, next }) => next < batch.times.length && (batch.times[next] as number) <= until)
    );
  }

  /** Takes out all that is due at monotonic time `nowMs`. */
  release(nowMs: number): Released {
    const until = this.#untilMs(nowMs);
    const edges = new Map<number, Batch[]>();
    for (const held of this.#held) {
      const from = held.next;
      while (held.next < held.batch.times.length && (held.batch.times[held.next] as number) <= until) held.next++;
      if (held.next > from) edges.set(held.edge, [partOf(held.batch, from, held.next)]);
    }
    const ended = this.#held.every(({ batch, next }) => next === batch.times.length);
    this.#releasedMs = ended ? WATERMARK_MAX : until;
    return { edges, watermark: this.#releasedMs, ended };
  }

  #untilMs(nowMs: number): number {
    if (!Number.isFinite(this.#speed) || !Number.isFinite(this.#firstMs)) return Math.max(this.#lastMs, this.#firstMs);
    return Math.floor(this.#firstMs + (nowMs - this.#startMs) * this.#speed);
  }
}

function sortByTime(batch: Batch): Batch {
  const order = batch.times.map((_, index) => index).sort((a, b) => (batch.times[a] as number) - (batch.times[b] as number) || a - b);
  return {
    values: order.map((index) => batch.values[index]),
    times: order.map((index) => batch.times[index] as number),
    keys: batch.keys === null ? null : order.map((index) => batch.keys?.[index] as string),
    ingestMs: batch.ingestMs,
  };
}
