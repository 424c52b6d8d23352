// Code slots of the builder: functions typed over the event, or CEL; and what they give.
//
//   K1. A function gets positionally what the CEL variables name: (event, key, timeMs, nowMs).
//   K2. A function is called inside a step: synchronous, and equal for equal arguments (a step may be repeated).

import type { Code } from '../../crds/stream-job/code.ts';
import type { Fields } from '../../crds/stream-job/code.ts';
import type { Cel } from './cel.ts';
import { isCel } from './cel.ts';
import type { Mistake } from './mistake.ts';

/** Events whose fields nobody declared: every field may be there and is unknown. */
export type AnyEvent = Record<string, unknown>;

/** `key` is null before a keyBy; times are ms since the epoch. */
export type EventFunction<E, R> = (event: E, key: unknown, timeMs: number, nowMs: number) => R;
export type EventCode<E, R> = EventFunction<E, R> | Cel<R>;
/** Field → code: an object of results. */
export type FieldCodes<E> = { readonly [field: string]: EventCode<E, unknown> };
/** Spreads an intersection into one readable object type. */
export type Simplify<T> = { -readonly [K in keyof T]: T[K] } & {};

/** The result of CEL whose type nobody said. */
type Known<T, Unknown> = [T] extends [never] ? Unknown : unknown extends T ? Unknown : T;

/** What one code gives. */
export type ResultOf<C> = C extends Cel<infer T> ? Known<T, unknown> : C extends (...args: never[]) => infer R ? R : never;
/** What code, or fields of codes, give as an event. */
export type EventOf<C> =
  C extends Cel<infer T> ? Known<T, AnyEvent> : C extends (...args: never[]) => infer R ? R : { -readonly [K in keyof C]: ResultOf<C[K]> };

/** Refuses functions that return a promise. */
export type Synchronous<C> = C extends (...args: never[]) => infer R
  ? unknown extends R // any, after another mistake: not worth a second message
    ? unknown
    : R extends PromiseLike<unknown>
      ? Mistake<'a transform is synchronous: do I/O in a source, a sink or an enrich table, not in a function of the job'>
      : unknown
  : unknown;

export function codeOf(code: Cel | ((...args: never[]) => unknown)): Code {
  return isCel(code) ? code.text : code;
}

export function codeOrFieldsOf(
  code: Cel | ((...args: never[]) => unknown) | Readonly<Record<string, Cel | ((...args: never[]) => unknown)>>,
): Code | Fields {
  if (isCel(code) || typeof code === 'function') return codeOf(code);
  return Object.fromEntries(Object.entries(code).map(([field, value]) => [field, codeOf(value)]));
}

/** A field's name becomes CEL over `variable`: `x` → `event.x`; other codes stay. */
export function fieldOrCodeOf(code: string | Cel | ((...args: never[]) => unknown), variable: 'event' | 'row' = 'event'): Code {
  if (typeof code !== 'string') return codeOf(code);
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(code) ? `${variable}.${code}` : `${variable}[${JSON.stringify(code)}]`;
}
