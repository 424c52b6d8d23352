// What a chain has still to do: batches that wait at a node, and watermarks that are to rise.
//
// A step is cut into slices, so that no number of events, and no price of one, keeps the event loop from its turn.
//   A1. Depth first: all that an item causes is done before what was to be done behind it. So the results are those of calls that
//       are nested in each other, wherever the work was cut.
//   A2. Work goes on until the stretch is over, by time or by what it holds in memory (step-weight.ts), and is cut between two portions of
//       a batch or between two timers.
//   A3. A portion is as large as what the node's events cost and held lately allows: small at first, never above PORTION_EVENTS_MAX.
//   A4. Each stretch does something, however much it holds already.

import type { Clock } from '../base/clock.ts';
import type { Batch } from '../event/batch.ts';
import type { Places } from '../transforms/transform.ts';
import type { StepWeight } from './step-weight.ts';

export type Work<Node> =
  | {
      readonly kind: 'batch';
      readonly node: Node;
      readonly input: number;
      readonly batch: Batch;
      from: number;
      readonly attempts: number | null;
      /** How often its events have gone round. */ readonly rounds: number;
      /** Where they came from. */ readonly places: Places;
    }
  | RiseWork<Node>;

/** What an input says of time now. */
export type InputTime = { readonly input: number; readonly watermark: number; readonly isIdle: boolean };

/** `from`: what rises. null: nothing, the node catches up with what its inputs allow. 'end': timers that were set behind the end fire. */
export type RiseWork<Node> = {
  readonly kind: 'rise';
  readonly node: Node;
  readonly from: InputTime | null | 'end';
  /** Timers of it have fired. */
  isBegun: boolean;
};

export class Agenda<Node> {
  /** The next item is the last one. */
  readonly #items: Work<Node>[] = [];
  #caused: Work<Node>[] = [];
  #isRunning = false;

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  /** The item that runs has caused others, which are done first (A1). */
  get hasCaused(): boolean {
    return this.#caused.length > 0;
  }

  some(test: (work: Work<Node>) => boolean): boolean {
    return this.#items.some(test);
  }

  /** Behind all that there is; from an item that runs: before it. */
  add(work: Work<Node>): void {
    if (this.#isRunning) this.#caused.push(work);
    else this.#items.unshift(work);
  }

  /** Runs items until there is none, or `isOver` says so between two. `run`: true when the item is through. */
  run(run: (work: Work<Node>) => boolean, isOver: () => boolean): void {
    this.#isRunning = true;
    try {
      for (let work = this.#items.at(-1); work !== undefined && !isOver(); work = this.#items.at(-1)) {
        if (run(work)) this.#items.pop();
        if (this.#caused.length === 0) continue;
        for (let i = this.#caused.length - 1; i >= 0; i--) this.#items.push(this.#caused[i] as Work<Node>);
        this.#caused = [];
      }
    } finally {
      this.#isRunning = false;
    }
  }
}

/** A tenth of a lease: heartbeats and other tasks of the worker wait for a step. */
export const STRETCH_MS = 200;
/** What a step that took in events for so long has left for what waits inside, and for timers that are due. */
export const GRACE_MS = 50;

/** The time that a step may take without giving the event loop back, and what it may hold. Without a clock time has no end. */
export class Stretch {
  readonly #clock: Pick<Clock, 'monotonicMs'> | null;
  readonly weight: StepWeight;
  #untilMs = Infinity;
  #lastMs = 0;
  #isFresh = true;
  /** Whether what it holds ends it. */
  isWeighed = true;
  isOver = false;

  constructor(clock: Pick<Clock, 'monotonicMs'> | null, weight: StepWeight) {
    this.#clock = clock;
    this.weight = weight;
  }

  /** Without end: whatever it holds, too. */
  begin(forMs: number): void {
    this.isWeighed = forMs < Infinity;
    this.#isFresh = true;
    this.#lastMs = this.#clock?.monotonicMs() ?? 0;
    this.#untilMs = this.#lastMs + forMs;
    this.isOver = false;
  }

  /** From now on there is so much at least. */
  extend(forMs: number): void {
    this.#lastMs = this.#clock?.monotonicMs() ?? 0;
    this.#untilMs = Math.max(this.#untilMs, this.#lastMs + forMs);
    this.isOver = false;
  }

  /** What there is room for yet; Infinity where what it holds does not count. */
  get bytesLeft(): number {
    return this.isWeighed ? this.weight.left : Infinity;
  }

  /** Ms since the last call. */
  lap(): number {
    if (this.isWeighed && !this.#isFresh && this.weight.isOver) this.isOver = true;
    this.#isFresh = false; // A4
    if (this.#clock === null) return 0;
    const nowMs = this.#clock.monotonicMs();
    const tookMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (nowMs >= this.#untilMs) this.isOver = true;
    return tookMs;
  }
}

const PORTION_EVENTS_FIRST = 8;
/** Large: an aggregate gives each of a portion's keys once. Should the price of an event rise all of a sudden, one portion is dear, once. */
const PORTION_EVENTS_MAX = 4_096;
/** A quarter of a stretch, so that a step ends soon behind its time. */
const PORTION_MS = 50;

/** How many events a node gets at once (A3). */
export class Portion {
  events = PORTION_EVENTS_FIRST;

  /** `share`: of the bytes that a portion may hold. */
  took(events: number, tookMs: number, share: number): void {
    const load = Math.max(tookMs / PORTION_MS, share);
    if (load > 1) this.events = Math.min(this.events, Math.max(1, Math.floor(events / load)));
    else if (events === this.events && load < 1 / 2) this.events = Math.min(PORTION_EVENTS_MAX, this.events * 2);
  }
}
