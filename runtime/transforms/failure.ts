// What fails for one event becomes a dead letter for that event only (T3). The one way how every transform does it.

import { AssertionFailed } from '../base/assert.ts';
import { MillraceError } from '../base/errors.ts';
import { DEAD_LETTER_STACK_CHARACTERS_MAX, MESSAGE_VALUE_CHARACTERS_MAX } from '../base/limits.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { traceAt } from '../event/trace-marks.ts';
import { LATE } from './transform.ts';
import type { StepContext } from './transform.ts';

/** A transform's own objection to an event: its message is the problem of the dead letter. */
export class EventRefused extends Error {
  override readonly name = 'EventRefused';
}

/** What it is called where nothing came from outside: in traces, of each try, and of the last one. */
export const LOOKUP_FAILED = 'LookupFailed';

/** Makes a dead letter (MR3002) of event `index`. A broken invariant of ours is no fault of the event: it goes on up. */
export function failEvent(context: StepContext, batch: Batch, index: number, cause: unknown): void {
  if (cause instanceof AssertionFailed) throw cause;
  refuseEvent(context, batch, index, problemOf(cause), cause);
}

/** It would be so at every further try. */
export function isLasting(cause: unknown): boolean {
  return cause instanceof EventRefused || (cause instanceof Error && cause.name === 'ExpressionError');
}

/** Where code of the user's threw it, for a dead letter; undefined: it was not code that did. */
export function stackOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || isLasting(cause) || cause.stack === undefined || cause.stack === '') return undefined;
  return cause.stack.slice(0, DEAD_LETTER_STACK_CHARACTERS_MAX);
}

/** Makes a dead letter (MR3002) of what a transform made of several events: there is no event that could be put in again. */
export function failMade(
  context: StepContext,
  { event, timeMs, key }: { readonly event: Value; readonly timeMs: number; readonly key: Key },
  cause: unknown,
): void {
  if (cause instanceof AssertionFailed) throw cause;
  const { message } = new MillraceError('MR3002', { transform: context.nodeId, problem: problemOf(cause) });
  context.countMade(1);
  context.deadLetter({ code: 'MR3002', message, issues: [], event, place: null, timeMs, key, input: null }, undefined, cause);
}

/** Makes a dead letter (MR3002) of event `index` that says `problem`. */
export function refuseEvent(context: StepContext, batch: Batch, index: number, problem: string, cause?: unknown): void {
  const letter = {
    code: 'MR3002',
    message: new MillraceError('MR3002', { transform: context.nodeId, problem }).message,
    issues: [],
    event: batch.values[index],
    place: null,
    timeMs: batch.times[index] ?? null,
    key: batch.keys?.[index] ?? null,
  };
  context.deadLetter(letter, traceAt(batch, index), cause);
}

/** Late events: counted, and given to the output `late` when something reads it, else made dead letters. Never lost. */
export function refuseLate(context: StepContext, late: Batch, to: 'output' | 'deadLetter'): void {
  if (late.values.length === 0) return;
  context.countLate(late.values.length);
  if (to === 'output') {
    context.emit(late, LATE);
    return;
  }
  context.countMade(late.values.length); // an event's end is that it came late; the dead letter tells of it
  late.times.forEach((timeMs, index) =>
    refuseEvent(
      context,
      late,
      index,
      `the event came too late: its time ${describeTime(timeMs)} is not after the watermark ${describeTime(context.watermark)}`,
    ),
  );
}

/** A value in a message, cut when it is long. */
export function describeValue(value: unknown): string {
  const text = typeof value === 'bigint' ? `${value}` : (safeJson(value) ?? String(value));
  return text.length <= MESSAGE_VALUE_CHARACTERS_MAX ? text : `${text.slice(0, MESSAGE_VALUE_CHARACTERS_MAX)}…`;
}

/** What went wrong, for people. */
export function problemOf(cause: unknown): string {
  if (!(cause instanceof Error)) return `it threw ${describeValue(cause)}`;
  const isOurs = cause instanceof EventRefused || cause.name === 'ExpressionError';
  return isOurs ? cause.message : `${cause.name}: ${cause.message}`;
}

/** As a date, where it is one. */
export function describeTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString();
}

function safeJson(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value); // JSON would write null for NaN
  try {
    return JSON.stringify(value, (_name, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  } catch {
    return undefined;
  }
}
