// rateLimit: a token bucket in the time of the clock. Events without a token wait in cells, in arrival order.
//
//   RL1. The bucket is state: whoever goes on with it knows what was given out, and none comes by moving.
//   RL2. While events wait nothing more is taken in. One step may bring more than a second's worth.
//   RL3. The watermark stays behind what waits.
//   RL4. On a clock that went back it counts from there on: it never waits until that clock has come to where another one was.

import type { Batch } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { pickEvents, range } from './each-event.ts';
import { WaitedPlaces, WaitingEvents, waitingBatches, type WaitingEvent } from './waiting-events.ts';
import type { RestoreContext, StepContext, Transform, Waits } from './transform.ts';

type Bucket = readonly [tokens: number, atMs: number];

/** Behind the waiting events, which are in 0. */
const NAMESPACE = 1;
const BUCKET = 'bucket';
/** Events go on in groups: a wake is a record. */
const GROUP_MS = 20;
/** Sums of fractions come out a hair below the whole. */
const HAIR = 1e-9;

export function makeRateLimit(op: Extract<OpPlan, { kind: 'rateLimit' }>): Transform {
  return new RateLimit(op);
}

class RateLimit implements Transform {
  readonly carriesTraces = true;
  readonly waits: Waits;
  readonly #perMs: number;
  readonly #burst: number;
  #waiting!: WaitingEvents<null>;
  #wanted = -Infinity;
  #nextMs = Infinity;

  constructor({ perSecond, burst }: Extract<OpPlan, { kind: 'rateLimit' }>) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    const isWaiting = (): boolean => this.#waiting.size > 0;
    this.waits = {
      nextMs: () => this.#nextMs,
      wake: (upToMs, context) => this.#wake(upToMs, context),
      get isHolding() {
        return isWaiting();
      },
      get isFull() {
        return isWaiting();
      },
    };
  }

  held(): number {
    return this.#waiting.size;
  }

  restored({ cells, watermark }: RestoreContext): void {
    this.#waiting = new WaitingEvents(cells);
    this.#wanted = watermark;
    this.#nextMs = this.#waiting.size === 0 ? Infinity : -Infinity; // how long yet, the first wake finds out
  }

  onBatch(batch: Batch, context: StepContext): void {
    const count = batch.values.length;
    const now = this.#waiting.size > 0 ? 0 : this.#take(count, context);
    if (now > 0) context.emit(now === count ? batch : pickEvents(batch, range(now)));
    for (let i = now; i < count; i++) this.#waiting.add(batch, i, null, context.placeOf(batch.values[i]));
    this.#plan(context);
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#wanted = watermark;
    this.#advance(context);
  }

  #wake(upToMs: number, context: StepContext): void {
    const count = upToMs === Infinity ? this.#waiting.size : this.#take(this.#waiting.size, context);
    const released: WaitingEvent<null>[] = [];
    for (const event of this.#waiting.all()) {
      if (released.length === count) break;
      released.push(event);
    }
    for (const event of released) this.#waiting.remove(event);
    context.cameFrom(new WaitedPlaces(released));
    for (const batch of waitingBatches(released)) context.emit(batch);
    this.#advance(context);
    this.#plan(context);
  }

  /** Takes up to `wanted` tokens: how many there were. */
  #take(wanted: number, context: StepContext): number {
    const tokens = this.#tokens(context);
    const taken = Math.min(wanted, Math.floor(tokens + HAIR));
    if (taken > 0 || this.#isBehind(context)) context.cells.put(NAMESPACE, BUCKET, [tokens - taken, context.nowMs] satisfies Bucket);
    return taken;
  }

  /** RL4. The worker before had a clock that was ahead of this one. */
  #isBehind({ cells, nowMs }: StepContext): boolean {
    const bucket = cells.get(NAMESPACE, BUCKET) as Bucket | undefined;
    return bucket !== undefined && bucket[1] > nowMs;
  }

  /** A clock that went back gives nothing, and takes nothing away. */
  #tokens({ cells, nowMs }: StepContext): number {
    const [tokens, atMs] = (cells.get(NAMESPACE, BUCKET) as Bucket | undefined) ?? [this.#burst, nowMs];
    return Math.min(this.#burst, tokens + Math.max(0, nowMs - atMs) * this.#perMs);
  }

  #plan(context: StepContext): void {
    if (this.#waiting.size === 0) {
      this.#nextMs = Infinity;
      return;
    }
    const group = Math.max(1, Math.min(this.#waiting.size, this.#burst, Math.floor(this.#perMs * GROUP_MS)));
    const missing = Math.max(0, group - this.#tokens(context));
    this.#nextMs = context.nowMs + Math.max(1, Math.ceil(missing / this.#perMs));
  }

  /** RL3. */
  #advance(context: StepContext): void {
    context.emitWatermark(this.#waiting.bound(this.#wanted, context.emitted));
  }
}
