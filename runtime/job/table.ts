// Side inputs: a table's declaration and its lookups, with the type of its rows.

import type { z } from 'zod';
import type { enrichSchema } from '../../crds/stream-job/joins.ts';
import type { Cel } from './cel.ts';
import type { EventCode } from './code.ts';
import { codeOf, fieldOrCodeOf } from './code.ts';
import type { Emits } from './stream.ts';

declare const takes: unique symbol;
declare const gives: unique symbol;

export type RowCode<Row, R> = ((row: Row) => R) | Cel<R>;
export type TableOptions<Row> = {
  /** The row's key: a field, or code over the row. */
  readonly key: (keyof Row & string) | RowCode<Row, unknown>;
  /** The row's version time; makes the table temporal: a lookup finds the newest row at or before its time. */
  readonly at?: (keyof Row & string) | RowCode<Row, number>;
  /** How long a row of a temporal table is valid. Without it: until the next row of its key. */
  readonly validFor?: string;
};

/** Of a table that follows a stream. */
export type StreamTableOptions<Row> = {
  /** The row's key: a field, or code over the row. Of rows with one key the newest counts, by event time. */
  readonly key: (keyof Row & string) | RowCode<Row, unknown>;
  /** The row's version time; a lookup finds the newest row at or before its time, and may say which (`at`). It needs `keepFor`. */
  readonly at?: (keyof Row & string) | RowCode<Row, number>;
  /** With at: how long a version is valid. Without it: until the next one of its key. */
  readonly validFor?: string;
  /** With at: how long before the watermark a time may be that is looked up. */
  readonly keepFor?: string;
  /** Rows for which it holds say that their key is gone. */
  readonly deleted?: RowCode<Row, boolean>;
  /** eventTime (when absent): an event waits until the watermark of the rows has passed it, and sees those of its own time. latest: it does
   *  not wait, and sees what is there. */
  readonly asOf?: 'eventTime' | 'latest';
  /** With asOf eventTime: while so many events or rows of a partition wait, only those are read on for which they wait; 100000 when absent. */
  readonly maxWaiting?: number;
  /** Rows that end (a file, a stream with bounded: true): who reads the table takes in all of them before anything else. */
  readonly bootstrap?: Emits<Row>;
};

export type LookupOptions<E, W = EventCode<E, boolean>> = {
  /** A field of the event, or code. */
  readonly key: (keyof E & string) | EventCode<E, unknown>;
  /** Temporal tables: the time to look up; the event's time when absent. */
  readonly at?: (keyof E & string) | EventCode<E, number>;
  /** Only events for which this holds get the field. */
  readonly when?: W;
};

/** One lookup of an enrich, over events of type E. `Always`: every event gets the field. */
export interface Lookup<in E, out Row, out Always extends boolean = boolean> {
  readonly table: string;
  readonly spec: Omit<z.input<typeof enrichSchema>, 'table' | 'as'>;
  readonly [takes]?: (event: E) => void;
  readonly [gives]?: readonly [Row, Always];
}

/** The fields that lookups add: the row or null; with `when` the field may be absent. */
export type LookedUp<L> = { -readonly [K in keyof L as L[K] extends Lookup<never, unknown, true> ? K : never]: RowOf<L[K]> | null } & {
  -readonly [K in keyof L as L[K] extends Lookup<never, unknown, true> ? never : K]?: RowOf<L[K]> | null;
};
type RowOf<L> = L extends Lookup<never, infer Row> ? Row : never;

/** A side input of a job, which every partition sees whole. */
export interface Table<out Row> {
  readonly name: string;
  /** `flights.enrich({ plane: planes.lookup({ key: 'tailnum' }) })`. */
  lookup<E, const W extends EventCode<E, boolean> | undefined = EventCode<E, boolean> | undefined>(
    options: LookupOptions<E, W>,
  ): Lookup<E, Row, undefined extends W ? true : false>;
}

export function makeTable<Row>(name: string): Table<Row> {
  return { name, lookup: (options) => ({ table: name, spec: lookupSpec(options as LookupOptions<never>) }) };
}

function lookupSpec({ key, at, when }: LookupOptions<never>): Lookup<never, unknown>['spec'] {
  return {
    key: fieldOrCodeOf(key),
    ...(at === undefined ? {} : { at: fieldOrCodeOf(at) }),
    ...(when === undefined ? {} : { when: codeOf(when) }),
  };
}
