// Aggregates of a key, or of a key and window: `aggregate({ flights: count(), meanDelay: mean((f) => f.delay) })`.
//
//   A1. The event's type comes from the stream: `(f) => f.delay` is checked against it.
//   A2. `where` counts in only the events for which it holds.

import type { AggregateSpec } from '../../crds/stream-job/aggregates.ts';
import type { EventCode } from './code.ts';
import { codeOf } from './code.ts';

declare const takes: unique symbol;
declare const gives: unique symbol;

/** One aggregate over events of type E that gives R. */
export interface Aggregate<in E, out R> {
  readonly spec: AggregateSpec;
  readonly [takes]?: (event: E) => void;
  readonly [gives]?: R;
}
export type AggregateOptions<E> = { readonly where?: EventCode<E, boolean> };
/** What an aggregate gives. */
export type GivenBy<A> = A extends Aggregate<never, infer R> ? R : never;

/** The number of events. */
export function count<E>(options: AggregateOptions<E> = {}): Aggregate<E, number> {
  return { spec: { count: {}, ...where(options) } };
}

export function sum<E>(value: EventCode<E, number | null>, options: AggregateOptions<E> = {}): Aggregate<E, number> {
  return { spec: { sum: codeOf(value), ...where(options) } };
}

/** Null when no event had a value. */
export function mean<E>(value: EventCode<E, number | null>, options: AggregateOptions<E> = {}): Aggregate<E, number | null> {
  return { spec: { mean: codeOf(value), ...where(options) } };
}

/** Of a sample; null below two values. Merged parts give the same but for the last digits. */
export function variance<E>(value: EventCode<E, number | null>, options: AggregateOptions<E> = {}): Aggregate<E, number | null> {
  return { spec: { variance: codeOf(value), ...where(options) } };
}

/** The root of the variance. */
export function stddev<E>(value: EventCode<E, number | null>, options: AggregateOptions<E> = {}): Aggregate<E, number | null> {
  return { spec: { stddev: codeOf(value), ...where(options) } };
}

export function min<E, T>(value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, T | null> {
  return { spec: { min: codeOf(value), ...where(options) } };
}

export function max<E, T>(value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, T | null> {
  return { spec: { max: codeOf(value), ...where(options) } };
}

export function first<E, T>(value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, T | null> {
  return { spec: { first: codeOf(value), ...where(options) } };
}

export function last<E, T>(value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, T | null> {
  return { spec: { last: codeOf(value), ...where(options) } };
}

/** All values, in the order in which they came. */
export function collect<E, T>(value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, T[]> {
  return { spec: { collect: codeOf(value), ...where(options) } };
}

/** The number of different values. */
export function distinct<E>(value: EventCode<E, unknown>, options: AggregateOptions<E> = {}): Aggregate<E, number> {
  return { spec: { distinct: codeOf(value), ...where(options) } };
}

/** The number of different values, about: HyperLogLog with a standard error of 0.81 %, at most 16 kB of state a key. */
export function approxDistinct<E>(value: EventCode<E, unknown>, options: AggregateOptions<E> = {}): Aggregate<E, number> {
  return { spec: { approxDistinct: codeOf(value), ...where(options) } };
}

/** The values at these shares (0 … 1) of all values in order; nulls before there is one. Exact up to 512 values; beyond by a t-digest of
 *  at most 11 kB a key, whose ranks are off by 1 % at most. */
export function quantiles<E>(
  at: readonly number[],
  value: EventCode<E, number | null>,
  options: AggregateOptions<E> = {},
): Aggregate<E, (number | null)[]> {
  return { spec: { quantiles: { of: codeOf(value), at: [...at] }, ...where(options) } };
}

export type HeavyHitter<T> = {
  readonly value: T;
  /** How often it was there, at least. */ readonly count: number;
  /** How much more often at most. */ readonly error: number;
};

/** The values that are `share` (0.001 … 1) of all or more, the most frequent first, and none that is less than half of it: by
 *  2 / share counters a key. */
export function heavyHitters<E, T>(
  share: number,
  value: EventCode<E, T>,
  options: AggregateOptions<E> = {},
): Aggregate<E, HeavyHitter<NonNullable<T>>[]> {
  return { spec: { heavyHitters: { of: codeOf(value), share }, ...where(options) } };
}

/** `size` of the values, each as likely as any other, the same ones at a replay; in the order of event time. */
export function reservoir<E, T>(size: number, value: EventCode<E, T>, options: AggregateOptions<E> = {}): Aggregate<E, NonNullable<T>[]> {
  return { spec: { reservoir: { of: codeOf(value), size }, ...where(options) } };
}

export type TopOptions<E, T> = AggregateOptions<E> & {
  /** The rank: a number, text or boolean, or a list of them, of which the first that differ decide. */
  readonly by: EventCode<E, unknown>;
  /** What is kept of each. */
  readonly value: EventCode<E, T>;
  /** true: all that rank as high as the last one, too. */
  readonly ties?: boolean;
};

/** The values of the events that rank highest, the highest first; of equal ranks the earlier. */
export function top<E, T>(limit: number, options: TopOptions<E, T>): Aggregate<E, T[]> {
  const { by, value, ties = false } = options;
  return { spec: { top: { limit, by: codeOf(by), value: codeOf(value), ties }, ...where(options) } };
}

function where<E>(options: AggregateOptions<E>): Pick<AggregateSpec, 'where'> {
  return options.where === undefined ? {} : { where: codeOf(options.where) };
}
