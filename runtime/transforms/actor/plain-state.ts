// What an actor keeps must come back from its bytes as it was: a Map would come back as an object, an instance without its class, and
// from then on the actor would do something else than before.
//
//   PS1. Plain are JSON values, undefined, NaN and infinities, bigint, Date, Set and arrays of bytes or numbers; all else is refused,
//        where its event is taken: it alone is a dead letter, and the state is as before.

import { EventRefused } from '../failure.ts';

/** As deep as values may be that are stored. */
export const STATE_DEPTH_MAX = 512;

/** Throws EventRefused for a value with anything in it that would not come back (PS1). */
export function demandPlain(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return demandLeaf(value);
  if (ArrayBuffer.isView(value) || value instanceof Date) return;
  demandDepth(depth);
  demandPlainObject(value);
  const parts: Iterable<unknown> = Array.isArray(value) || value instanceof Set ? (value as Iterable<unknown>) : Object.values(value);
  for (const part of parts) demandPlain(part, depth + 1);
}

export function demandLeaf(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') refuse(`a ${typeof value}`);
}

/** Of the object itself, not of what is in it. */
export function demandPlainObject(value: object): void {
  if (isPlainObject(value)) return;
  if (value instanceof Promise) value.catch(() => undefined); // nobody else will look at it
  refuse(value instanceof Promise ? 'a promise' : `an instance of ${nameOf(value)}`);
}

/** Circles have no depth either. */
export function demandDepth(depth: number): void {
  if (depth > STATE_DEPTH_MAX) throw new EventRefused(`what is kept holds itself, or is nested deeper than ${STATE_DEPTH_MAX}; flatten it`);
}

export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return true;
  return prototype === Set.prototype || prototype === Date.prototype || ArrayBuffer.isView(value);
}

function nameOf(value: object): string {
  const { constructor } = value as { readonly constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}

function refuse(what: string): never {
  throw new EventRefused(
    `what is kept has ${what} in it, which would not come back as it was; keep plain data (objects, lists, texts, numbers)`,
  );
}
