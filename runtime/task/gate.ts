// What stands before a transform whose stage says `onError: { retries }`: events that its code refused wait here for their next try.
//
//   G1. Order: what comes behind an event that waits, of its key, waits too; without keys all that comes behind it. Others go on.
//   G2. Only what was thrown by code is tried again: an expression and the engine itself say the same to the same event for ever.
//   G3. An event is here or behind it: what was tried without success has left nothing behind (transforms/transform.ts, T3).
//   G4. It stays for events that wait when the declaration says nothing of retries any more: they are tried once more.

import { doublingMs } from '../base/doubling.ts';
import type { Batch, DeadLetter, Key, Value } from '../event/batch.ts';
import type { OnErrorPlan } from '../plan/physical-plan.ts';
import { partOf } from '../event/part-of.ts';
import { WaitingEvents, waitingBatch, type WaitingEvent } from '../transforms/waiting-events.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import type { Waits } from '../transforms/transform.ts';
import { isLasting } from '../transforms/failure.ts';
import type { TraceContext } from '../base/trace-context.ts';
import type { FailedTry, NextTry } from './step-trace.ts';

/** More that wait than these, and the task takes nothing in. */
const EVENTS_MAX = 10_000;

export type GateParts = {
  readonly cells: KeyedCells;
  readonly policy: Pick<OnErrorPlan, 'retries' | 'backoffMs' | 'backoffMaxMs'>;
  readonly nowMs: () => number;
  /** Gives one event to the transform. */
  readonly take: (input: number, batch: Batch) => void;
  readonly placeOf: (event: Value) => string | null;
  /** What the transform gets next came from there. */
  readonly cameFrom: (place: string | null) => void;
  /** A trace that was kept goes on in a span of this step. */
  readonly enter: (trace: TraceContext, attempt: number) => TraceContext;
  /** Tells of a try that failed; gives the trace that the event goes on in, null: none. */
  readonly tell: (failed: FailedTry, next: NextTry) => TraceContext | null;
};

/** `tries`: how often it failed here. `before`: how often before it was put in again. */
type Note = readonly [input: number, tries: number, dueMs: number, before: number];
type Held = WaitingEvent<Note>;
/** What the transform looks at now. */
type Trying = { readonly event: unknown; readonly tries: number; readonly before: number; failed: FailedTry | null };

export class Gate implements Waits {
  readonly #parts: GateParts;
  readonly #held: WaitingEvents<Note>;
  /** Events that wait, by key, in their order. */
  readonly #queues = new Map<Key | null, Held[]>();
  #trying: Trying | null = null;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#held = new WaitingEvents(parts.cells);
    for (const held of this.#held.all()) this.#queueOf(held.key).push(held);
  }

  get size(): number {
    return this.#held.size;
  }

  get isHolding(): boolean {
    return this.#held.size > 0;
  }

  get isFull(): boolean {
    return this.#held.size >= EVENTS_MAX;
  }

  /** Tries of the event that the transform looks at, this one included. */
  get attempts(): number | null {
    return this.#trying === null ? null : this.#trying.before + this.#trying.tries + 1;
  }

  nextMs(): number {
    let next = Infinity;
    for (const [first] of this.#queues.values()) next = Math.min(next, first?.note[2] ?? Infinity);
    return next;
  }

  bound(wanted: number, now: number): number {
    return this.#held.bound(wanted, now);
  }

  /** `before`: how often its events were tried before they were put in again. */
  receive(input: number, batch: Batch, before: number): void {
    for (let i = 0; i < batch.values.length; i++) {
      const key = batch.keys?.[i] ?? null;
      const queue = this.#queues.get(key);
      if (queue !== undefined) queue.push(this.#held.add(batch, i, [input, 0, 0, before], this.#parts.placeOf(batch.values[i])));
      else {
        const failed = this.#try(input, partOf(batch, i, i + 1), 0, before);
        if (failed === null) continue;
        const { note, trace } = this.#next(failed, [input, 1, 0, before], this.#held.next);
        this.#queueOf(key).push(this.#held.add(batch, i, note, this.#parts.placeOf(batch.values[i]), trace));
      }
    }
  }

  wake(upToMs: number): void {
    for (const [key, queue] of this.#queues) {
      for (let first = queue[0]; first !== undefined && first.note[2] <= upToMs; first = queue[0]) {
        const [input, tries, , before] = first.note;
        const enter = (trace: TraceContext): TraceContext => this.#parts.enter(trace, before + tries + 1);
        this.#parts.cameFrom(first.place);
        const failed = this.#try(input, waitingBatch(first, enter), tries, before);
        if (failed !== null) {
          const { note, trace } = this.#next(failed, [input, tries + 1, 0, before], first.sequence);
          queue[0] = this.#held.note(first, note, first.trace ?? trace); // each try is below what came first
          break;
        }
        this.#held.remove(first);
        queue.shift();
      }
      if (queue.length === 0) this.#queues.delete(key);
    }
  }

  /** The transform gave `letter` for what was thrown: true when its event, which is of that trace, will be tried again. */
  holds(letter: Pick<DeadLetter, 'event'>, cause: unknown, trace: TraceContext | null): boolean {
    const trying = this.#trying;
    if (trying === null || letter.event !== trying.event || trying.tries >= this.#parts.policy.retries || isLasting(cause)) return false;
    trying.failed = { cause, trace };
    return true;
  }

  /** Not null: it is to be tried again. */
  #try(input: number, batch: Batch, tries: number, before: number): FailedTry | null {
    const trying: Trying = { event: batch.values[0], tries, before, failed: null };
    this.#trying = trying;
    this.#parts.take(input, batch);
    this.#trying = null;
    return trying.failed;
  }

  /** When it is tried again after so many tries; `sequence`: of the event that waits. */
  #next(failed: FailedTry, [input, tries, , before]: Note, sequence: number): { readonly note: Note; readonly trace: TraceContext | null } {
    const { policy, nowMs, tell } = this.#parts;
    const waitMs = doublingMs(tries, { firstMs: policy.backoffMs, maxMs: policy.backoffMaxMs });
    const trace = tell(failed, { attempt: before + tries, waitMs, identity: `waits ${sequence}` });
    return { note: [input, tries, nowMs() + waitMs, before], trace };
  }

  #queueOf(key: Key | null): Held[] {
    const found = this.#queues.get(key) ?? [];
    this.#queues.set(key, found);
    return found;
  }
}
