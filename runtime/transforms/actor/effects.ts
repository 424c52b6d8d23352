// What an actor caused while it took one event: collected first, carried out when the whole event went well.
//
//   A1. Atomic per event: when anything of it fails, neither its state nor its effects are kept.
//   A2. Order is kept: emissions in the order of the actions, timer changes likewise.

import { DURATION_MS_MAX } from '../../base/limits.ts';
import type { Key } from '../../event/batch.ts';
import { encodeKey } from '../../event/key.ts';
import type { SideTables } from '../transform.ts';
import { demandPlain } from './plain-state.ts';
import type { MachineEvent } from './xstate.ts';

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
  /** Events to actors of other keys. */
  readonly sent: Sent[] = [];
  /** How many sends without a delay led to what is worked on. */
  hops = 0;
  /** Actors of this machine may send each other events: there is a way for them. */
  maySend = false;
  /** What its expressions read besides; null: nothing. */
  tables: SideTables | null = null;

  begin(key: unknown, timeMs: number, hops = 0): void {
    this.key = key;
    this.timeMs = timeMs;
    this.hops = hops;
    this.failure = null;
    if (this.values.length > 0) this.values.length = this.outputs.length = 0;
    if (this.timers.length > 0) this.timers.length = 0;
    if (this.sent.length > 0) this.sent.length = 0;
  }

  emit(value: unknown, output: string | null): void {
    this.values.push(value);
    this.outputs.push(output);
  }

  /** `id` null: a timer that nobody cancels; it gets an id of its own. */
  setTimer(id: string | null, delayMs: number, event: unknown): void {
    if (!Number.isFinite(delayMs) || delayMs < 0) throw new RangeError(`a delay must be a number of ms from 0 on, found ${delayMs}`);
    if (delayMs > DURATION_MS_MAX) throw new RangeError(`a delay of ${delayMs} ms is longer than ${DURATION_MS_MAX}: it would never fire`);
    demandPlain(event);
    this.timers.push({ kind: 'set', id, delayMs: Math.round(delayMs), event });
  }

  /** Throws for a key that is none. */
  send(key: unknown, event: MachineEvent, delay: { readonly ms: number; readonly id: string | null } | null): void {
    if (!this.maySend)
      throw new Error('nothing shows that the machine sends events: name the sendToKey action in setup({ actions }), or in a state');
    if (key === undefined || key === null || (typeof key === 'number' && !Number.isFinite(key)))
      throw new RangeError(`sendTo needs the key of an actor, found ${String(key)}`);
    const to = encodeKey(key);
    if (delay === null || delay.ms === 0) this.sent.push({ to, event, hops: this.hops + 1 });
    else this.setTimer(delay.id, delay.ms, { type: `${DELAYED}.${event.type}`, value: { to, event } });
  }

  /** Nothing but the state may have changed. */
  get isEmpty(): boolean {
    return this.values.length === 0 && this.timers.length === 0 && this.sent.length === 0;
  }

  clearTimer(id: string): void {
    this.timers.push({ kind: 'clear', id });
  }
}

/** Event types of this file's own timers, which no machine sees: an event to be sent; one that was set behind the end of time. */
export const DELAYED = 'xstate.millrace.sendTo';
export const BEHIND_END = 'xstate.millrace.end';

/** Sends in a row, each in answer to the one before, after which actors send in a circle. */
export const HOPS_MAX = 100;

export type Sent = { readonly to: Key; readonly event: MachineEvent; readonly hops: number };

export type TimerChange =
  | { readonly kind: 'set'; readonly id: string | null; readonly delayMs: number; readonly event: unknown }
  | { readonly kind: 'clear'; readonly id: string };
