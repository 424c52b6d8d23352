// State kinds of a reducer, declared beside its step; the context then has a handle for each.

import type { ReduceCellSpec } from '../../crds/stream-job/state.ts';

declare const handle: unique symbol;

/** Made by `cell`. H: the handle that the step gets. */
export interface CellKind<out H = unknown> {
  readonly spec: ReduceCellSpec;
  readonly [handle]?: H;
}

export interface ValueHandle<T> {
  get(): T | undefined;
  set(value: T): void;
  clear(): void;
}
export interface ListHandle<T> {
  add(item: T): void;
  /** In the order in which they were added. Do not change it. */
  items(): readonly T[];
  readonly size: number;
  clear(): void;
}
export interface MapHandle<V> {
  get(name: string): V | undefined;
  has(name: string): boolean;
  /** A new entry comes last; one that is there keeps its place. */
  set(name: string, value: V): void;
  delete(name: string): void;
  entries(): Iterable<[string, V]>;
  readonly size: number;
  clear(): void;
}
export interface AddingHandle<In, Out> {
  add(item: In): void;
  /** undefined: nothing was added. */
  get(): Out | undefined;
  clear(): void;
}

export type AggregatingOptions<In, Sum, Out> = {
  readonly init: () => Sum;
  /** The next sum. Never changes the one that it was given. */
  readonly add: (sum: Sum, item: In) => Sum;
  readonly result: (sum: Sum) => Out;
};

/** What a reducer keeps beside its state. A change is stored as what changed: one entry of a map, the items that were added to a list.
 *  Values are plain data and are never changed in place. */
export const cell = {
  /** One value. */
  value: <T>(): CellKind<ValueHandle<T>> => ({ spec: { kind: 'value' } }),
  /** Items that are added. */
  list: <T>(): CellKind<ListHandle<T>> => ({ spec: { kind: 'list' } }),
  /** Entries by name. */
  map: <V>(): CellKind<MapHandle<V>> => ({ spec: { kind: 'map' } }),
  /** The items put together, two at a time. */
  reducing: <T>(reduce: (sum: T, item: T) => T): CellKind<AddingHandle<T, T>> => ({ spec: { kind: 'reducing', reduce } }),
  /** The items put into a sum of another type, and what is read of it. */
  aggregating: <In, Sum, Out>(options: AggregatingOptions<In, Sum, Out>): CellKind<AddingHandle<In, Out>> => ({
    spec: { kind: 'aggregating', ...options },
  }),
} as const;

export type Cells = Readonly<Record<string, CellKind>>;
/** The handles of declared cells. */
export type HandlesOf<C> = { readonly [Name in keyof C]: C[Name] extends CellKind<infer H> ? H : never };
