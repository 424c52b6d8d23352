// A plain-function actor: one state a key, a function from state and event to the next state.

import type { Cel } from './cel.ts';
import type { Cells, HandlesOf } from './cell.ts';
import type { Table } from './table.ts';
import type { ReduceContext } from '../transforms/actor/reduce.ts';

/** A timer that has not fired; `data`: the event that was asked for. */
export interface PendingTimer<E = unknown> {
  readonly id: string;
  readonly atMs: number;
  readonly data: E;
}

/** What a step may ask and do besides giving the next state. Out: what it emits. All that can be called works by itself, without the object that
 *  it comes from: `(state, event, { emit }) => …`. */
export interface ActorContext<E = unknown, Out = unknown, C = Cells> extends Omit<ReduceContext, 'emit' | 'setTimer' | 'timers' | 'cells'> {
  /** A handle for each of the actor's `cells`. Changes count only when the step returns. */
  readonly cells: HandlesOf<C>;
  /** An event out of the stage: on the main output, and on `output` when named. */
  emit(this: void, event: Out, output?: string): void;
  /** Asks for `event` again at the durable event time `atMs`, with `context.timer` = `id`. The same id again: replaced. */
  setTimer(this: void, id: string, atMs: number, event: E): void;
  /** The actor's timers that have not fired, with what this step has set and cleared, in the order in which they are due. */
  timers(this: void): readonly PendingTimer<E>[];
}

export type Actor<E, S, Out, C = Cells> = {
  /** What is kept beside the state: maps, lists and sums of which only changes are stored. */
  readonly cells?: C;
  /** The state of a key that has none: before its first event, and after it was forgotten. */
  readonly init: (key: unknown) => S;
  /** The next state, or null to forget the actor. Best a new one: code that changes what it was given is given copies of the whole. */
  readonly step: (state: S, event: E, context: ActorContext<E, Out, C>) => S | null;
  /** Bytes that the state of one key may have; 262144 when absent. An event that would make it larger is a dead letter. */
  readonly stateBytesMax?: number;
  /** Called once when the state expires (`state: { ttl }`), at the time at which it does. It may emit; the state and the actor's timers are gone then. */
  readonly expire?: (state: S, context: Omit<ActorContext<E, Out, C>, 'setTimer' | 'clearTimer' | 'timer' | 'timers'>) => void;
};

/** How state of an older version becomes that of a later one. `Old` is what lies in the state. */
export type Migration = {
  readonly from: number;
  readonly to: number;
  /** Over the state and key of a reducer; of a machine over its context, key and state. */
  readonly state: Cel | ((old: never, key: unknown, state?: unknown) => unknown);
};

export type ReduceOptions = {
  readonly state?: StateOptions;
  readonly migrate?: readonly Migration[];
  /** Tables that follow streams, which its step reads by `context.table`. */
  readonly tables?: readonly Table<unknown>[];
};

/** How long the state of one key is kept. */
export type StateOptions = {
  /** A key without an event or timer for this long, in event time, is forgotten. */
  readonly ttl: string;
  /** emit: what is forgotten comes out once, on the output `expired`. */
  readonly onExpire?: 'drop' | 'emit';
};
