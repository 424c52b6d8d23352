// What the types of an XState machine say: the events it takes and those it emits. Structural: no import of XState here.

import type { z } from 'zod';
import type { machineSchema } from '../../crds/stream-job/machine.ts';
import type { AnyEvent } from './code.ts';
import type { Mistake } from './mistake.ts';
import type { Migration, StateOptions } from './reduce-type.ts';
import type { Table } from './table.ts';

/** A machine made with XState's `setup(…).createMachine(…)` or `createMachine(…)`. */
export interface XStateMachine {
  readonly config: unknown;
  transition(snapshot: never, event: never, scope: never): unknown;
}
/** A machine as YAML declares it: guards, assigns and emitted events are CEL texts. */
export type DeclaredMachine = Omit<z.input<typeof machineSchema>, 'order' | 'unhandled' | 'stateBytesMax'>;

export type MachineOptions = {
  /** eventTime: events of a key are taken in event-time order (held until the watermark passes them); arrival (default): as they come. */
  readonly order?: 'eventTime' | 'arrival';
  /** What becomes of an event that the current state does not handle; dead letters when absent. */
  readonly unhandled?: 'deadLetter' | 'ignore';
  /** Bytes that the context of one actor may have; 262144 when absent. An event that would make it larger is a dead letter. */
  readonly stateBytesMax?: number;
  readonly state?: StateOptions;
  /** How the context of older versions becomes that of this one, one after the other. */
  readonly migrate?: readonly Migration[];
  /** Of a machine declared in CEL: tables that follow streams, which its code reads as `tables.name[key]`. */
  readonly tables?: readonly Table<unknown>[];
};

type TakenBy<M> = M extends { transition(snapshot: never, event: infer E, scope: never): unknown } ? E : never;
/** Events that a machine emits, by their type; any when it is declared in CEL. */
export type EmittedBy<M> = M extends { transition(snapshot: never, event: never, scope: infer S): unknown }
  ? S extends { emit(event: infer X): void }
    ? X
    : never
  : AnyEvent;

/** Unknown unless the machine does not take the stream's events. */
export type CheckMachine<E, M> = M extends XStateMachine
  ? E extends { readonly type: infer T }
    ? string extends T
      ? unknown
      : [T] extends [TypesOf<TakenBy<M>>]
        ? [E] extends [TakenBy<M>]
          ? unknown
          : Mistake<"the fields of the stream's events differ from those that the machine declares for them in setup({ types: { events } })">
        : Mistake<`the machine takes no event "${Exclude<T, TypesOf<TakenBy<M>>> & string}": add it to its events, or filter it out before`>
    : AnyEvent extends E
      ? unknown
      : Mistake<'a machine takes events by their field `type`: map the events to { type, … } before .machine(…)'>
  : unknown;
type TypesOf<E> = E extends { readonly type: infer T } ? T : never;

/** Names of a machine's outputs: the types of what it emits. */
export type OutputOf<M> =
  string extends TypesOf<EmittedBy<M>> ? string : EmittedBy<M> extends { readonly type: string } ? TypesOf<EmittedBy<M>> & string : string;
export type CheckOutput<M, Name> = Name extends OutputOf<M> | 'expired'
  ? unknown
  : Mistake<`the machine emits nothing of type "${Name & string}"; it emits:`, OutputOf<M>>;
/** A machine's actor that expired: its state value and context. */
export type Expired<C> = { readonly key: unknown; readonly state: unknown; readonly context: C };
/** Events of one output. */
export type OutputEvent<M, Name> =
  Name extends Exclude<'expired', OutputOf<M>>
    ? Expired<AnyEvent | null>
    : EmittedBy<M> extends { readonly type: string }
      ? string extends EmittedBy<M>['type']
        ? AnyEvent
        : Extract<EmittedBy<M>, { readonly type: Name }>
      : AnyEvent;
