// What an actor caused while it took one event: collected first, carried out when the whole event went well.
//
//   A1. Atomic per event: when anything of it fails, neither its state nor its effects are kept.
//   A2. Order is kept: emissions in the order of the actions, timer changes likewise.

/** The event and actor that are worked on, and what they caused. One object for all events of a transform. */
export class Effects {
  /** The actor's key, decoded, and the time of the event or timer. */
  key: unknown = null;
  timeMs = 0;
  /** First error of the actor's own code: engines wrap errors, and the cause is what people want. */
  failure: unknown = null;
  readonly values: unknown[] = [];
  /** Output of each value; null: the main one only. */
  readonly outputs: (string | null)[] = [];
  readonly timers: TimerChange[] = [];

  begin(key: unknown, timeMs: number): void {
    this.key = key;
    this.timeMs = timeMs;
    this.failure = null;
    if (this.values.length > 0) this.values.length = this.outputs.length = 0;
    if (this.timers.length > 0) this.timers.length = 0;
  }

  emit(value: unknown, output: string | null): void {
    this.values.push(value);
    this.outputs.push(output);
  }

  /** `id` null: a timer that nobody cancels; it gets an id of its own. */
  setTimer(id: string | null, delayMs: number, event: unknown): void {
    if (!Number.isFinite(delayMs) || delayMs < 0) throw new RangeError(`a delay must be a number of ms from 0 on, found ${delayMs}`);
    this.timers.push({ kind: 'set', id, delayMs: Math.round(delayMs), event });
  }

  clearTimer(id: string): void {
    this.timers.push({ kind: 'clear', id });
  }
}

export type TimerChange =
  | { readonly kind: 'set'; readonly id: string | null; readonly delayMs: number; readonly event: unknown }
  | { readonly kind: 'clear'; readonly id: string };
