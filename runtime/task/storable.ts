// Events that cannot be stored: code of a user may return anything, a segment holds plain data only (event/segment.ts, S4).
//
//   O1. An event that no segment may hold is refused by itself; the others of its batch are stored, in their order.
//   O2. As long as nothing is refused this costs nothing beyond encoding; only then is each event tried alone.

import { MillraceError } from '../base/errors.ts';
import { MESSAGE_VALUE_CHARACTERS_MAX } from '../base/limits.ts';
import type { Batch, DeadLetter, Value } from '../event/batch.ts';
import { SegmentRefused, encodeEvents } from '../event/segment.ts';
import { pickTraces } from '../event/trace-marks.ts';

/** `bytes` hold `count` events of the batch; the others are told in `letters`, as events of the transform `at`. */
export type Encoded = { readonly bytes: Uint8Array; readonly count: number; readonly letters: readonly DeadLetter[] };

/** A dead letter shows this much of an event that cannot be stored. */
const SHOWN_DEPTH_MAX = 8;
const SHOWN_PARTS_MAX = 1_000;

/** Encodes a batch; what cannot be stored becomes dead letters (MR3002). */
export function encodeStorable(batch: Batch, at: string): Encoded {
  try {
    return { bytes: encodeEvents([batch]), count: batch.values.length, letters: [] };
  } catch (error) {
    if (!(error instanceof SegmentRefused)) throw error;
    return encodeOneByOne(batch, at);
  }
}

/** Dead letters as they can be stored: with text in the place of each part of an event that no segment may hold. */
export function storableLetters(letters: readonly DeadLetter[]): readonly DeadLetter[] {
  const ingestMs = 0;
  const whole: Batch = { values: letters.map(({ event }) => event), times: letters.map(() => 0), keys: null, ingestMs };
  if (problemOf(whole) === null) return letters;
  return letters.map((letter) =>
    problemOf({ values: [letter.event], times: [0], keys: null, ingestMs }) === null
      ? letter
      : { ...letter, event: shown(letter.event), cut: true },
  );
}

function encodeOneByOne(batch: Batch, at: string): Encoded {
  const problems = batch.values.map((_, index) => problemOf(pick(batch, [index])));
  const kept = [...problems.keys()].filter((index) => problems[index] === null);
  const letters = problems.flatMap((problem, index) => (problem === null ? [] : [letterOf(batch, index, problem, at)]));
  return { bytes: encodeEvents([pick(batch, kept)]), count: kept.length, letters };
}

function problemOf(batch: Batch): string | null {
  try {
    encodeEvents([batch]);
    return null;
  } catch (error) {
    if (error instanceof SegmentRefused) return error.message;
    throw error;
  }
}

function pick(batch: Batch, indexes: readonly number[]): Batch {
  const { values, times, keys } = batch;
  return {
    values: indexes.map((index) => values[index]),
    times: indexes.map((index) => times[index] as number),
    keys: keys === null ? null : indexes.map((index) => keys[index] as string),
    ingestMs: batch.ingestMs,
    traces: pickTraces(batch.traces, indexes),
  };
}

function letterOf(batch: Batch, index: number, problem: string, at: string): DeadLetter {
  return {
    code: 'MR3002',
    at,
    message: new MillraceError('MR3002', { transform: at, problem }).message,
    issues: [],
    event: batch.values[index],
    place: null,
    timeMs: batch.times[index] ?? null,
    key: batch.keys?.[index] ?? null,
    input: null,
  };
}

/** A copy for people: cycles and depth are cut, code and instances are named. */
function shown(event: Value): Value {
  let parts = 0;
  const show = (value: unknown, depth: number): unknown => {
    if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value} ${nameOf(value)}]`;
    if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
    if (depth === SHOWN_DEPTH_MAX || ++parts > SHOWN_PARTS_MAX) return '[…]';
    if (Array.isArray(value)) return value.slice(0, SHOWN_PARTS_MAX).map((item) => show(item, depth + 1));
    const entries = Object.entries(value);
    if (entries.length === 0 && !isPlain(value)) return `[${value.constructor.name}]`;
    return Object.fromEntries(entries.slice(0, SHOWN_PARTS_MAX).map(([name, item]) => [name, show(item, depth + 1)]));
  };
  return show(event, 0);
}

function nameOf(value: { readonly name?: string; readonly description?: string | undefined }): string {
  return (value.name ?? value.description ?? '').slice(0, MESSAGE_VALUE_CHARACTERS_MAX);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
